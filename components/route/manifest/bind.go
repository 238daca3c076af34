package manifest

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/apigateway-ingress/apigateway-ingress/components/route/printable"
)

// Bind makes every object one of a namespace: those that name none get it, and those of another are left out and reported. So
// are IngressClasses, which are of no namespace and decide about everybody's Ingresses.
func (s *Set) Bind(namespace string) error {
	var kept []Object
	var problems []error
	for _, object := range s.Objects {
		bound, err := object.bind(namespace)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %s %s/%s: %w", object.Source, object.Kind, object.Namespace, object.Name, err))
			continue
		}
		kept = append(kept, bound)
	}
	s.Objects = kept
	return printable.Error(errors.Join(problems...))
}

func (o Object) bind(namespace string) (Object, error) {
	switch {
	case o.Kind == "IngressClass":
		return o, fmt.Errorf("it is about every namespace, and its source is bound to namespace %s: move it to a source that is bound to "+
			"none", namespace)
	case o.Namespace == namespace:
		return o, nil
	case o.Namespace != "":
		return o, fmt.Errorf("its source is bound to namespace %s: move it to the source of its own namespace", namespace)
	}
	fields := map[string]any{}
	if err := json.Unmarshal(o.JSON, &fields); err != nil {
		return o, err
	}
	metadata, isObject := fields["metadata"].(map[string]any)
	if !isObject {
		metadata = map[string]any{}
		fields["metadata"] = metadata
	}
	metadata["namespace"] = namespace
	encoded, err := json.Marshal(fields)
	o.Namespace, o.JSON = namespace, encoded
	return o, err
}

// Join adds the objects and the notices of another set.
func (s *Set) Join(other Set) {
	s.Objects = append(s.Objects, other.Objects...)
	s.Notices = append(s.Notices, other.Notices...)
}

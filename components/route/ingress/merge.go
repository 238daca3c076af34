package ingress

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
)

// merger joins the API-wide settings of several Ingresses.
type merger struct {
	settings route.Settings
	// origins says which Ingress decided a field, and with which order.
	origins  map[string]origin
	problems []error
}

type origin struct {
	place string
	order int
}

func (m *merger) add(place string, a annotated) {
	if m.origins == nil {
		m.origins = map[string]origin{}
	}
	clients := slices.Concat(m.settings.ClientARNs, a.api.ClientARNs)
	slices.Sort(clients)
	target, source := reflect.ValueOf(&m.settings).Elem(), reflect.ValueOf(a.api)
	for i := range source.NumField() {
		name := source.Type().Field(i).Name
		if source.Field(i).IsZero() || name == "ClientARNs" {
			continue
		}
		here := origin{place, a.order}
		before, decided := m.origins[name]
		switch {
		case !decided || here.order < before.order:
			target.Field(i).Set(source.Field(i))
			m.origins[name] = here
		case here.order == before.order && !reflect.DeepEqual(target.Field(i).Interface(), source.Field(i).Interface()):
			m.problems = append(m.problems, fmt.Errorf("%s: %s is %v, and %v at %s: Ingresses of one API must agree, or give them different %sgroup.order",
				place, name, source.Field(i).Interface(), target.Field(i).Interface(), before.place, AnnotationPrefix))
		}
	}
	m.settings.ClientARNs = slices.Compact(clients)
	if m.settings.NodeSelector != nil {
		m.settings.NodeSelector = maps.Clone(m.settings.NodeSelector)
	}
}

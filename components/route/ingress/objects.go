package ingress

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/manifest"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/printable"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	networkingv1beta1 "k8s.io/api/networking/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"
)

// Ingress is one manifest in its networking.k8s.io/v1 form, with the place it came from.
type Ingress struct {
	networkingv1.Ingress
	// Source is the file and the document in it, counted from 1: "ingress.yaml:2", or "ingress.yaml:2.3" for
	// the third of a list.
	Source string
}

// place is where problems of the Ingress are said to be.
func (i Ingress) place() string {
	return printable.Text(fmt.Sprintf("%s: ingress %s/%s", i.Source, namespaceOr(i.Namespace), i.Name))
}

// Manifests are the objects of some files, as far as they say something about routes.
type Manifests struct {
	Ingresses []Ingress
	// Classes are IngressClasses, one of which may be marked as the default.
	Classes []networkingv1.IngressClass
	// Services are the backends that the files declare, with their ports.
	Services []route.Service
	// Notices say what else the files hold, which has no effect here.
	Notices []string
	// Controller is set where the objects are those of a running cluster. It is what spec.controller says in the IngressClasses
	// that are served, in place of the class apigateway. A Service that is not among the objects does not exist then, and its
	// routes answer 503; without any route the API has its root alone, which answers 503, too.
	Controller string
}

// Read reads manifests from paths, as manifest.Read does: files, folders, patterns, kustomizations, or "-" for stdin.
// Ingresses are taken in networking.k8s.io/v1 and in the legacy extensions/v1beta1 and networking.k8s.io/v1beta1, which
// are converted. Fields that the API does not know are errors. Objects of other kinds are passed over with a notice. All
// problems are reported together, with whatever could be read.
func Read(paths []string, stdin io.Reader) (Manifests, error) {
	set, err := manifest.Read(paths, stdin)
	m, more := From(set)
	return m, printable.Error(errors.Join(err, more))
}

// Parse reads the objects of one file's content; name is used in messages only.
func Parse(name string, content []byte) (Manifests, error) {
	set, err := manifest.Parse(name, content)
	m, more := From(set)
	return m, printable.Error(errors.Join(err, more))
}

// From takes what is about routes out of a set of objects.
func From(set manifest.Set) (Manifests, error) {
	m := Manifests{Notices: slices.Clone(set.Notices)}
	var problems []error
	for _, object := range set.Objects {
		if err := m.add(object); err != nil {
			problems = append(problems, route.At(placeOf(object), err))
		}
	}
	if others := set.Kinds("Ingress", "IngressClass", "Service"); others != "" {
		m.Notices = append(m.Notices, "passed over, because they are no routes: "+others)
	}
	for i, notice := range m.Notices {
		m.Notices[i] = printable.Text(notice)
	}
	return m, printable.Error(errors.Join(problems...))
}

func placeOf(object manifest.Object) string {
	name := namespaceOr(object.Namespace) + "/" + object.Name
	if object.Name == "" {
		name = "without a name"
	}
	return fmt.Sprintf("%s: %s %s", object.Source, strings.ToLower(object.Kind), name)
}

func (m *Manifests) add(object manifest.Object) error {
	switch object.Kind {
	case "Ingress":
		ingress, err := readIngress(object)
		if err == nil {
			m.Ingresses = append(m.Ingresses, ingress)
		}
		return err
	case "IngressClass":
		var class networkingv1.IngressClass
		if err := decode(object.JSON, &class); err != nil {
			return err
		}
		m.Classes = append(m.Classes, class)
	case "Service":
		var service corev1.Service
		if err := decode(object.JSON, &service); err != nil {
			return err
		}
		m.Services = append(m.Services, ServiceOf(service))
	}
	return nil
}

// FromObject reads one Ingress.
func FromObject(object manifest.Object) (Ingress, error) {
	ingress, err := readIngress(object)
	return ingress, printable.Error(route.At(placeOf(object), err))
}

func readIngress(object manifest.Object) (Ingress, error) {
	read := Ingress{Source: object.Source}
	switch object.APIVersion {
	case "networking.k8s.io/v1":
		return read, errors.Join(object.Malformed, decodeStrictly(object.JSON, &read.Ingress))
	case "extensions/v1beta1", "networking.k8s.io/v1beta1":
		legacy := new(networkingv1beta1.Ingress)
		err := errors.Join(object.Malformed, decodeStrictly(object.JSON, legacy))
		read.Ingress = *fromLegacy(legacy)
		return read, err
	}
	return read, fmt.Errorf("apiVersion %q is not known: use networking.k8s.io/v1", object.APIVersion)
}

// ServiceOf is what routes need to know of a Service.
func ServiceOf(service corev1.Service) route.Service {
	s := route.Service{Namespace: namespaceOr(service.Namespace), Name: service.Name,
		External: service.Spec.Type == corev1.ServiceTypeExternalName}
	for _, port := range service.Spec.Ports {
		s.Ports = append(s.Ports, route.ServicePort{Name: port.Name, Number: int(port.Port)})
	}
	return s
}

// decodeStrictly reports every unknown and every repeated field as well.
func decodeStrictly(document []byte, into any) error {
	found, err := kjson.UnmarshalStrict(document, into)
	if err != nil {
		return explain(document, into, err)
	}
	return errors.Join(found...)
}

func decode(document []byte, into any) error {
	if err := kjson.UnmarshalCaseSensitivePreserveInts(document, into); err != nil {
		return explain(document, into, err)
	}
	return nil
}

// explain says which field has a value of another type. The standard library knows the field's whole path.
func explain(document []byte, into any, err error) error {
	if problems := annotationsNotText(document); problems != nil {
		return problems
	}
	var mismatch *json.UnmarshalTypeError
	if !errors.As(json.Unmarshal(document, into), &mismatch) {
		return err
	}
	wanted := map[string]string{"string": "text", "int": "number", "int32": "number", "bool": "true or false", "slice": "list",
		"map": "object", "struct": "object"}
	kind := wanted[mismatch.Type.Kind().String()]
	advice := ""
	if kind == "text" && (mismatch.Value == "number" || mismatch.Value == "bool") {
		advice = ": quote it"
	}
	return fmt.Errorf("%s is a %s where the API wants %s%s", mismatch.Field, mismatch.Value, kind, advice)
}

// annotationsNotText is the commonest mistake: a number or a truth value that YAML did not take for text.
func annotationsNotText(document []byte) error {
	var object struct {
		Metadata struct {
			Annotations map[string]any `json:"annotations"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(document, &object); err != nil {
		return nil
	}
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(object.Metadata.Annotations)) {
		if value := object.Metadata.Annotations[name]; value != nil {
			if _, isText := value.(string); !isText {
				problems = append(problems, fmt.Errorf("annotation %s: annotations are text: quote it, %q", name, fmt.Sprint(value)))
			}
		}
	}
	return errors.Join(problems...)
}

func namespaceOr(namespace string) string {
	if namespace == "" {
		return metav1.NamespaceDefault
	}
	return namespace
}

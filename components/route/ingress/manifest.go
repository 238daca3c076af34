package ingress

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/manifest"
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

// Manifests are what some sources hold that is of use for routes.
type Manifests struct {
	Ingresses []Ingress
	// Services are those that stand beside the Ingresses, with their ports.
	Services []route.Service
	// Notices are for people: what was passed over, and how often.
	Notices []string
}

// Read reads Ingresses and Services from files, folders, patterns, kustomizations and standard input, as package manifest
// finds them. Accepted versions of Ingresses are networking.k8s.io/v1 and the legacy extensions/v1beta1 and
// networking.k8s.io/v1beta1, which are converted. Fields that the API does not know are errors. Other kinds are counted in a
// notice. All problems are reported together, with whatever could be read.
func Read(paths []string, stdin io.Reader) (Manifests, error) {
	set, err := manifest.Read(paths, stdin)
	read, problems := From(set)
	return read, errors.Join(err, problems)
}

// From takes what is of use for routes out of a set of objects.
func From(set manifest.Set) (Manifests, error) {
	read := Manifests{Notices: set.Notices}
	var problems []error
	for _, object := range set.Objects {
		switch object.Kind {
		case "Ingress":
			found, err := FromObject(object)
			problems = append(problems, err)
			if err == nil {
				read.Ingresses = append(read.Ingresses, found)
			}
		case "Service":
			service, err := serviceOf(object)
			problems = append(problems, err)
			if err == nil {
				read.Services = append(read.Services, service)
			}
		}
	}
	if others := set.Kinds("Ingress", "Service"); others != "" {
		read.Notices = append(read.Notices, "passed over, because they are no routes: "+others)
	}
	return read, errors.Join(problems...)
}

// Load is Read for those who want the Ingresses alone, and at least one.
func Load(paths []string, stdin io.Reader) ([]Ingress, error) {
	read, err := Read(paths, stdin)
	if len(read.Ingresses) == 0 && err == nil {
		return nil, errors.Join(append([]error{errors.New("there is no Ingress in the manifests")}, asErrors(read.Notices)...)...)
	}
	return read.Ingresses, err
}

// Parse reads the Ingresses of one file's content; name is used in messages only.
func Parse(name string, content []byte) ([]Ingress, error) {
	set, err := manifest.Parse(name, content)
	read, problems := From(set)
	return read.Ingresses, errors.Join(err, problems)
}

// FromObject reads one Ingress.
func FromObject(object manifest.Object) (Ingress, error) {
	if object.Malformed != nil {
		return Ingress{}, fmt.Errorf("%s: ingress %s: %w", object.Source, nameOf(object.JSON), object.Malformed)
	}
	read, err := parseDocument(object.JSON)
	if err != nil {
		return Ingress{}, route.At(object.Source, err)
	}
	return Ingress{Ingress: *read, Source: object.Source}, nil
}

// serviceOf reads what routes need of a Service. Nothing else in it is judged: it is not the stack's.
func serviceOf(object manifest.Object) (route.Service, error) {
	var service struct {
		Spec struct {
			Ports []struct {
				Name string `json:"name"`
				Port int    `json:"port"`
			} `json:"ports"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(object.JSON, &service); err != nil {
		return route.Service{}, fmt.Errorf("%s: service %s: %w", object.Source, nameOf(object.JSON), err)
	}
	read := route.Service{Namespace: namespaceOr(object.Namespace), Name: object.Name}
	for _, port := range service.Spec.Ports {
		read.Ports = append(read.Ports, route.ServicePort{Name: port.Name, Number: port.Port})
	}
	return read, nil
}

func parseDocument(document []byte) (*networkingv1.Ingress, error) {
	var kind metav1.TypeMeta
	if err := json.Unmarshal(document, &kind); err != nil {
		return nil, fmt.Errorf("not a Kubernetes manifest: %w", err)
	}
	switch kind.APIVersion {
	case "networking.k8s.io/v1":
		ingress := new(networkingv1.Ingress)
		return ingress, decodeStrictly(document, ingress)
	case "extensions/v1beta1", "networking.k8s.io/v1beta1":
		legacy := new(networkingv1beta1.Ingress)
		err := decodeStrictly(document, legacy)
		return fromLegacy(legacy), err
	default:
		return nil, fmt.Errorf("ingress %s: apiVersion %q is not known: use networking.k8s.io/v1", nameOf(document), kind.APIVersion)
	}
}

// decodeStrictly reports every unknown and every repeated field.
func decodeStrictly(document []byte, into any) error {
	found, err := kjson.UnmarshalStrict(document, into)
	if err := errors.Join(append(found, err)...); err != nil {
		return route.At("ingress "+nameOf(document), err)
	}
	return nil
}

func nameOf(document []byte) string {
	var object metav1.PartialObjectMetadata
	if err := json.Unmarshal(document, &object); err != nil || object.Name == "" {
		return "without a name"
	}
	return namespaceOr(object.Namespace) + "/" + object.Name
}

func namespaceOr(namespace string) string {
	if namespace == "" {
		return metav1.NamespaceDefault
	}
	return namespace
}

// fromLegacy converts the v1beta1 form, which extensions and networking.k8s.io share.
func fromLegacy(legacy *networkingv1beta1.Ingress) *networkingv1.Ingress {
	ingress := &networkingv1.Ingress{ObjectMeta: legacy.ObjectMeta}
	ingress.Spec.IngressClassName = legacy.Spec.IngressClassName
	if legacy.Spec.Backend != nil {
		backend := legacyBackend(*legacy.Spec.Backend)
		ingress.Spec.DefaultBackend = &backend
	}
	for _, tls := range legacy.Spec.TLS {
		ingress.Spec.TLS = append(ingress.Spec.TLS, networkingv1.IngressTLS{Hosts: tls.Hosts, SecretName: tls.SecretName})
	}
	for _, rule := range legacy.Spec.Rules {
		converted := networkingv1.IngressRule{Host: rule.Host}
		if rule.HTTP != nil {
			converted.HTTP = new(networkingv1.HTTPIngressRuleValue)
			for _, path := range rule.HTTP.Paths {
				converted.HTTP.Paths = append(converted.HTTP.Paths, legacyPath(path))
			}
		}
		ingress.Spec.Rules = append(ingress.Spec.Rules, converted)
	}
	return ingress
}

func legacyPath(path networkingv1beta1.HTTPIngressPath) networkingv1.HTTPIngressPath {
	pathType := networkingv1.PathTypeImplementationSpecific
	if path.PathType != nil {
		pathType = networkingv1.PathType(*path.PathType)
	}
	return networkingv1.HTTPIngressPath{Path: path.Path, PathType: &pathType, Backend: legacyBackend(path.Backend)}
}

func legacyBackend(backend networkingv1beta1.IngressBackend) networkingv1.IngressBackend {
	if backend.Resource != nil {
		return networkingv1.IngressBackend{Resource: backend.Resource}
	}
	port := networkingv1.ServiceBackendPort{Name: backend.ServicePort.StrVal, Number: backend.ServicePort.IntVal}
	return networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: backend.ServiceName, Port: port}}
}

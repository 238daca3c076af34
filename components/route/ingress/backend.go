package ingress

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// backend finds the Service of a path and the number of its port.
func (c *compiler) backend(backend networkingv1.IngressBackend, namespace, place string) (route.Backend, error) {
	switch {
	case backend.Service == nil:
		return route.Backend{}, errors.New("the backend is not a Service: write backend.service")
	case backend.Resource != nil:
		return route.Backend{}, errors.New("the backend names both a Service and a resource: remove backend.resource")
	}
	name, port := backend.Service.Name, backend.Service.Port
	if found := validation.IsDNS1035Label(name); len(found) > 0 {
		return route.Backend{}, fmt.Errorf("service name %q is not valid: %s", name, found[0])
	}
	if err := checkPort(namespace, name, port); err != nil {
		return route.Backend{}, err
	}
	known := slices.Concat(c.options.Services, c.manifests.Services)
	i := slices.IndexFunc(known, func(s route.Service) bool { return s.Namespace == namespace && s.Name == name })
	switch {
	case i >= 0 && known[i].External:
		return route.Backend{}, fmt.Errorf("service %s/%s is of type ExternalName: NGINX reaches Services with pods only; publish one "+
			"with a selector", namespace, name)
	case i < 0 && c.manifests.Controller != "":
		c.notice("%s: service %s/%s does not exist: requests are answered with 503 until it does", place, namespace, name)
		return route.Backend{Namespace: namespace, Service: name, Port: int(port.Number), PortName: port.Name, Missing: true}, nil
	case i >= 0:
		number, err := portOf(known[i], port)
		return route.Backend{Namespace: namespace, Service: name, Port: number}, err
	case c.options.Undeclared && port.Name != "":
		return route.Backend{}, fmt.Errorf("port %q of service %s/%s is known by name only: declare the service with its port in the "+
			"stack's config services, for example {name: %s, ports: [{name: %s, port: 80}]}", port.Name, namespace, name, name, port.Name)
	case !c.options.AnyService && !c.options.Undeclared:
		return route.Backend{}, fmt.Errorf("service %s/%s is not declared by the stack: add it to services (declared: %s)", namespace, name,
			namesOf(known))
	case port.Name != "":
		c.notice("%s: port %s of service %s/%s: its number is unknown until the Service is read", place, port.Name, namespace, name)
	}
	return route.Backend{Namespace: namespace, Service: name, Port: int(port.Number), PortName: port.Name}, nil
}

// useAnnotation is the name of a port that the AWS Load Balancer Controller takes for a reference to an annotation.
const useAnnotation = "use-annotation"

func checkPort(namespace, name string, port networkingv1.ServiceBackendPort) error {
	switch {
	case port.Name != "" && port.Number != 0:
		return fmt.Errorf("service %s/%s: the port has both the name %q and the number %d: write one of them", namespace, name, port.Name,
			port.Number)
	case port.Name == useAnnotation:
		return fmt.Errorf("service %s/%s: %s is the AWS Load Balancer Controller's word for its annotation actions.%s: name the Service "+
			"and the port that it forwards to",
			namespace, name, useAnnotation, name)
	case port.Name == "" && port.Number == 0:
		return fmt.Errorf("service %s/%s: the port is missing: write port.number or port.name", namespace, name)
	case port.Name != "":
		if found := validation.IsValidPortName(port.Name); len(found) > 0 {
			return fmt.Errorf("service %s/%s: port name %q is not valid: %s", namespace, name, port.Name, found[0])
		}
		return nil
	}
	if found := validation.IsValidPortNum(int(port.Number)); len(found) > 0 {
		return fmt.Errorf("port %d of service %s/%s is not valid: %s", port.Number, namespace, name, found[0])
	}
	return nil
}

// portOf is the number of a Service's port. A single port without a name answers to every name: nobody said which it has.
func portOf(service route.Service, port networkingv1.ServiceBackendPort) (int, error) {
	for _, candidate := range service.Ports {
		if port.Name == "" && candidate.Number == int(port.Number) || port.Name != "" && candidate.Name == port.Name {
			return candidate.Number, nil
		}
	}
	if port.Name != "" && len(service.Ports) == 1 && service.Ports[0].Name == "" {
		return service.Ports[0].Number, nil
	}
	wanted := fmt.Sprint(port.Number)
	if port.Name != "" {
		wanted = fmt.Sprintf("named %q", port.Name)
	}
	return 0, fmt.Errorf("service %s/%s has no port %s (it has %s)", service.Namespace, service.Name, wanted, portsOf(service))
}

func portsOf(service route.Service) string {
	var ports []string
	for _, port := range service.Ports {
		text := fmt.Sprint(port.Number)
		if port.Name != "" {
			text = fmt.Sprintf("%s, %d", port.Name, port.Number)
		}
		ports = append(ports, text)
	}
	if len(ports) == 0 {
		return "none"
	}
	return strings.Join(ports, "; ")
}

func namesOf(services []route.Service) string {
	var names []string
	for _, s := range services {
		names = append(names, s.Namespace+"/"+s.Name)
	}
	if len(names) == 0 {
		return "none"
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

package platform

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/apigateway-ingress/apigateway-ingress/components/workload"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Service is a backend: made by the platform from an image, or existing in the cluster without one.
//
// The pods of a service that the platform makes serve HTTP, and go on serving for 5 seconds after they were told to stop. They
// are ready when they take a TCP connection, or answer the path in Health. What needs more than these fields is an ordinary
// Deployment, whose Service is named here without an image.
type Service struct {
	// Name is the name of the Service.
	Name string `pulumi:"name"`
	// Namespace is the namespace of the Service.
	Namespace string `pulumi:"namespace,optional" default:"default"`
	Spec
}

// Spec is what runs behind a Service: image, port, and what the pods need. A Service that exists has a port, or ports, only.
type Spec = workload.Spec

func (a Args) backends() []route.Service {
	var backends []route.Service
	for _, s := range a.Services {
		backend := route.Service{Namespace: s.namespace(), Name: s.Name}
		for _, port := range s.AllPorts() {
			backend.Ports = append(backend.Ports, route.ServicePort{Name: port.Name, Number: port.Port})
		}
		backends = append(backends, backend)
	}
	return backends
}

func (a Args) checkServices(p *settings.Problems) {
	seen := map[string]bool{}
	for i, s := range a.Services {
		key := s.namespace() + "/" + s.Name
		p.When(seen[key], "{Services[%d]}: %s is declared twice", i, key)
		seen[key] = true
		if found := validation.IsDNS1035Label(s.Name); len(found) > 0 {
			p.When(true, "{Services[%d].Name} %q is not valid: %s", i, s.Name, found[0])
		}
		p.In(fmt.Sprintf("Services[%d]", i), s.check())
	}
}

func (s Service) check() error {
	if s.Image != nil {
		return s.Spec.Check()
	}
	var p settings.Problems
	p.Add(s.CheckPorts())
	bare := Spec{Port: s.Port, Ports: s.Ports}
	settings.Complete(&bare)
	p.When(!reflect.DeepEqual(s.Spec, bare), "{Image} is missing: without one the Service %s exists already, and only its name and its ports "+
		"are written here", s.Name)
	return p.Err()
}

// autoscaled are the services whose number of pods an autoscaler chooses.
func (a Args) autoscaled() []string {
	var names []string
	for _, s := range a.Services {
		if s.Autoscaling != nil {
			names = append(names, s.Name)
		}
	}
	return names
}

// notices are what no check can tell.
func (p parts) notices() []string {
	var said []string
	if names := p.args.autoscaled(); p.args.Cluster.Existing != nil && len(names) > 0 {
		said = append(said, fmt.Sprintf("autoscaling of %s needs a metrics-server in the cluster; without one the number of pods stays at min",
			strings.Join(names, ", ")))
	}
	if stage := p.gateway.Stage.Name; len(p.gateway.Names()) == 0 && slices.ContainsFunc(p.routes.Routes, isPublicRoot) {
		said = append(said, fmt.Sprintf("/ is public, and has no domain: links of its pages that begin with a slash lead out of the stage, from "+
			"/%s/ to /. Give the gateway a domain, or let the service begin its links with the header X-Forwarded-Prefix", stage))
	}
	return said
}

// isPublicRoot says whether browsers can show what the route serves.
func isPublicRoot(r route.Route) bool {
	return r.Path == "/" && r.Match == route.Prefix && r.Behavior.Auth == route.AuthNone
}

func (s Service) namespace() string { return cmp.Or(s.Namespace, defaultNamespace) }

func (s Service) workload() *workload.Args { return &workload.Args{ServiceName: s.Name, Spec: s.Spec} }

// childName is the name of a service's component, of which namespaces other than the default one are part: two may have Services of
// one name. The first service of a name had the name alone before.
func (a Args) childName(platform string, s Service) (name string, formerly []pulumi.ResourceOption) {
	former := platform + "-" + s.Name
	if s.namespace() == defaultNamespace {
		return former, nil
	}
	name = platform + "-" + s.namespace() + "." + s.Name
	first := slices.IndexFunc(a.Services, func(other Service) bool { return other.Image != nil && other.Name == s.Name })
	atDefault := slices.ContainsFunc(a.Services, func(other Service) bool {
		return other.Image != nil && other.Name == s.Name && other.namespace() == defaultNamespace
	})
	if atDefault || a.Services[first].namespace() != s.namespace() {
		return name, nil
	}
	return name, []pulumi.ResourceOption{pulumi.Aliases([]pulumi.Alias{{Name: pulumi.String(former)}})}
}

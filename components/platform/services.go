package platform

import (
	"cmp"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/apigateway-ingress/apigateway-ingress/components/workload"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Service is a backend: made by the platform from Image, or existing in the cluster when Image is nil.
//
// The pods of a service that the platform makes listen for HTTP on ContainerPort, answer GET /healthz with 200 while they
// live and GET /readyz while they can take requests, run as an ordinary user (65532) with a read-only file system except
// for /tmp, and go on serving for 5 seconds after they were told to stop. What needs more is an ordinary Deployment, named
// here without an image.
type Service struct {
	// Name is the name of the Service.
	Name string `pulumi:"name"`
	// Namespace is the namespace of the Service.
	Namespace string `pulumi:"namespace,optional" default:"default"`
	// Image is the container image; without one the Service must exist.
	Image pulumi.StringInput `pulumi:"image,optional"`
	// Port is the Service's port.
	Port int `pulumi:"port"`
	// ContainerPort is where the container serves HTTP.
	ContainerPort int `pulumi:"containerPort,optional" default:"8080" range:"1024..65535"`
	// Replicas is the number of pods.
	Replicas int `pulumi:"replicas,optional" default:"2" range:"1..1000"`
}

func (a Args) backends() []route.Service {
	var backends []route.Service
	for _, s := range a.Services {
		backends = append(backends, route.Service{
			Namespace: s.namespace(), Name: s.Name, Ports: []route.ServicePort{{Name: "http", Number: s.Port}},
		})
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
		p.When(s.Port < 1 || s.Port > 65535, "{Services[%d].Port} %d is not from 1 to 65535", i, s.Port)
	}
}

func (s Service) namespace() string { return cmp.Or(s.Namespace, defaultNamespace) }

func (s Service) workload() *workload.Args {
	return &workload.Args{
		ServiceName: s.Name, Image: s.Image, ServicePort: s.Port, ContainerPort: s.ContainerPort, Replicas: s.Replicas,
	}
}

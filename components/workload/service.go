package workload

import (
	"cmp"
	"fmt"

	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Port is one of several ports of a Service.
type Port struct {
	// Name is the port's, by which Ingresses may name it: at most 15 small letters, digits and hyphens.
	// https://kubernetes.io/docs/concepts/services-networking/service/#field-spec-ports
	Name string `pulumi:"name"`
	// Port is the Service's.
	Port int `pulumi:"port" range:"1..65535"`
	// ContainerPort is where the container serves it. Default the same number.
	ContainerPort int `pulumi:"containerPort,optional" range:"1..65535"`
}

const (
	onlyPort             = "http"
	defaultContainerPort = 8080
)

// AllPorts are the Service's ports, with what they leave open filled in.
func (s Spec) AllPorts() []Port {
	if len(s.Ports) == 0 {
		return []Port{{Name: onlyPort, Port: s.Port, ContainerPort: cmp.Or(s.ContainerPort, defaultContainerPort)}}
	}
	list := make([]Port, len(s.Ports))
	for i, port := range s.Ports {
		port.ContainerPort = cmp.Or(port.ContainerPort, port.Port)
		list[i] = port
	}
	return list
}

// CheckPorts reports what is wrong with the ports beyond their ranges.
func (s Spec) CheckPorts() error {
	var problems settings.Problems
	problems.When(s.Port == 0 && len(s.Ports) == 0, "{Port} is required: write the Service's port, or several as {Ports}")
	problems.When(len(s.Ports) > 0 && s.Port != 0, "{Port} beside {Ports}: write one of them")
	problems.When(len(s.Ports) > 0 && s.ContainerPort != 0, "{ContainerPort} beside {Ports}: write it at the port")
	names, numbers := map[string]bool{}, map[int]bool{}
	for i, port := range s.Ports {
		if found := validation.IsValidPortName(port.Name); len(found) > 0 {
			problems.When(true, "{Ports[%d].Name} %q is not valid: %s", i, port.Name, found[0])
		}
		problems.When(names[port.Name], "{Ports[%d].Name} %q is another port's as well", i, port.Name)
		problems.When(numbers[port.Port], "{Ports[%d].Port} %d is another port's as well", i, port.Port)
		names[port.Name], numbers[port.Port] = true, true
	}
	return problems.Err()
}

// args is the port in a Service. It leads to the container's port of the same name.
func (p Port) args() corev1.ServicePortArgs {
	return corev1.ServicePortArgs{
		Name: pulumi.String(p.Name), Port: pulumi.Int(p.Port), TargetPort: pulumi.String(p.Name), Protocol: pulumi.String("TCP"),
	}
}

func serviceArgs(a Args, meta metav1.ObjectMetaArgs, selector pulumi.StringMap) *corev1.ServiceArgs {
	var ports corev1.ServicePortArray
	for _, p := range a.AllPorts() {
		ports = append(ports, p.args())
	}
	return &corev1.ServiceArgs{
		Metadata: meta,
		Spec:     corev1.ServiceSpecArgs{Type: pulumi.String("ClusterIP"), Selector: selector, Ports: ports},
	}
}

// nodePort is a Service of its own, named after its port: another port gets another one, and both are open until nothing
// comes to the old.
func nodePort(ctx *pulumi.Context, name string, a Args, selector pulumi.StringMap, service *corev1.Service,
	parent pulumi.ResourceOption) error {
	suffix := fmt.Sprintf("-%d", a.NodePort)
	open := a.AllPorts()[0].args()
	open.NodePort = pulumi.Int(a.NodePort)
	_, err := corev1.NewService(ctx, name+suffix, &corev1.ServiceArgs{
		Metadata: metav1.ObjectMetaArgs{
			Name: pulumi.String(a.ServiceName + suffix), Namespace: a.Namespace.ToStringOutput().ToStringPtrOutput(), Labels: selector,
		},
		Spec: corev1.ServiceSpecArgs{
			Type: pulumi.String("NodePort"), Selector: selector,
			Ports: corev1.ServicePortArray{open},
		},
		// Before, the port was the first Service's, which must let go of it.
	}, parent, pulumi.DependsOn([]pulumi.Resource{service}))
	return err
}

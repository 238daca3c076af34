package platform

import (
	"fmt"
	"strings"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// existingServices reads the Services of an existing cluster that routes name and nobody declares. One that is missing, or has
// other ports, fails the preview. The proxy depends on what was found.
func (p *Platform) existingServices(ctx *pulumi.Context, opts []pulumi.ResourceOption) ([]pulumi.Resource, error) {
	if p.parts.args.Cluster.Existing == nil || p.parts.args.Manifests.Controller != "" {
		// The Services of a running cluster came with its Ingresses.
		return nil, nil
	}
	declared := map[string]bool{}
	for _, s := range p.parts.args.Services {
		declared[s.namespace()+"/"+s.Name] = true
	}
	ports := map[string][]int{}
	var names []string
	for _, backend := range p.parts.routes.Backends() {
		name := backend.Namespace + "/" + backend.Service
		if declared[name] {
			continue
		}
		if ports[name] == nil {
			names = append(names, name)
		}
		ports[name] = append(ports[name], backend.Port)
	}
	p.existing = pulumi.StringMap{}
	var found []pulumi.Resource
	for _, name := range names {
		service, err := corev1.GetService(ctx, p.name+"-"+strings.ReplaceAll(name, "/", "-"), pulumi.ID(name), nil, opts...)
		if err != nil {
			return nil, err
		}
		p.existing[name] = service.Spec.ApplyT(func(spec corev1.ServiceSpec) (string, error) {
			return checkService(name, spec, ports[name])
		}).(pulumi.StringOutput)
		found = append(found, service)
	}
	return found, nil
}

// checkService gives a Service's ports, or says what keeps it from answering on those that routes name.
func checkService(name string, spec corev1.ServiceSpec, wanted []int) (string, error) {
	if spec.Type != nil && *spec.Type == "ExternalName" {
		return "", fmt.Errorf("service %s is of type ExternalName: NGINX reaches Services with pods only; publish one with a selector", name)
	}
	var has []string
	numbers := map[int]bool{}
	for _, port := range spec.Ports {
		numbers[port.Port] = true
		text := fmt.Sprint(port.Port)
		if port.Name != nil {
			text += " (" + *port.Name + ")"
		}
		has = append(has, text)
	}
	for _, port := range wanted {
		if !numbers[port] {
			return "", fmt.Errorf("service %s has %s, not %d", name, strings.Join(has, ", "), port)
		}
	}
	return strings.Join(has, ", "), nil
}

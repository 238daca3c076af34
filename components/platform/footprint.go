package platform

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/change"
	"github.com/apigateway-ingress/apigateway-ingress/components/podrole"
	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
)

// Footprint is what a platform makes in a cluster of which there can be only one there.
type Footprint struct {
	// ProxyNamespace follows from the platform's name.
	ProxyNamespace string
	// PodRoleNamespace is that of the pod role's service account; empty without a role.
	PodRoleNamespace string
	// Namespaces are those of services that the platform makes.
	Namespaces []string
	// Services are those with an image, as NAMESPACE/NAME.
	Services []string
	NodePort int
}

// Footprint of a platform of this name, whose arguments are valid.
func (a Args) Footprint(name string) (Footprint, error) {
	plan, err := a.plan(name)
	if err != nil {
		return Footprint{}, err
	}
	footprint := Footprint{ProxyNamespace: plan.proxy.ServiceName, Namespaces: plan.args.madeNamespaces(), NodePort: plan.proxy.NodePort}
	if plan.role.Mode != podrole.None {
		footprint.PodRoleNamespace = podrole.ServiceAccount
	}
	for _, s := range plan.args.Services {
		if s.Image != nil {
			footprint.Services = append(footprint.Services, s.namespace()+"/"+s.Name)
		}
	}
	return footprint, nil
}

// madeNamespaces are those of services with an image that are not there already.
func (a Args) madeNamespaces() []string {
	var names []string
	for _, s := range a.Services {
		name := s.namespace()
		if s.Image != nil && name != defaultNamespace && !slices.Contains(a.ExistingNamespaces, name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// checkNamespaces refuses names without effect.
func (a Args) checkNamespaces(p *settings.Problems) {
	p.When(len(a.ExistingNamespaces) > 0 && a.Cluster.Existing == nil,
		"{ExistingNamespaces} are those of an existing cluster: a new one has none")
	for i, name := range a.ExistingNamespaces {
		p.When(name == defaultNamespace, "{ExistingNamespaces[%d]}: %s is in every cluster: leave it out", i, name)
		used := slices.ContainsFunc(a.Services, func(s Service) bool { return s.Image != nil && s.namespace() == name })
		p.When(!used, "{ExistingNamespaces[%d]}: %s is the namespace of no service with an image", i, name)
	}
}

// mayChange: a namespace that is no longer the platform's would be deleted with all that is in it.
func mayChange(old, new change.Inputs) error {
	var p settings.Problems
	existing := old.Texts("existingNamespaces")
	for _, name := range new.Texts("existingNamespaces") {
		for _, service := range old.Objects("services") {
			p.When(!slices.Contains(existing, name) && service["namespace"] == name && service["image"] != nil,
				"existingNamespaces: %s was made by this stack, and would be deleted with all that is in it: take it out again", name)
		}
	}
	p.Add(servicesStay(madeServices(old), madeServices(new)))
	return p.Err()
}

// servicesStay: a service that moves to another namespace has no pods there before those of before go.
func servicesStay(before, after map[string][]string) error {
	var p settings.Problems
	for _, name := range slices.Sorted(maps.Keys(before)) {
		left := slices.DeleteFunc(slices.Clone(before[name]), func(namespace string) bool { return slices.Contains(after[name], namespace) })
		come := slices.DeleteFunc(slices.Clone(after[name]), func(namespace string) bool { return slices.Contains(before[name], namespace) })
		p.When(len(left) > 0 && len(come) > 0, "service %s cannot move from namespace %s to %s at once: requests would fail until its pods are "+
			"there. Declare it in both, move the routes, bring the stack up, and take the former one away",
			name, strings.Join(left, ", "), strings.Join(come, ", "))
	}
	return p.Err()
}

// madeServices are the namespaces of services with an image by their names, as a state has them.
func madeServices(inputs change.Inputs) map[string][]string {
	services := map[string][]string{}
	for _, service := range inputs.Objects("services") {
		name, _ := service["name"].(string)
		namespace, _ := service["namespace"].(string)
		if service["image"] != nil {
			services[name] = append(services[name], cmp.Or(namespace, defaultNamespace))
		}
	}
	return services
}

// Package ingress reads Ingress manifests and their annotations, and compiles them to a table of routes.
package ingress

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// MaxIngressNameLength is the original controller's limit, kept so that a manifest serves both.
const MaxIngressNameLength = 51

// Options are what Ingresses refer to.
type Options struct {
	// Services are the backends that exist. AnyService accepts every one by number, for looking at manifests alone.
	Services   []route.Service
	AnyService bool
	// Undeclared accepts Services besides these, by number: somebody else looks whether they exist.
	Undeclared bool
	// Domains are the custom domain names that the API answers to, *.name included.
	Domains []string
	// Group takes the Ingresses of one group.name only. Without it all Ingresses must be of one group.
	Group string
	// Authorizers may be named by the annotation auth.
	Authorizers []route.Authorizer
	// Fragments say what requests must look like.
	Fragments []route.Fragment
	// ResourceQuota is the number of resources that AWS allows in a REST API. 0 means 300.
	ResourceQuota int
}

// Compile checks Ingresses and joins them to one table. All problems are returned together, each with its place.
func Compile(ingresses []Ingress, options Options) (*route.Table, error) {
	c := &compiler{options: options, table: route.Table{Authorizers: options.Authorizers, Fragments: options.Fragments}}
	if err := c.join(ingresses); err != nil {
		return nil, err
	}
	return route.New(c.table, route.Options{AnyAuthorizer: options.AnyService, ResourceQuota: options.ResourceQuota})
}

type compiler struct {
	options  Options
	table    route.Table
	merger   merger
	groups   map[string]string
	problems []error
}

func (c *compiler) add(ingress Ingress) {
	place := fmt.Sprintf("%s: ingress %s/%s", ingress.Source, namespaceOr(ingress.Namespace), ingress.Name)
	if class := classOf(ingress); class != "" && class != IngressClass {
		c.notice("%s: left out: its class %q is not %q", place, class, IngressClass)
		return
	}
	said, err := parseAnnotations(ingress.Annotations)
	if c.options.Group != "" && said.group != c.options.Group {
		c.notice("%s: left out: its group %q is not %q", place, said.group, c.options.Group)
		return
	}
	c.fail(place, err, checkName(ingress))
	c.merger.add(place, said)
	if c.groups == nil {
		c.groups = map[string]string{}
	}
	c.groups[said.group] = place
	for _, tls := range ingress.Spec.TLS {
		for _, host := range tls.Hosts {
			c.notice("%s: spec.tls has no effect for %s: API Gateway terminates TLS; configure the domain with custom-domain-name and certificate-arn", place, host)
		}
	}
	routes, err := c.rules(ingress, place)
	c.fail(place, err)
	for i := range routes {
		routes[i].Behavior = said.behavior
	}
	c.table.Routes = append(c.table.Routes, routes...)
}

func (c *compiler) notice(format string, args ...any) {
	c.table.Notices = append(c.table.Notices, fmt.Sprintf(format, args...))
}

func (c *compiler) fail(place string, problems ...error) {
	for _, problem := range problems {
		if problem != nil {
			c.problems = append(c.problems, route.At(place, problem))
		}
	}
}

func (c *compiler) join(ingresses []Ingress) error {
	c.options.Domains = append(slices.Clone(c.options.Domains), annotatedDomains(ingresses)...)
	for _, ingress := range ingresses {
		c.add(ingress)
	}
	c.table.Settings = c.merger.settings
	c.problems = append(c.problems, c.merger.problems...)
	if len(c.groups) > 1 {
		names := slices.Sorted(maps.Keys(c.groups))
		c.problems = append(c.problems, fmt.Errorf("%s is of group %q, and %s of group %q: one API serves one group; choose it with the stack's config group",
			c.groups[names[0]], names[0], c.groups[names[1]], names[1]))
	}
	if err := errors.Join(c.problems...); err != nil {
		return errors.Join(err, route.CheckDuplicates(c.table.Routes))
	}
	if len(c.table.Routes) == 0 {
		slices.Sort(c.table.Notices)
		return errors.Join(append([]error{fmt.Errorf("there is no Ingress of class %q to serve", IngressClass)}, asErrors(c.table.Notices)...)...)
	}
	return nil
}

func classOf(ingress Ingress) string {
	if ingress.Spec.IngressClassName != nil {
		return *ingress.Spec.IngressClassName
	}
	return ingress.Annotations[classAnnotation]
}

func checkName(ingress Ingress) error {
	if len(ingress.Name) > MaxIngressNameLength {
		return fmt.Errorf("the name has %d characters: at most %d are allowed", len(ingress.Name), MaxIngressNameLength)
	}
	if found := validation.IsDNS1123Subdomain(ingress.Name); len(found) > 0 {
		return fmt.Errorf("the name is not valid: %s", found[0])
	}
	return nil
}

func (c *compiler) rules(ingress Ingress, ingressPlace string) ([]route.Route, error) {
	namespace := namespaceOr(ingress.Namespace)
	var routes []route.Route
	var problems []error
	if ingress.Spec.DefaultBackend != nil {
		backend, err := c.backend(*ingress.Spec.DefaultBackend, namespace)
		problems = append(problems, route.At("defaultBackend", err))
		routes = append(routes, route.Route{Path: "/", Match: route.Prefix, Backend: backend, Default: true, Source: ingressPlace + ": defaultBackend"})
	} else if len(ingress.Spec.Rules) == 0 {
		return nil, errors.New("it has no rules: write at least one under spec.rules")
	}
	for i, rule := range ingress.Spec.Rules {
		place := fmt.Sprintf("rule %d", i+1)
		problems = append(problems, route.At(place, c.checkHost(rule.Host)))
		if rule.HTTP == nil || len(rule.HTTP.Paths) == 0 {
			problems = append(problems, fmt.Errorf("%s: it has no paths: write at least one under http.paths", place))
			continue
		}
		for j, path := range rule.HTTP.Paths {
			pathPlace := fmt.Sprintf("%s path %d %q", place, j+1, path.Path)
			r, err := c.path(path, namespace)
			problems = append(problems, route.At(pathPlace, err))
			r.Host, r.Source = strings.ToLower(rule.Host), ingressPlace+": "+pathPlace
			routes = append(routes, r)
		}
	}
	return routes, errors.Join(problems...)
}

func (c *compiler) path(path networkingv1.HTTPIngressPath, namespace string) (route.Route, error) {
	match, err := matchOf(path.PathType)
	backend, backendErr := c.backend(path.Backend, namespace)
	normal, pathErr := route.NormalPath(path.Path, match)
	return route.Route{Path: normal, Match: match, Backend: backend}, errors.Join(err, pathErr, backendErr)
}

func matchOf(pathType *networkingv1.PathType) (route.Match, error) {
	if pathType == nil {
		return "", errors.New("pathType is missing: write Exact or Prefix")
	}
	switch *pathType {
	case networkingv1.PathTypeExact:
		return route.Exact, nil
	case networkingv1.PathTypePrefix, networkingv1.PathTypeImplementationSpecific:
		return route.Prefix, nil
	}
	return "", fmt.Errorf("pathType %q is not known: write Exact or Prefix", *pathType)
}

func (c *compiler) backend(backend networkingv1.IngressBackend, namespace string) (route.Backend, error) {
	if backend.Service == nil {
		return route.Backend{}, errors.New("the backend is not a Service: write backend.service")
	}
	name, port := backend.Service.Name, backend.Service.Port
	if found := validation.IsDNS1035Label(name); len(found) > 0 {
		return route.Backend{}, fmt.Errorf("service name %q is not valid: %s", name, found[0])
	}
	if found := validation.IsDNS1123Label(namespace); len(found) > 0 {
		return route.Backend{}, fmt.Errorf("namespace %q is not valid: %s", namespace, found[0])
	}
	if c.options.AnyService {
		return anyBackend(namespace, name, port)
	}
	i := slices.IndexFunc(c.options.Services, func(s route.Service) bool { return s.Namespace == namespace && s.Name == name })
	if i < 0 && c.options.Undeclared {
		return anyBackend(namespace, name, port)
	}
	if i < 0 {
		return route.Backend{}, fmt.Errorf("service %s/%s is not declared by the stack: add it to services (declared: %s)", namespace, name, describe(c.options.Services))
	}
	for _, candidate := range c.options.Services[i].Ports {
		if (port.Name != "" && candidate.Name == port.Name) || (port.Name == "" && candidate.Number == int(port.Number)) {
			return route.Backend{Namespace: namespace, Service: name, Port: candidate.Number}, nil
		}
	}
	if port.Name != "" {
		return route.Backend{}, fmt.Errorf("service %s/%s has no port named %q", namespace, name, port.Name)
	}
	return route.Backend{}, fmt.Errorf("service %s/%s has no port %d", namespace, name, port.Number)
}

func anyBackend(namespace, name string, port networkingv1.ServiceBackendPort) (route.Backend, error) {
	if port.Name != "" {
		return route.Backend{}, fmt.Errorf("port %q of service %s/%s is known by name only: its number takes the stack's services", port.Name, namespace, name)
	}
	if found := validation.IsValidPortNum(int(port.Number)); len(found) > 0 {
		return route.Backend{}, fmt.Errorf("port %d of service %s/%s is not valid: %s", port.Number, namespace, name, found[0])
	}
	return route.Backend{Namespace: namespace, Service: name, Port: int(port.Number)}, nil
}

func describe(services []route.Service) string {
	var names []string
	for _, s := range services {
		names = append(names, s.Namespace+"/"+s.Name)
	}
	if len(names) == 0 {
		return "none"
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func asErrors(lines []string) []error {
	var list []error
	for _, line := range lines {
		list = append(list, errors.New(line))
	}
	return list
}

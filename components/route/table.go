package route

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// MaxIngressNameLength is the original controller's limit, kept so that a manifest serves both.
const MaxIngressNameLength = 51

// Match says how a route's path is compared:
// https://kubernetes.io/docs/concepts/services-networking/ingress/#path-types
type Match string

// ImplementationSpecific is served as Prefix.
const (
	Exact  Match = "Exact"
	Prefix Match = "Prefix"
)

// Service is a Kubernetes Service that routes may name as a backend.
type Service struct {
	Namespace, Name string
	Ports           []ServicePort
}

// ServicePort is one port of a Service; Name may be empty.
type ServicePort struct {
	Name   string
	Number int
}

// Backend is where a route's requests end: a Service and its numbered port.
type Backend struct {
	Namespace string `json:"namespace"`
	Service   string `json:"service"`
	Port      int    `json:"port"`
}

// Host is the backend's name in the cluster's DNS.
func (b Backend) Host() string {
	return fmt.Sprintf("%s.%s.svc.cluster.local", b.Service, b.Namespace)
}

// Route sends the requests that match Host and Path to Backend.
type Route struct {
	// Host is a name, *.name for one label in front of name, or empty for every host.
	Host string
	// Path starts with "/" and has no trailing slash, except for the root.
	Path    string
	Match   Match
	Backend Backend
	// Default is a default backend: it serves what no other route does.
	Default  bool
	Settings Behavior
	// Source is where the route was written: file, Ingress, rule and path.
	Source string
}

// Table is every route of one API, sorted, with the settings that the Ingresses carry.
type Table struct {
	Routes   []Route
	Settings Settings
	// Authorizers are those that routes may name.
	Authorizers []Authorizer
	// Fragments say what requests must look like.
	Fragments []Fragment
	// Notices are for people: Ingresses that are left out, and what has no effect here.
	Notices []string
}

// Options are what Ingresses refer to.
type Options struct {
	// Services are the backends that exist. AnyService accepts every one by number, for looking at manifests alone.
	Services   []Service
	AnyService bool
	// Domains are the custom domain names that the API answers to, *.name included.
	Domains []string
	// Group takes the Ingresses of one group.name only. Without it all Ingresses must be of one group.
	Group string
	// Authorizers may be named by the annotation auth.
	Authorizers []Authorizer
	// Fragments say what requests must look like.
	Fragments []Fragment
	// ResourceQuota is the number of resources that AWS allows in a REST API. 0 means 300.
	ResourceQuota int
}

// Compile checks Ingresses and joins them to one table. All problems are returned together, each with its place.
func Compile(ingresses []Ingress, options Options) (*Table, error) {
	c := &compiler{options: options, table: &Table{Authorizers: options.Authorizers, Fragments: options.Fragments}}
	table, err := c.join(ingresses)
	if err != nil {
		return nil, err
	}
	problems := []error{table.checkHostsAgree(), table.checkFragments(), table.checkQuotas(options.ResourceQuota)}
	if !options.AnyService {
		problems = append(problems, table.checkAuthorizers())
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return table, nil
}

type compiler struct {
	options  Options
	table    *Table
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
		routes[i].Settings = said.route.withDefaults()
	}
	c.table.Routes = append(c.table.Routes, routes...)
}

func (c *compiler) notice(format string, args ...any) {
	c.table.Notices = append(c.table.Notices, fmt.Sprintf(format, args...))
}

func (c *compiler) fail(place string, problems ...error) {
	for _, problem := range problems {
		if problem != nil {
			c.problems = append(c.problems, at(place, problem))
		}
	}
}

func (c *compiler) join(ingresses []Ingress) (*Table, error) {
	c.options.Domains = append(slices.Clone(c.options.Domains), annotatedDomains(ingresses)...)
	for _, ingress := range ingresses {
		c.add(ingress)
	}
	t := c.table
	t.Settings = c.merger.settings
	slices.SortFunc(t.Routes, compareRoutes)
	slices.Sort(t.Notices)
	c.problems = append(c.problems, c.merger.problems...)
	if len(c.groups) > 1 {
		names := slices.Sorted(maps.Keys(c.groups))
		c.problems = append(c.problems, fmt.Errorf("%s is of group %q, and %s of group %q: one API serves one group; choose it with the stack's config group",
			c.groups[names[0]], names[0], c.groups[names[1]], names[1]))
	}
	c.problems = append(c.problems, findDuplicates(t.Routes))
	if err := errors.Join(c.problems...); err != nil {
		return nil, err
	}
	if len(t.Routes) == 0 {
		return nil, errors.Join(append([]error{fmt.Errorf("there is no Ingress of class %q to serve", IngressClass)}, asErrors(t.Notices)...)...)
	}
	return t, nil
}

// BackendPorts lists the distinct backend ports in ascending order: one NLB listener each.
func (t *Table) BackendPorts() []int {
	ports := map[int]bool{}
	for _, r := range t.Routes {
		ports[r.Backend.Port] = true
	}
	return slices.Sorted(maps.Keys(ports))
}

// Backends lists the distinct backends in a fixed order: one NGINX upstream each.
func (t *Table) Backends() []Backend {
	var backends []Backend
	for _, r := range t.Routes {
		backends = append(backends, r.Backend)
	}
	slices.SortFunc(backends, func(a, b Backend) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Port, b.Port))
	})
	return slices.Compact(backends)
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

func (c *compiler) rules(ingress Ingress, ingressPlace string) ([]Route, error) {
	namespace := namespaceOr(ingress.Namespace)
	var routes []Route
	var problems []error
	if ingress.Spec.DefaultBackend != nil {
		backend, err := c.backend(*ingress.Spec.DefaultBackend, namespace)
		problems = append(problems, at("defaultBackend", err))
		routes = append(routes, Route{Path: "/", Match: Prefix, Backend: backend, Default: true, Source: ingressPlace + ": defaultBackend"})
	} else if len(ingress.Spec.Rules) == 0 {
		return nil, errors.New("it has no rules: write at least one under spec.rules")
	}
	for i, rule := range ingress.Spec.Rules {
		place := fmt.Sprintf("rule %d", i+1)
		problems = append(problems, at(place, c.checkHost(rule.Host)))
		if rule.HTTP == nil || len(rule.HTTP.Paths) == 0 {
			problems = append(problems, fmt.Errorf("%s: it has no paths: write at least one under http.paths", place))
			continue
		}
		for j, path := range rule.HTTP.Paths {
			pathPlace := fmt.Sprintf("%s path %d %q", place, j+1, path.Path)
			r, err := c.path(path, namespace)
			problems = append(problems, at(pathPlace, err))
			r.Host, r.Source = strings.ToLower(rule.Host), ingressPlace+": "+pathPlace
			routes = append(routes, r)
		}
	}
	return routes, errors.Join(problems...)
}

func (c *compiler) path(path networkingv1.HTTPIngressPath, namespace string) (Route, error) {
	match, err := matchOf(path.PathType)
	backend, backendErr := c.backend(path.Backend, namespace)
	normal, pathErr := normalPath(path.Path, match)
	return Route{Path: normal, Match: match, Backend: backend}, errors.Join(err, pathErr, backendErr)
}

func matchOf(pathType *networkingv1.PathType) (Match, error) {
	if pathType == nil {
		return "", errors.New("pathType is missing: write Exact or Prefix")
	}
	switch *pathType {
	case networkingv1.PathTypeExact:
		return Exact, nil
	case networkingv1.PathTypePrefix, networkingv1.PathTypeImplementationSpecific:
		return Prefix, nil
	}
	return "", fmt.Errorf("pathType %q is not known: write Exact or Prefix", *pathType)
}

// pathSegment is what API Gateway takes as a literal part of a resource's path:
// https://docs.aws.amazon.com/apigateway/latest/api/API_CreateResource.html
var pathSegment = regexp.MustCompile(`^[A-Za-z0-9._:-]+$`)

func normalPath(path string, match Match) (string, error) {
	if path == "" && match == Prefix {
		return "/", nil
	}
	if !strings.HasPrefix(path, "/") {
		return path, errors.New(`the path must start with "/"`)
	}
	if path == "/" {
		return path, nil
	}
	trimmed := strings.TrimSuffix(path, "/")
	if match == Exact && trimmed != path {
		return path, errors.New("an Exact path cannot end in a slash: API Gateway does not tell the two apart; remove it or write Prefix")
	}
	for segment := range strings.SplitSeq(trimmed[1:], "/") {
		if segment == "." || segment == ".." || !pathSegment.MatchString(segment) {
			return path, fmt.Errorf("segment %q is not possible in API Gateway: use A-Z, a-z, 0-9 and . _ : -", segment)
		}
	}
	return trimmed, nil
}

func (c *compiler) backend(backend networkingv1.IngressBackend, namespace string) (Backend, error) {
	if backend.Service == nil {
		return Backend{}, errors.New("the backend is not a Service: write backend.service")
	}
	name, port := backend.Service.Name, backend.Service.Port
	if found := validation.IsDNS1035Label(name); len(found) > 0 {
		return Backend{}, fmt.Errorf("service name %q is not valid: %s", name, found[0])
	}
	if found := validation.IsDNS1123Label(namespace); len(found) > 0 {
		return Backend{}, fmt.Errorf("namespace %q is not valid: %s", namespace, found[0])
	}
	if c.options.AnyService {
		return anyBackend(namespace, name, port)
	}
	i := slices.IndexFunc(c.options.Services, func(s Service) bool { return s.Namespace == namespace && s.Name == name })
	if i < 0 {
		return Backend{}, fmt.Errorf("service %s/%s is not declared by the stack: add it to services (declared: %s)", namespace, name, describe(c.options.Services))
	}
	for _, candidate := range c.options.Services[i].Ports {
		if (port.Name != "" && candidate.Name == port.Name) || (port.Name == "" && candidate.Number == int(port.Number)) {
			return Backend{Namespace: namespace, Service: name, Port: candidate.Number}, nil
		}
	}
	if port.Name != "" {
		return Backend{}, fmt.Errorf("service %s/%s has no port named %q", namespace, name, port.Name)
	}
	return Backend{}, fmt.Errorf("service %s/%s has no port %d", namespace, name, port.Number)
}

func anyBackend(namespace, name string, port networkingv1.ServiceBackendPort) (Backend, error) {
	if port.Name != "" {
		return Backend{}, fmt.Errorf("port %q of service %s/%s is known by name only: its number takes the stack's services", port.Name, namespace, name)
	}
	if found := validation.IsValidPortNum(int(port.Number)); len(found) > 0 {
		return Backend{}, fmt.Errorf("port %d of service %s/%s is not valid: %s", port.Number, namespace, name, found[0])
	}
	return Backend{Namespace: namespace, Service: name, Port: int(port.Number)}, nil
}

func describe(services []Service) string {
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

// compareRoutes puts Exact before Prefix of the same host and path, and defaults last.
func compareRoutes(a, b Route) int {
	return cmp.Or(cmp.Compare(btoi(a.Default), btoi(b.Default)), cmp.Compare(a.Host, b.Host), cmp.Compare(a.Path, b.Path),
		cmp.Compare(a.Match, b.Match), cmp.Compare(a.Source, b.Source))
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func findDuplicates(sorted []Route) error {
	var problems []error
	for i := 1; i < len(sorted); i++ {
		a, b := sorted[i-1], sorted[i]
		if a.Path == "" || a.Host != b.Host || a.Path != b.Path || a.Match != b.Match || a.Default != b.Default {
			continue
		}
		if a.Default && a.Backend == b.Backend {
			continue
		}
		problems = append(problems, fmt.Errorf("%s: duplicate path: it is already written at %s", b.Source, a.Source))
	}
	return errors.Join(problems...)
}

// at puts place in front of each problem that err holds.
func at(place string, err error) error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var placed []error
		for _, problem := range joined.Unwrap() {
			placed = append(placed, at(place, problem))
		}
		return errors.Join(placed...)
	}
	return fmt.Errorf("%s: %w", place, err)
}

func asErrors(lines []string) []error {
	var list []error
	for _, line := range lines {
		list = append(list, errors.New(line))
	}
	return list
}

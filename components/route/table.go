package route

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// MaxIngressNameLength is the original controller's limit, kept so that a manifest serves both.
const MaxIngressNameLength = 51

// Match says how a route's path is compared (Kubernetes Ingress, "Path types").
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

// Route sends the requests that match Path to Backend.
type Route struct {
	// Path starts with "/" and has no trailing slash, except for the root.
	Path    string
	Match   Match
	Backend Backend
	// Source is where the route was written: file, Ingress, rule and path.
	Source string
}

// Table is every route of one API, sorted, with the settings that the Ingresses carry.
type Table struct {
	Routes   []Route
	Settings Settings
	// Skipped names the Ingresses of other classes, with the reason.
	Skipped []string
}

// Compile checks Ingresses against the services that exist and joins them to one table.
// All problems are returned together, each with its place.
func Compile(ingresses []Ingress, services []Service) (*Table, error) {
	table := &Table{}
	var problems []error
	var settled string
	for _, ingress := range ingresses {
		place := fmt.Sprintf("%s: ingress %s/%s", ingress.Source, namespaceOr(ingress.Namespace), ingress.Name)
		if class := classOf(ingress); class != "" && class != IngressClass {
			table.Skipped = append(table.Skipped, fmt.Sprintf("%s: class %q is not %q", place, class, IngressClass))
			continue
		}
		settings, err := parseAnnotations(ingress.Annotations)
		problems = append(problems, at(place, err), at(place, checkName(ingress)), at(place, checkUnserved(ingress)))
		if !reflect.DeepEqual(settings, Settings{}) {
			if settled != "" && !reflect.DeepEqual(settings, table.Settings) {
				problems = append(problems, fmt.Errorf("%s: its annotations differ from those of %s: Ingresses of one API must carry the same ones", place, settled))
			}
			table.Settings, settled = settings, place
		}
		routes, err := compileRules(ingress, services)
		problems = append(problems, at(place, err))
		table.Routes = append(table.Routes, routes...)
	}
	slices.SortFunc(table.Routes, compareRoutes)
	slices.Sort(table.Skipped)
	problems = append(problems, findDuplicates(table.Routes))
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	if len(table.Routes) == 0 {
		return nil, errors.Join(append([]error{fmt.Errorf("there is no Ingress of class %q", IngressClass)}, asErrors(table.Skipped)...)...)
	}
	return table, nil
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

// checkUnserved refuses what an Ingress can say and this table cannot yet decide.
func checkUnserved(ingress Ingress) error {
	var problems []error
	if ingress.Spec.DefaultBackend != nil {
		problems = append(problems, errors.New("spec.defaultBackend is not served: write a rule with path / and pathType Prefix"))
	}
	if len(ingress.Spec.TLS) > 0 {
		problems = append(problems, errors.New("spec.tls is not served: API Gateway terminates TLS itself; remove the section"))
	}
	return errors.Join(problems...)
}

func compileRules(ingress Ingress, services []Service) ([]Route, error) {
	if len(ingress.Spec.Rules) == 0 {
		return nil, errors.New("it has no rules: write at least one under spec.rules")
	}
	var routes []Route
	var problems []error
	for i, rule := range ingress.Spec.Rules {
		place := fmt.Sprintf("rule %d", i+1)
		if rule.Host != "" {
			problems = append(problems, fmt.Errorf("%s: host %q: no domain of the stack serves it; remove the host", place, rule.Host))
			continue
		}
		if rule.HTTP == nil || len(rule.HTTP.Paths) == 0 {
			problems = append(problems, fmt.Errorf("%s: it has no paths: write at least one under http.paths", place))
			continue
		}
		for _, path := range rule.HTTP.Paths {
			r, err := compilePath(path, namespaceOr(ingress.Namespace), services)
			pathPlace := fmt.Sprintf("%s path %q", place, path.Path)
			problems = append(problems, at(pathPlace, err))
			r.Source = fmt.Sprintf("%s: ingress %s/%s: %s", ingress.Source, namespaceOr(ingress.Namespace), ingress.Name, pathPlace)
			routes = append(routes, r)
		}
	}
	return routes, errors.Join(problems...)
}

func compilePath(path networkingv1.HTTPIngressPath, namespace string, services []Service) (Route, error) {
	match, err := matchOf(path.PathType)
	backend, backendErr := findBackend(path.Backend, namespace, services)
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

func findBackend(backend networkingv1.IngressBackend, namespace string, services []Service) (Backend, error) {
	if backend.Service == nil {
		return Backend{}, errors.New("the backend is not a Service: write backend.service")
	}
	name, port := backend.Service.Name, backend.Service.Port
	i := slices.IndexFunc(services, func(s Service) bool { return s.Namespace == namespace && s.Name == name })
	if i < 0 {
		return Backend{}, fmt.Errorf("service %s/%s is not declared by the stack: add it to services (declared: %s)", namespace, name, describe(services))
	}
	for _, candidate := range services[i].Ports {
		if (port.Name != "" && candidate.Name == port.Name) || (port.Name == "" && candidate.Number == int(port.Number)) {
			return Backend{Namespace: namespace, Service: name, Port: candidate.Number}, nil
		}
	}
	if port.Name != "" {
		return Backend{}, fmt.Errorf("service %s/%s has no port named %q", namespace, name, port.Name)
	}
	return Backend{}, fmt.Errorf("service %s/%s has no port %d", namespace, name, port.Number)
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

// compareRoutes puts Exact before Prefix of the same path, and otherwise sorts by path.
func compareRoutes(a, b Route) int {
	return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Match, b.Match), cmp.Compare(a.Source, b.Source))
}

func findDuplicates(sorted []Route) error {
	var problems []error
	for i := 1; i < len(sorted); i++ {
		a, b := sorted[i-1], sorted[i]
		if a.Path != "" && a.Path == b.Path && a.Match == b.Match {
			problems = append(problems, fmt.Errorf("%s: duplicate path: it is already written at %s", b.Source, a.Source))
		}
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

package route

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Location is one resource of API Gateway and, with the same meaning, one location of NGINX: a path itself,
// or everything below it. A Prefix route makes both, an Exact route the first.
//
// The tree of locations is closed: whatever lies between two of them has its own, too. So it does not
// matter whether API Gateway goes back to a shorter path when a longer one fails.
type Location struct {
	Path string
	// Below is everything under Path, one segment or more.
	Below bool
	// Resource is the path in API Gateway's notation.
	Resource string
	// Methods are the names of the methods that API Gateway has for the resource, without that for a preflight.
	Methods []string
	// ByHost are the routes that decide for each host; the key "" is every other host. nil decides for none.
	ByHost map[string]*Route
	// TrailingSlash are the routes that decide when the path has a slash at its end, which API Gateway does not see.
	// They differ from ByHost where an Exact route decides; nil where they do not.
	TrailingSlash map[string]*Route
	// Access is a short digest of who gets in: see accessClass. Uniform says that everything at and below Path has the same.
	Access  string
	Uniform bool
	// First is the route of the first host for which some route decides. All that do have the same behavior.
	First *Route
}

// Greedy is API Gateway's path variable for one or more further segments.
const Greedy = "{proxy+}"

// AnyMethod is API Gateway's name for a method that serves all those without one of their own.
const AnyMethod = "ANY"

// Locations computes who decides where, in the order of their paths.
func (t *Table) Locations() []Location {
	nodes := t.nodes()
	hosts := t.Hosts()
	candidates := make([][]index, len(hosts))
	for i, host := range hosts {
		for _, class := range t.routesByHost(host) {
			candidates[i] = append(candidates[i], newIndex(class))
		}
	}
	var locations []Location
	for _, path := range slices.Sorted(maps.Keys(nodes)) {
		for _, below := range []bool{false, true} {
			l := Location{Path: path, Below: below, Resource: resourceName(path, below), ByHost: map[string]*Route{}}
			exact := false
			for i, host := range hosts {
				decision := decide(candidates[i], path, below)
				l.ByHost[host] = decision
				l.First = cmp.Or(l.First, decision)
				exact = exact || decision != nil && decision.Match == Exact
			}
			if l.First == nil {
				continue
			}
			l.Methods, l.Access = t.methodNames(l), t.accessClass(l.First.Behavior)
			if exact && path != "/" {
				l.TrailingSlash = trailingSlash(l, hosts, candidates)
			}
			locations = append(locations, l)
		}
	}
	markUniform(locations)
	return locations
}

// methodNames are those that the route lets through, or those that fragments describe and one for all others.
func (t *Table) methodNames(l Location) []string {
	if methods := l.First.Behavior.Methods; len(methods) > 0 {
		return slices.Clone(methods)
	}
	return append(slices.Sorted(maps.Keys(t.Expectations(l.Resource))), AnyMethod)
}

// trailingSlash decides without Exact routes. A route with other settings than those by which API Gateway let the
// request in does not get it.
func trailingSlash(l Location, hosts []string, candidates [][]index) map[string]*Route {
	decisions := map[string]*Route{}
	for i, host := range hosts {
		decision := decide(candidates[i], l.Path, true)
		if decision != nil && reflect.DeepEqual(decision.Behavior, l.First.Behavior) {
			decisions[host] = decision
		}
	}
	return decisions
}

// nodes are the paths of all routes and all that lie above them.
func (t *Table) nodes() map[string]bool {
	nodes := map[string]bool{"/": true}
	for _, r := range t.Routes {
		for path := r.Path; !nodes[path]; path = parent(path) {
			nodes[path] = true
		}
	}
	return nodes
}

func parent(path string) string {
	if cut := strings.LastIndexByte(path, '/'); cut > 0 {
		return path[:cut]
	}
	return "/"
}

func resourceName(path string, below bool) string {
	if !below {
		return path
	}
	return strings.TrimSuffix(path, "/") + "/" + Greedy
}

// index finds the route of a class that decides for a location.
type index struct{ exact, prefix map[string]*Route }

func newIndex(routes []Route) index {
	i := index{exact: map[string]*Route{}, prefix: map[string]*Route{}}
	for n := range routes {
		if routes[n].Match == Exact {
			i.exact[routes[n].Path] = &routes[n]
		} else {
			i.prefix[routes[n].Path] = &routes[n]
		}
	}
	return i
}

// decide asks one class after the other: the longest matching path wins, Exact before Prefix.
func decide(classes []index, path string, below bool) *Route {
	for _, class := range classes {
		if r := class.exact[path]; r != nil && !below {
			return r
		}
		for candidate := path; ; candidate = parent(candidate) {
			if r := class.prefix[candidate]; r != nil {
				return r
			}
			if candidate == "/" {
				break
			}
		}
	}
	return nil
}

package route

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// location is one resource of API Gateway and, with the same meaning, one location of NGINX: a path itself,
// or everything below it. A Prefix route makes both, an Exact route the first.
//
// The tree of locations is closed: whatever lies between two of them has its own, too. So it does not
// matter whether API Gateway goes back to a shorter path when a longer one fails.
type location struct {
	path string
	// below is everything under path, one segment or more.
	below bool
	// resource is the path in API Gateway's notation.
	resource string
	// byHost are the routes that decide for each host; the key "" is every other host. nil decides for none.
	byHost map[string]*Route
	// slashed are the routes that decide when the path has a slash at its end, which API Gateway does not see.
	// They differ from byHost where an Exact route decides; nil where they do not.
	slashed map[string]*Route
}

// greedy is API Gateway's path variable for one or more further segments.
const greedy = "{proxy+}"

// first is a route that decides for some host. All that do have the same settings.
func (l location) first(hosts []string) *Route {
	for _, host := range hosts {
		if r := l.byHost[host]; r != nil {
			return r
		}
	}
	return nil
}

// locations computes who decides where, in the order of their paths.
func (t *Table) locations() []location {
	nodes := t.nodes()
	hosts := t.allHosts()
	candidates := make([][]index, len(hosts))
	for i, host := range hosts {
		for _, class := range t.routesByHost(host) {
			candidates[i] = append(candidates[i], newIndex(class))
		}
	}
	var locations []location
	for _, path := range slices.Sorted(maps.Keys(nodes)) {
		for _, below := range []bool{false, true} {
			l := location{path: path, below: below, resource: resourceName(path, below), byHost: map[string]*Route{}}
			decided, exact := false, false
			for i, host := range hosts {
				decision := decide(candidates[i], path, below)
				l.byHost[host] = decision
				decided = decided || decision != nil
				exact = exact || decision != nil && decision.Match == Exact
			}
			if exact && path != "/" {
				l.slashed = slashed(l, hosts, candidates)
			}
			if decided {
				locations = append(locations, l)
			}
		}
	}
	return locations
}

// slashed decides without Exact routes. A route with other settings than those by which API Gateway let the
// request in does not get it.
func slashed(l location, hosts []string, candidates [][]index) map[string]*Route {
	decisions := map[string]*Route{}
	for i, host := range hosts {
		decision := decide(candidates[i], l.path, true)
		if decision != nil && reflect.DeepEqual(decision.Settings, l.first(hosts).Settings) {
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
	return strings.TrimSuffix(path, "/") + "/" + greedy
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

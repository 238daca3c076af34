package route

import (
	"errors"
	"fmt"
)

// checkOverlaps refuses routes that take requests from another namespace's: a path at or below it, for a host that it
// serves. Default backends claim nothing.
func (t *Table) checkOverlaps() error {
	byPath := map[string][]Route{}
	for _, r := range t.Routes {
		if !r.Default {
			byPath[r.Path] = append(byPath[r.Path], r)
		}
	}
	var problems []error
	for _, r := range t.Routes {
		if taken := r.takesFrom(byPath); taken != nil && !r.Default {
			problems = append(problems, fmt.Errorf(
				"%s: it takes requests from %s, of namespace %s: choose another path, or let namespaces overlap with the stack's config "+
					"allowNamespaceOverlaps",
				r.Source, taken.Source, taken.Backend.Namespace))
		}
	}
	return errors.Join(problems...)
}

// takesFrom is a route of another namespace that would get some of the requests if r were not there.
func (r Route) takesFrom(byPath map[string][]Route) *Route {
	for path := r.Path; ; path = parent(path) {
		for i, other := range byPath[path] {
			below := other.Match == Prefix && (path != r.Path || r.Match == Exact || r.Host != other.Host)
			same := path == r.Path && r.Match == other.Match && r.Host != other.Host
			if other.Backend.Namespace != r.Backend.Namespace && (below || same) && covers(other.Host, r.Host) {
				return &byPath[path][i]
			}
		}
		if path == "/" {
			return nil
		}
	}
}

// covers says whether requests for host reach the routes of rule as well.
func covers(rule, host string) bool {
	return rule == "" || rule == host || host != "" && HostMatches(rule, host)
}

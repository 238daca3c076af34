package route

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// HostMatches says whether name is pattern, or pattern's name with one label in front for its asterisk:
// https://kubernetes.io/docs/concepts/services-networking/ingress/#hostname-wildcards
func HostMatches(pattern, name string) bool {
	suffix, wildcard := strings.CutPrefix(pattern, "*")
	if !wildcard {
		return pattern == name
	}
	label, rest, ok := strings.Cut(name, ".")
	return ok && label != "" && label != "*" && "."+rest == suffix
}

// Hosts lists the distinct hosts of the routes, exact ones before wildcards, with "" in front for every other name.
func (t *Table) Hosts() []string {
	distinct := map[string]bool{}
	for _, r := range t.Routes {
		distinct[r.Host] = true
	}
	distinct[""] = true
	names := slices.Sorted(maps.Keys(distinct))
	slices.SortStableFunc(names, func(a, b string) int {
		return compareBools(strings.HasPrefix(a, "*"), strings.HasPrefix(b, "*"))
	})
	return names
}

// routesByHost is each host's candidates in the order in which they are asked: those of the host itself, of a
// wildcard that covers it, of every host, and the default backend. host "" is a name that no rule mentions.
func (t *Table) routesByHost(host string) [][]Route {
	var own, covering, every, otherwise []Route
	for _, r := range t.Routes {
		switch {
		case r.Default:
			otherwise = append(otherwise, r)
		case r.Host == "":
			every = append(every, r)
		case r.Host == host:
			own = append(own, r)
		case host != "" && !strings.HasPrefix(host, "*") && HostMatches(r.Host, host):
			covering = append(covering, r)
		}
	}
	return [][]Route{own, covering, every, otherwise}
}

// checkHostsAgree: API Gateway chooses a method by path alone, so what it does for a path must hold for every host.
func (t *Table) checkHostsAgree(difference func(a, b Behavior) string) error {
	hosts := t.Hosts()
	if len(hosts) == 1 {
		return nil
	}
	var problems []error
	for _, l := range t.Locations() {
		if r := l.First; r.Behavior.Cache.TTL > 0 {
			problems = append(problems, fmt.Errorf("%s: cache-ttl does not go with rules for hosts: API Gateway's cache does not tell hosts "+
				"apart, and would give one host's answer to another; cache nothing", r.Source))
		}
		var first *Route
		for _, host := range hosts {
			decision := l.ByHost[host]
			if decision == nil {
				continue
			}
			if first != nil && !reflect.DeepEqual(first.Behavior, decision.Behavior) {
				problems = append(problems, fmt.Errorf("%s: its settings for %s differ from those of %s%s: API Gateway treats a path the same "+
					"for every host; make them agree",
					decision.Source, l.Resource, first.Source, inWords(difference, decision.Behavior, first.Behavior)))
				break
			}
			first = decision
		}
	}
	return errors.Join(problems...)
}

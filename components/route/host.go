package route

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// annotatedDomains are those that the Ingresses bring along.
func annotatedDomains(ingresses []Ingress) []string {
	var domains []string
	for _, ingress := range ingresses {
		if domain := strings.TrimSpace(ingress.Annotations[AnnotationPrefix+"custom-domain-name"]); domain != "" {
			domains = append(domains, domain)
		}
	}
	return domains
}

// checkHost wants a host that a domain of the API serves: API Gateway answers to no other name.
func (c *compiler) checkHost(host string) error {
	if host == "" {
		return nil
	}
	lower := strings.ToLower(host)
	if err := checkDomain(lower); err != nil {
		return fmt.Errorf("host: %w", err)
	}
	for _, domain := range c.options.Domains {
		if hostMatches(domain, lower) || hostMatches(lower, domain) || lower == domain {
			return nil
		}
	}
	served := "the API has none"
	if len(c.options.Domains) > 0 {
		served = "it has " + strings.Join(c.options.Domains, ", ")
	}
	return fmt.Errorf("host %q: no domain of the API serves it (%s): declare the domain, or remove the host", host, served)
}

// hostMatches says whether name is pattern, or pattern's name with one label in front for its asterisk:
// https://kubernetes.io/docs/concepts/services-networking/ingress/#hostname-wildcards
func hostMatches(pattern, name string) bool {
	suffix, wildcard := strings.CutPrefix(pattern, "*")
	if !wildcard {
		return pattern == name
	}
	label, rest, ok := strings.Cut(name, ".")
	return ok && label != "" && label != "*" && "."+rest == suffix
}

// hosts lists the distinct hosts of the routes, exact ones before wildcards; the host that stands for all others is not among them.
func (t *Table) hosts() []string {
	distinct := map[string]bool{}
	for _, r := range t.Routes {
		if r.Host != "" {
			distinct[r.Host] = true
		}
	}
	names := slices.Sorted(maps.Keys(distinct))
	slices.SortStableFunc(names, func(a, b string) int {
		return btoi(strings.HasPrefix(a, "*")) - btoi(strings.HasPrefix(b, "*"))
	})
	return names
}

// allHosts is hosts, with "" in front for every other name.
func (t *Table) allHosts() []string { return append([]string{""}, t.hosts()...) }

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
		case host != "" && !strings.HasPrefix(host, "*") && hostMatches(r.Host, host):
			covering = append(covering, r)
		}
	}
	return [][]Route{own, covering, every, otherwise}
}

// checkHostsAgree: API Gateway chooses a method by path alone, so what it does for a path must hold for every host.
func (t *Table) checkHostsAgree() error {
	if len(t.hosts()) == 0 {
		return nil
	}
	var problems []error
	for _, l := range t.locations() {
		if r := l.first(t.allHosts()); r.Settings.Cache.TTL > 0 {
			problems = append(problems, fmt.Errorf("%s: cache-ttl does not go with rules for hosts: API Gateway's cache does not tell hosts apart, and would give one host's answer to another; cache nothing", r.Source))
		}
		var first *Route
		for _, host := range t.allHosts() {
			decision := l.byHost[host]
			if decision == nil {
				continue
			}
			if first != nil && !reflect.DeepEqual(first.Settings, decision.Settings) {
				problems = append(problems, fmt.Errorf("%s: its settings for %s differ from those of %s: API Gateway treats a path the same for every host; make them agree",
					decision.Source, l.resource, first.Source))
				break
			}
			first = decision
		}
	}
	return errors.Join(problems...)
}

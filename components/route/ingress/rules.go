package ingress

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	networkingv1 "k8s.io/api/networking/v1"
)

// routes are those of one Ingress.
func (c *compiler) routes(s selected) []route.Route {
	for _, tls := range s.Spec.TLS {
		for _, host := range tls.Hosts {
			c.notice("%s: spec.tls has no effect for %s: API Gateway terminates TLS; configure the domain with custom-domain-name and "+
				"certificate-arn", s.where, host)
		}
	}
	r := &rulesReader{compiler: c, namespace: namespaceOr(s.Namespace), where: s.where}
	r.defaultBackend(s.Spec.DefaultBackend)
	if s.Spec.DefaultBackend == nil && len(s.Spec.Rules) == 0 {
		c.fail(s.where, errors.New("it has no rules: write at least one under spec.rules"))
	}
	for i, rule := range s.Spec.Rules {
		r.rule(fmt.Sprintf("rule %d", i+1), rule)
	}
	for i := range r.routes {
		r.routes[i].Behavior = s.said.behavior
	}
	return r.routes
}

// rulesReader collects the routes of an Ingress.
type rulesReader struct {
	*compiler
	namespace, where string
	byDefault        *route.Backend
	routes           []route.Route
}

func (r *rulesReader) defaultBackend(backend *networkingv1.IngressBackend) {
	if backend == nil {
		return
	}
	place := r.where + ": defaultBackend"
	found, err := r.backend(*backend, r.namespace, place)
	r.fail(place, err)
	r.byDefault = &found
	r.add(route.Route{Path: "/", Match: route.Prefix, Backend: found, Default: true, Source: place})
}

func (r *rulesReader) add(added route.Route) { r.routes = append(r.routes, added) }

func (r *rulesReader) rule(place string, rule networkingv1.IngressRule) {
	r.fail(r.where, route.At(place, r.checkHost(rule.Host)))
	host := strings.ToLower(rule.Host)
	switch {
	case rule.HTTP == nil && r.byDefault != nil:
		// All requests to the host go to the default backend:
		// https://kubernetes.io/docs/reference/kubernetes-api/service-resources/ingress-v1/#IngressSpec
		if host != "" {
			r.add(route.Route{Host: host, Path: "/", Match: route.Prefix, Backend: *r.byDefault, Source: r.where + ": " + place})
		}
		return
	case rule.HTTP == nil || len(rule.HTTP.Paths) == 0:
		r.fail(r.where, fmt.Errorf("%s: it has no paths: write at least one under http.paths", place))
		return
	}
	for i, path := range rule.HTTP.Paths {
		where := fmt.Sprintf("%s: %s path %d %q", r.where, place, i+1, path.Path)
		match, err := matchOf(path.PathType)
		backend, backendErr := r.backend(path.Backend, r.namespace, where)
		normal, pathErr := route.NormalPath(path.Path, match)
		r.fail(where, err, pathErr, backendErr)
		r.add(route.Route{Host: host, Path: normal, Match: match, Backend: backend, Source: where})
	}
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

// checkHost wants a host that a domain of the API serves: API Gateway answers to no other name.
func (c *compiler) checkHost(host string) error {
	if host == "" {
		return nil
	}
	lower := strings.ToLower(host)
	if err := checkDomain(lower); err != nil {
		return fmt.Errorf("host: %w", err)
	}
	if slices.ContainsFunc(c.options.Domains, func(domain string) bool {
		return route.HostMatches(domain, lower) || route.HostMatches(lower, domain) || lower == domain
	}) {
		return nil
	}
	served := "the API has none"
	if len(c.options.Domains) > 0 {
		served = "it has " + strings.Join(c.options.Domains, ", ")
	}
	return fmt.Errorf("host %q: no domain of the API serves it (%s): declare the domain with the annotation %scustom-domain-name, the "+
		"stack's config domainName or --domain, or remove the host",
		host, served, AnnotationPrefix)
}

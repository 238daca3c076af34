package ingress

import (
	"fmt"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
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
		if route.HostMatches(domain, lower) || route.HostMatches(lower, domain) || lower == domain {
			return nil
		}
	}
	served := "the API has none"
	if len(c.options.Domains) > 0 {
		served = "it has " + strings.Join(c.options.Domains, ", ")
	}
	return fmt.Errorf("host %q: no domain of the API serves it (%s): declare the domain, or remove the host", host, served)
}

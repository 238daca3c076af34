package platform

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/gateway"
	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"golang.org/x/net/publicsuffix"
)

// HostDomains is which domains the hosts of the routes get.
type HostDomains string

// Declared hosts need a domain of the config. Auto makes a wildcard domain for all hosts that are beside each other, and Each one
// for every host.
const (
	Declared HostDomains = "declared"
	Auto     HostDomains = "auto"
	Each     HostDomains = "each"
)

// HostedZone is a Route 53 zone in which hosts get their domains.
type HostedZone struct {
	// ID is the zone's, such as Z0123456789ABCDEFGHIJ.
	ID string `pulumi:"id"`
	// Name is the zone's name: hosts that end in it belong to the zone.
	Name string `pulumi:"name"`
}

// hostsOf are the hosts that Ingresses name, whether or not they are served.
func (a Args) hostsOf() []string {
	var hosts []string
	for _, i := range a.Manifests.Ingresses {
		for _, rule := range i.Spec.Rules {
			if host := strings.ToLower(rule.Host); route.CheckDomainName(host) == nil {
				hosts = append(hosts, host)
			}
		}
	}
	return hosts
}

// hostDomains are the domains of the hosts that no declared domain serves.
func (a Args) hostDomains(routes *route.Table) ([]gateway.DomainName, error) {
	if routes == nil || a.Hosts == Declared || a.Hosts == "" {
		return nil, nil
	}
	var p settings.Problems
	var made []gateway.DomainName
	declared := a.Gateway.Names()
	for _, host := range routes.Hosts() {
		if host == "" || slices.ContainsFunc(declared, func(d gateway.DomainName) bool {
			return d.Name == host ||
				route.HostMatches(d.Name, host)
		}) {
			continue
		}
		zone := a.zoneOf(host)
		if zone == nil {
			p.When(true, "host %q: no hosted zone holds it: name one in {HostedZones}, or in {Gateway.Domain.HostedZoneID}", host)
			continue
		}
		name := host
		if a.Hosts == Auto {
			name = a.wildcardOf(host)
		}
		at := slices.IndexFunc(made, func(d gateway.DomainName) bool { return d.Name == name })
		if at < 0 {
			at, made = len(made), append(made, gateway.DomainName{
				Name: name, HostedZoneID: zone, BasePath: a.Gateway.Domain.BasePath, SecurityPolicy: a.Gateway.Domain.SecurityPolicy,
			})
		}
		// Only what is published gets a record: a wildcard's would answer for every other name of the zone.
		made[at].Records = append(made[at].Records, host)
	}
	return made, p.Err()
}

// zoneOf is the zone with the longest name that holds the host, or that of the single key, which holds every host; nil without one.
func (a Args) zoneOf(host string) pulumi.StringInput {
	var found *HostedZone
	for i, zone := range a.HostedZones {
		if within(host, zone.Name) && (found == nil || len(zone.Name) > len(found.Name)) {
			found = &a.HostedZones[i]
		}
	}
	if found != nil {
		return pulumi.String(found.ID)
	}
	return a.Gateway.Domain.HostedZoneID
}

func within(host, zone string) bool { return host == zone || strings.HasSuffix(host, "."+zone) }

// wildcardOf is the wildcard for a host and what stands beside it. What has none is the name of a zone, or one that is registered.
func (a Args) wildcardOf(host string) string {
	_, parent, _ := strings.Cut(host, ".")
	suffix, _ := publicsuffix.PublicSuffix(parent)
	isZone := slices.ContainsFunc(a.HostedZones, func(z HostedZone) bool { return z.Name == host })
	if strings.HasPrefix(host, "*.") || suffix == parent || isZone {
		return host
	}
	return "*." + parent
}

// checkZones looks at the zones themselves.
func (a Args) checkZones(p *settings.Problems) {
	byHost := a.Hosts == Auto || a.Hosts == Each
	p.When(len(a.HostedZones) > 0 && !byHost, "{HostedZones} are for {Hosts} auto or each")
	single := a.Gateway.Domain
	p.When(byHost && single.Name == "" && (single.CertificateARN != nil || single.TruststoreURI != nil),
		"{Gateway.Domain.CertificateARN} and {Gateway.Domain.TruststoreURI} are for domains that are declared: {Hosts} %s requests "+
			"certificates", a.Hosts)
	names := map[string]bool{}
	for i, zone := range a.HostedZones {
		p.When(names[zone.Name], "{HostedZones[%d]}: %s is declared twice", i, zone.Name)
		names[zone.Name] = true
		p.Add(route.At(fmt.Sprintf("hosted zone %s", zone.ID), route.CheckDomainName(zone.Name)))
	}
}

// withHosts are the gateway's settings with the domains of the hosts.
func (a Args) withHosts(routes *route.Table, p *settings.Problems) gateway.Settings {
	a.checkZones(p)
	domains, err := a.hostDomains(routes)
	p.Add(err)
	g := a.Gateway
	g.Domains = slices.Concat(g.Domains, domains)
	if (a.Hosts == Auto || a.Hosts == Each) && g.Domain.Name == "" {
		// What the single keys say is in each of these domains.
		g.Domain = gateway.Domain{SecurityPolicy: g.Domain.SecurityPolicy, OnlyDomain: g.Domain.OnlyDomain}
	}
	return g
}

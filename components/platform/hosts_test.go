package platform_test

import (
	"fmt"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/componenttest"
	"github.com/apigateway-ingress/apigateway-ingress/components/gateway"
	"github.com/apigateway-ingress/apigateway-ingress/components/platform"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
	networkingv1 "k8s.io/api/networking/v1"
)

// withHosts is the bookstore with the same route for each host.
func withHosts(t *testing.T, kind platform.HostDomains, hosts ...string) *platform.Args {
	t.Helper()
	args := bookstore(t, "ingress-v1.yaml")
	rules := args.Manifests.Ingresses[0].Spec.Rules
	var all []networkingv1.IngressRule
	for _, host := range hosts {
		rule := rules[0]
		rule.Host = host
		all = append(all, rule)
	}
	first := args.Manifests.Ingresses[0]
	first.Spec.Rules = all
	args.Manifests = ingress.Manifests{Ingresses: []ingress.Ingress{first}}
	args.Hosts = kind
	return args
}

// domainsOf are the domains that are made, each with its zone's records.
func domainsOf(t *testing.T, args *platform.Args) (domains, records []string) {
	t.Helper()
	graph := componenttest.Run(t, declare(args))
	for _, r := range graph.All("aws:apigateway/domainName:DomainName") {
		domains = append(domains, fmt.Sprint(r.Inputs["domainName"]))
	}
	for _, r := range graph.All("aws:route53/record:Record") {
		if r.Inputs["type"] == "A" {
			records = append(records, fmt.Sprint(r.Inputs["zoneId"], " ", r.Inputs["name"]))
		}
	}
	return domains, records
}

func TestHostsGetDomains(t *testing.T) {
	args := withHosts(t, platform.Auto, "shop.example.com", "help.example.com", "example.com", "a.b.example.com", "shop.co.uk")
	args.Gateway.Domain = gateway.Domain{HostedZoneID: pulumi.String("Z0123456789")}
	domains, records := domainsOf(t, args)
	require.ElementsMatch(t, []string{"*.example.com", "example.com", "*.b.example.com", "shop.co.uk"}, domains,
		"nobody gets *.com or *.co.uk")
	require.ElementsMatch(t, []string{"Z0123456789 shop.example.com", "Z0123456789 help.example.com", "Z0123456789 example.com",
		"Z0123456789 a.b.example.com", "Z0123456789 shop.co.uk"}, records, "only what is published resolves")
}

func TestHostsGetADomainEach(t *testing.T) {
	args := withHosts(t, platform.Each, "shop.example.com", "help.example.com", "shop.example.org")
	args.HostedZones = []platform.HostedZone{{ID: "Z1", Name: "example.com"}, {ID: "Z2", Name: "help.example.com"},
		{ID: "Z3", Name: "example.org"}}
	domains, records := domainsOf(t, args)
	require.ElementsMatch(t, []string{"shop.example.com", "help.example.com", "shop.example.org"}, domains)
	require.ElementsMatch(t, []string{"Z1 shop.example.com", "Z2 help.example.com", "Z3 shop.example.org"}, records,
		"the zone with the longest name")
}

// A domain that is declared serves its hosts; only the others get one.
func TestDeclaredDomainsComeFirst(t *testing.T) {
	args := withHosts(t, platform.Auto, "shop.example.com", "shop.example.org")
	zone := pulumi.String("Z0123456789")
	args.Gateway.Domain = gateway.Domain{Name: "*.example.com", HostedZoneID: zone}
	domains, _ := domainsOf(t, args)
	require.ElementsMatch(t, []string{"*.example.com", "*.example.org"}, domains)
}

func TestHostsWithoutAZone(t *testing.T) {
	args := withHosts(t, platform.Auto, "shop.example.com", "shop.example.org")
	args.HostedZones = []platform.HostedZone{{ID: "Z1", Name: "example.com"}, {ID: "Z1", Name: "example.com"}}
	err := args.Validate("shop")
	require.ErrorContains(t, err, `host "shop.example.org": no hosted zone holds it: name one in HostedZones, or in Gateway.Domain.HostedZoneID`)
	require.ErrorContains(t, err, "HostedZones[1]: example.com is declared twice")
	args.Gateway.Domain.TruststoreURI = pulumi.String("s3://b/k")
	require.ErrorContains(t, args.Validate("shop"), "Gateway.Domain.TruststoreURI are for domains that are declared")
	require.ErrorContains(t, withHosts(t, platform.Declared, "shop.example.com").Validate("shop"), "no domain of the API serves it")
}

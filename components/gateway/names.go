package gateway

import (
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// maxDomains is how many public domain names an account may have in a region:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
const maxDomains = 120

// DomainName is one of several names of the API.
type DomainName struct {
	// Name is the domain name, *.name included. Without a hosted zone, point its DNS record to where the output domainTargets
	// says.
	Name string `pulumi:"name"`
	// CertificateARN is an ACM certificate for the domain, in the stack's region; in us-east-1 for EDGE. Without one it is
	// requested, and proved through the hosted zone.
	CertificateARN pulumi.StringInput `pulumi:"certificateArn,optional"`
	// HostedZoneID is the Route 53 zone that gets the domain's records. Without one they are the owner's to make.
	HostedZoneID pulumi.StringInput `pulumi:"hostedZoneId,optional"`
	// BasePath is what stands in front of the paths of the domain.
	BasePath string `pulumi:"basePath,optional"`
	// SecurityPolicy is the oldest TLS of the domain. AWS has TLS_1_0 as well, which browsers have given up:
	// https://www.rfc-editor.org/rfc/rfc8996
	SecurityPolicy string `pulumi:"securityPolicy,optional" default:"TLS_1_2" enum:"TLS_1_2"`
	// Records are the names below a wildcard that get DNS records. Default the domain's own name.
	Records []string `pulumi:"records,optional"`
}

func (d DomainName) records() []string {
	if len(d.Records) == 0 {
		return []string{d.Name}
	}
	return d.Records
}

// URL is where the API answers under the domain; a wildcard is still in it.
func (d DomainName) URL() string { return strings.TrimSuffix("https://"+d.Name+"/"+d.BasePath, "/") }

// single is what the single keys say.
func (d Domain) single() DomainName {
	return DomainName{
		Name: d.Name, CertificateARN: d.CertificateARN, HostedZoneID: d.HostedZoneID, BasePath: d.BasePath, SecurityPolicy: d.SecurityPolicy,
	}
}

// Names are all domains of the API, that of the single keys first.
func (s Settings) Names() []DomainName {
	if s.Domain.Name == "" {
		return s.Domains
	}
	return append([]DomainName{s.Domain.single()}, s.Domains...)
}

// RequestsCertificate says whether a domain has no certificate of its own.
func (s Settings) RequestsCertificate() bool {
	return slices.ContainsFunc(s.Names(), func(d DomainName) bool { return d.CertificateARN == nil })
}

func (s Settings) checkDomains(p *settings.Problems, region string) {
	seen := map[string]bool{s.Domain.Name: s.Domain.Name != ""}
	p.When(len(s.Names()) > maxDomains, "%d domains are more than the %d that AWS allows in a region", len(s.Names()), maxDomains)
	p.When(s.Endpoint.Type == Private && len(s.Domains) > 0, "{Domains} do not go with {Endpoint.Type} PRIVATE")
	for i, d := range s.Domains {
		p.When(seen[d.Name], "{Domains[%d]}: %s is declared twice", i, d.Name)
		seen[d.Name] = true
		p.Add(route.At(d.Name, d.check(s.Endpoint.Type, region)))
	}
	recorded := map[string]bool{}
	for _, d := range s.Names() {
		if d.HostedZoneID == nil {
			continue
		}
		for _, name := range d.records() {
			p.When(recorded[name], "{Domains}: two of them have a record for %s", name)
			recorded[name] = true
		}
	}
}

func (d DomainName) check(endpoint EndpointType, region string) error {
	var p settings.Problems
	p.Add(route.CheckDomainName(d.Name))
	p.When(d.CertificateARN == nil && d.HostedZoneID == nil, "it has no certificate: set certificateArn, or hostedZoneId to have one "+
		"requested")
	p.Malformed("CertificateARN", d.CertificateARN, certificate, certificateExample)
	wanted := region
	if endpoint == Edge {
		wanted = edgeCertificateRegion
	}
	own := regionOf(d.CertificateARN)
	p.When(own != "" && wanted != "" && own != wanted, "its certificate is of region %s: a domain of a %s endpoint takes one of %s", own,
		endpoint, wanted)
	p.Malformed("HostedZoneID", d.HostedZoneID, zoneID, "Z0123456789ABCDEFGHIJ")
	p.When(!basePath.MatchString(d.BasePath) || strings.HasPrefix(d.BasePath, "/") || strings.HasSuffix(d.BasePath, "/"),
		"base path %q is not possible: write a path without a slash at either end", d.BasePath)
	p.When(slices.Contains(reservedPaths, d.BasePath), "base path %s is reserved by API Gateway: choose another", d.BasePath)
	p.When(len(d.Records) > 0 && d.HostedZoneID == nil, "records are made in a hosted zone: set hostedZoneId")
	for _, name := range d.Records {
		p.When(name != d.Name && !route.HostMatches(d.Name, name), "record %s is not below it", name)
	}
	return p.Err()
}

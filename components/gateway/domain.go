package gateway

import (
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/acm"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigateway"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/route53"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// published is one of the API's own names on its way to be declared.
type published struct {
	DomainName
	// resource is the prefix of its resources' names. The first domain has the gateway's own.
	resource  string
	authority apigateway.DomainNameMutualTlsAuthenticationPtrInput
}

// published are all names of the API, that of the single keys first.
func (g *Gateway) published() []published {
	var all []published
	if d := g.args.Domain; d.Name != "" {
		first := published{DomainName: d.single(), resource: g.name}
		if d.TruststoreURI != nil {
			first.authority = apigateway.DomainNameMutualTlsAuthenticationArgs{
				TruststoreUri: d.TruststoreURI, TruststoreVersion: ptr(d.TruststoreVersion),
			}
		}
		all = append(all, first)
	}
	for _, d := range g.args.Domains {
		// No name of DNS that a client can ask for begins with an underscore.
		all = append(all, published{DomainName: d, resource: g.name + "-" + strings.Replace(d.Name, "*", "_", 1)})
	}
	return all
}

// domains give the API names of its own, below which the stage's name is no part of the path.
func (g *Gateway) domains(ctx *pulumi.Context, api *apigateway.RestApi, stage *apigateway.Stage) error {
	g.DomainTarget = pulumi.String("").ToStringOutput()
	targets := pulumi.StringMap{}
	proofs := map[string]*route53.Record{}
	for i, p := range g.published() {
		domain, err := g.domain(ctx, p, proofs)
		if err != nil {
			return err
		}
		if _, err := apigateway.NewBasePathMapping(ctx, p.resource, &apigateway.BasePathMappingArgs{
			DomainName: domain.DomainName, RestApi: api.ID(), StageName: stage.StageName, BasePath: optional(p.BasePath),
		}, pulumi.Parent(g)); err != nil {
			return err
		}
		target, err := g.domainRecords(ctx, p, domain)
		if err != nil {
			return err
		}
		if targets[p.Name] = target; i == 0 {
			g.DomainTarget = target
		}
	}
	g.DomainTargets = targets.ToStringMapOutput()
	return nil
}

func (g *Gateway) domain(ctx *pulumi.Context, p published, proofs map[string]*route53.Record) (*apigateway.DomainName, error) {
	arn, err := g.certificate(ctx, p, proofs)
	if err != nil {
		return nil, err
	}
	args := &apigateway.DomainNameArgs{
		DomainName:              pulumi.String(p.Name),
		EndpointConfiguration:   apigateway.DomainNameEndpointConfigurationArgs{Types: pulumi.String(g.args.Endpoint.Type)},
		SecurityPolicy:          pulumi.String(p.SecurityPolicy),
		MutualTlsAuthentication: p.authority,
		Tags:                    g.tags(),
	}
	if g.args.Endpoint.Type == Edge {
		args.CertificateArn = arn
	} else {
		args.RegionalCertificateArn = arn
	}
	return apigateway.NewDomainName(ctx, p.resource, args, pulumi.Parent(g))
}

// domainRecords give where DNS records of a domain must lead, and make those in its hosted zone.
func (g *Gateway) domainRecords(ctx *pulumi.Context, p published, domain *apigateway.DomainName) (pulumi.StringOutput, error) {
	target, zone := domain.RegionalDomainName, domain.RegionalZoneId
	if g.args.Endpoint.Type == Edge {
		target, zone = domain.CloudfrontDomainName, domain.CloudfrontZoneId
	}
	if p.HostedZoneID == nil {
		return target, nil
	}
	for _, name := range p.records() {
		resource := p.resource
		if name != p.Name {
			resource = g.name + "-" + name
		}
		if _, err := route53.NewRecord(ctx, resource, &route53.RecordArgs{
			ZoneId: p.HostedZoneID, Name: pulumi.String(name), Type: pulumi.String("A"),
			Aliases: route53.RecordAliasArray{route53.RecordAliasArgs{Name: target, ZoneId: zone, EvaluateTargetHealth: pulumi.Bool(false)}},
		}, pulumi.Parent(g)); err != nil {
			return target, err
		}
	}
	return target, nil
}

// certificate is the given one, or one that is requested and proved through the hosted zone.
func (g *Gateway) certificate(ctx *pulumi.Context, p published, proofs map[string]*route53.Record) (pulumi.StringPtrInput, error) {
	if p.CertificateARN != nil {
		return ptr(p.CertificateARN), nil
	}
	where := []pulumi.ResourceOption{pulumi.Parent(g)}
	if g.args.certificateElsewhere(g.args.Location.Region) {
		where = append(where, pulumi.Provider(g.args.CertificateProvider))
	}
	requested, err := acm.NewCertificate(ctx, p.resource, &acm.CertificateArgs{
		DomainName: pulumi.String(p.Name), ValidationMethod: pulumi.String("DNS"), Tags: g.tags(),
	}, where...)
	if err != nil {
		return nil, err
	}
	// A name and its wildcard are proved by the same record:
	// https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html
	proved := strings.TrimPrefix(p.Name, "*.")
	if proofs[proved] == nil {
		if proofs[proved], err = g.proof(ctx, p, requested); err != nil {
			return nil, err
		}
	}
	valid, err := acm.NewCertificateValidation(ctx, p.resource, &acm.CertificateValidationArgs{
		CertificateArn: requested.Arn, ValidationRecordFqdns: pulumi.StringArray{proofs[proved].Fqdn},
	}, where...)
	if err != nil {
		return nil, err
	}
	return valid.CertificateArn.ToStringPtrOutput(), nil
}

func (g *Gateway) proof(ctx *pulumi.Context, p published, requested *acm.Certificate) (*route53.Record, error) {
	proof := requested.DomainValidationOptions.Index(pulumi.Int(0))
	return route53.NewRecord(ctx, p.resource+"-certificate", &route53.RecordArgs{
		ZoneId:         p.HostedZoneID,
		Name:           proof.ResourceRecordName().Elem(),
		Type:           proof.ResourceRecordType().Elem(),
		Records:        pulumi.StringArray{proof.ResourceRecordValue().Elem()},
		Ttl:            pulumi.Int(60),
		AllowOverwrite: pulumi.Bool(true),
		// A name has one such record for all its certificates, renewed ones and those of other stacks: it stays.
	}, pulumi.Parent(g), pulumi.RetainOnDelete(true))
}

func optional(text string) pulumi.StringPtrInput {
	if text == "" {
		return nil
	}
	return pulumi.String(text)
}

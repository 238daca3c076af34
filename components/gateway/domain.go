package gateway

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/acm"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigateway"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/route53"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// domain gives the API a name of its own, below which the stage's name is no part of the path.
func (g *Gateway) domain(ctx *pulumi.Context, api *apigateway.RestApi, stage *apigateway.Stage) error {
	g.DomainTarget = pulumi.String("").ToStringOutput()
	d := g.args.Domain
	if d.Name == "" {
		return nil
	}
	arn, err := g.certificate(ctx)
	if err != nil {
		return err
	}
	args := &apigateway.DomainNameArgs{
		DomainName:            pulumi.String(d.Name),
		EndpointConfiguration: apigateway.DomainNameEndpointConfigurationArgs{Types: pulumi.String(g.args.Endpoint.Type)},
		SecurityPolicy:        pulumi.String(d.SecurityPolicy),
		Tags:                  g.tags(),
	}
	if g.args.Endpoint.Type == Edge {
		args.CertificateArn = arn
	} else {
		args.RegionalCertificateArn = arn
	}
	if d.TruststoreURI != nil {
		args.MutualTlsAuthentication = apigateway.DomainNameMutualTlsAuthenticationArgs{
			TruststoreUri: d.TruststoreURI, TruststoreVersion: ptr(d.TruststoreVersion),
		}
	}
	domain, err := apigateway.NewDomainName(ctx, g.name, args, pulumi.Parent(g))
	if err != nil {
		return err
	}
	if _, err := apigateway.NewBasePathMapping(ctx, g.name, &apigateway.BasePathMappingArgs{
		DomainName: domain.DomainName, RestApi: api.ID(), StageName: stage.StageName, BasePath: optional(d.BasePath),
	}, pulumi.Parent(g)); err != nil {
		return err
	}
	return g.domainRecord(ctx, domain)
}

func (g *Gateway) domainRecord(ctx *pulumi.Context, domain *apigateway.DomainName) error {
	target, zone := domain.RegionalDomainName, domain.RegionalZoneId
	if g.args.Endpoint.Type == Edge {
		target, zone = domain.CloudfrontDomainName, domain.CloudfrontZoneId
	}
	g.DomainTarget = target
	if g.args.Domain.HostedZoneID == nil {
		return nil
	}
	_, err := route53.NewRecord(ctx, g.name, &route53.RecordArgs{
		ZoneId: g.args.Domain.HostedZoneID, Name: pulumi.String(g.args.Domain.Name), Type: pulumi.String("A"),
		Aliases: route53.RecordAliasArray{route53.RecordAliasArgs{Name: target, ZoneId: zone, EvaluateTargetHealth: pulumi.Bool(false)}},
	}, pulumi.Parent(g))
	return err
}

// certificate is the given one, or one that is requested and proved through the hosted zone.
func (g *Gateway) certificate(ctx *pulumi.Context) (pulumi.StringPtrInput, error) {
	if arn := g.args.Domain.CertificateARN; arn != nil {
		return ptr(arn), nil
	}
	where := []pulumi.ResourceOption{pulumi.Parent(g)}
	if g.args.certificateElsewhere(g.args.Location.Region) {
		where = append(where, pulumi.Provider(g.args.CertificateProvider))
	}
	requested, err := acm.NewCertificate(ctx, g.name, &acm.CertificateArgs{
		DomainName: pulumi.String(g.args.Domain.Name), ValidationMethod: pulumi.String("DNS"), Tags: g.tags(),
	}, where...)
	if err != nil {
		return nil, err
	}
	proof := requested.DomainValidationOptions.Index(pulumi.Int(0))
	record, err := route53.NewRecord(ctx, g.name+"-certificate", &route53.RecordArgs{
		ZoneId:         g.args.Domain.HostedZoneID,
		Name:           proof.ResourceRecordName().Elem(),
		Type:           proof.ResourceRecordType().Elem(),
		Records:        pulumi.StringArray{proof.ResourceRecordValue().Elem()},
		Ttl:            pulumi.Int(60),
		AllowOverwrite: pulumi.Bool(true),
		// A name has one such record for all its certificates, renewed ones and those of other stacks: it stays.
		// https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html
	}, pulumi.Parent(g), pulumi.RetainOnDelete(true))
	if err != nil {
		return nil, err
	}
	valid, err := acm.NewCertificateValidation(ctx, g.name, &acm.CertificateValidationArgs{
		CertificateArn: requested.Arn, ValidationRecordFqdns: pulumi.StringArray{record.Fqdn},
	}, where...)
	if err != nil {
		return nil, err
	}
	return valid.CertificateArn.ToStringPtrOutput(), nil
}

func optional(text string) pulumi.StringPtrInput {
	if text == "" {
		return nil
	}
	return pulumi.String(text)
}

package gateway

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigateway"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// domain gives the API a name of its own, below which the stage's name is no part of the path.
// The DNS record is the owner's to make: it points to DomainTarget.
func (g *Gateway) domain(ctx *pulumi.Context, api *apigateway.RestApi, stage *apigateway.Stage) error {
	g.DomainTarget = pulumi.String("").ToStringOutput()
	if g.args.DomainName == "" {
		return nil
	}
	domain, err := apigateway.NewDomainName(ctx, g.name, &apigateway.DomainNameArgs{
		DomainName:             pulumi.String(g.args.DomainName),
		RegionalCertificateArn: pulumi.String(g.args.CertificateARN),
		EndpointConfiguration:  apigateway.DomainNameEndpointConfigurationArgs{Types: pulumi.String("REGIONAL")},
		SecurityPolicy:         pulumi.String("TLS_1_2"),
		Tags:                   g.tags(),
	}, pulumi.Parent(g))
	if err != nil {
		return err
	}
	g.DomainTarget = domain.RegionalDomainName
	_, err = apigateway.NewBasePathMapping(ctx, g.name, &apigateway.BasePathMappingArgs{
		DomainName: domain.DomainName, RestApi: api.ID(), StageName: stage.StageName,
	}, pulumi.Parent(g))
	return err
}

package deploy

import (
	"github.com/apigateway-ingress/apigateway-ingress/components/gateway"
	"github.com/apigateway-ingress/apigateway-ingress/components/platform"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// certificateRegion is where certificates for edge endpoints are: CloudFront takes them from there.
const certificateRegion = "us-east-1"

// providerSettings are those of the stack's AWS provider that hold in every region.
var providerSettings = []string{
	"accessKey", "allowedAccountIds", "assumeRole", "assumeRoleWithWebIdentity", "assumeRoles", "customCaBundle", "defaultTags",
	"forbiddenAccountIds",
	"httpProxy", "httpsProxy", "ignoreTags", "maxRetries", "noProxy", "profile", "retryMode", "secretKey", "sharedConfigFiles",
	"sharedCredentialsFiles", "token", "useDualstackEndpoint", "useFipsEndpoint",
}

// certificateProvider is AWS in the region of edge certificates, with the stack's credentials and default tags; nil
// where none is requested there.
func (s *Settings) certificateProvider(ctx *pulumi.Context) (pulumi.ProviderResource, error) {
	g := s.Platform.Gateway
	requested := g.RequestsCertificate() || s.Platform.Hosts == platform.Auto || s.Platform.Hosts == platform.Each
	if g.Endpoint.Type != gateway.Edge || !requested || s.Region == certificateRegion {
		return nil, nil
	}
	inputs := pulumi.Map{"region": pulumi.String(certificateRegion)}
	for _, name := range providerSettings {
		if value, ok := ctx.GetConfig("aws:" + name); ok {
			if inputs[name] = pulumi.String(value); ctx.IsConfigSecret("aws:" + name) {
				inputs[name] = pulumi.ToSecret(pulumi.String(value)).(pulumi.StringOutput)
			}
		}
	}
	// The SDK's constructor takes objects; config has them as the JSON that the provider reads as well.
	provider := &aws.Provider{}
	return provider, ctx.RegisterResource("pulumi:providers:aws", s.Name+"-"+certificateRegion, inputs, provider)
}

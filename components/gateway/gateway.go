// Package gateway declares what stands in front of the cluster: an internal Network Load Balancer, the VPC link to it,
// and a REST API with one stage. Methods require AWS_IAM unless their route says otherwise.
//
// The API's definition is one OpenAPI document, so the number of resources does not grow with the
// routes. Its resource policy is the RestApi's own: a separate policy resource would be lost
// whenever the document changes.
package gateway

import (
	"errors"
	"regexp"

	"github.com/apigateway-ingress/apigateway-ingress/components/change"
	"github.com/apigateway-ingress/apigateway-ingress/components/iamrole"
	"github.com/apigateway-ingress/apigateway-ingress/components/location"
	"github.com/apigateway-ingress/apigateway-ingress/components/network"
	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/openapi"
	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/apigateway-ingress/apigateway-ingress/components/target"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigateway"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const typeToken = "apigateway-ingress:gateway:Gateway"

// apiTitle is in the definition, of which a deployment keeps a copy: a name there would make another deployment when the
// component is renamed. The API's own name is its resource's.
const apiTitle = "apigateway-ingress"

// maxNameLength leaves room for a suffix within the 32 characters of a load balancer's name.
const maxNameLength = 20

// Args describe the gateway.
type Args struct {
	Settings
	// Origin is the secret that proves to the proxy that a request came through this API; nil sends none.
	Origin pulumi.StringInput `pulumi:"origin,optional"`
	// Routes are what the API serves. Required.
	Routes *route.Table
	// PassHeaders are headers of clients with a dot or an underscore in their names that the proxy hands on: its own list.
	PassHeaders []string `pulumi:"passHeaders,optional"`
	// Network is where the load balancer stands, with one private subnet a zone. Required.
	Network network.VPC `pulumi:"network"`
	// Target is what the load balancer sends requests to. Required.
	Target target.Target `pulumi:"target"`
	// Location is where the API is. Default that of the AWS provider.
	Location location.Location `pulumi:"location,optional"`
	// IAM is how the client user and the role for logging are made.
	IAM iamrole.Settings `pulumi:"iam,optional"`
	// CertificateProvider is AWS's provider for us-east-1, where the certificate of an edge endpoint's domain is
	// requested; only an API of another region needs one.
	CertificateProvider pulumi.ProviderResource
	// Tags are put on every resource.
	Tags pulumi.StringMapInput `pulumi:"tags,optional"`
}

// Gateway is the published API.
type Gateway struct {
	pulumi.ResourceState

	// Endpoint is the invoke URL including the stage.
	Endpoint   pulumi.StringOutput `pulumi:"endpoint"`
	RestAPIID  pulumi.IDOutput     `pulumi:"restApiId"`
	StageName  pulumi.StringOutput `pulumi:"stageName"`
	VpcLinkID  pulumi.IDOutput     `pulumi:"vpcLinkId"`
	NLBDNSName pulumi.StringOutput `pulumi:"nlbDnsName"`
	// VPCEndpointID is the endpoint that was made for a PRIVATE API, which others in the VPC may name; empty without one.
	VPCEndpointID pulumi.StringOutput `pulumi:"vpcEndpointId"`
	// DeploymentID is the newest deployment, for a later canary or a way back.
	DeploymentID pulumi.IDOutput `pulumi:"deploymentId"`
	// APIKeys are the values of the usage plans' keys by name, secret.
	APIKeys pulumi.StringMapOutput `pulumi:"apiKeys"`
	// DomainTarget is where a DNS record for the domain name must point; empty without a domain.
	DomainTarget pulumi.StringOutput `pulumi:"domainTarget"`
	// DomainTargets are the same for each of the API's domain names.
	DomainTargets pulumi.StringMapOutput `pulumi:"domainTargets"`
	// ClientAccessKeyID and ClientSecretAccessKey belong to the client user; empty without one. The second is secret.
	ClientAccessKeyID     pulumi.StringOutput `pulumi:"clientAccessKeyId"`
	ClientSecretAccessKey pulumi.StringOutput `pulumi:"clientSecretAccessKey"`

	name string
	args Args
}

var gatewayName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*$`)

// Complete puts in the defaults and reports every problem of the arguments, those that depend on the region only where
// Location names it. Whether there is a network and a target is for New to say.
func (a Args) Complete(name string) (Args, error) {
	a.Settings = a.Settings.complete()
	var p settings.Problems
	p.When(len(name) > maxNameLength, "name %q has %d characters: a load balancer's name leaves room for %d", name, len(name), maxNameLength)
	p.When(!gatewayName.MatchString(name), "name %q is not valid: use letters, digits and hyphens, with a letter first", name)
	p.In("Location", a.Location.Validate())
	p.In("IAM", a.IAM.Validate())
	p.Add(a.checkIn(a.Location.Region))
	return a, p.Err()
}

// checkIn looks at what depends on the region as well, where it is known.
func (a Args) checkIn(region string) error {
	var p settings.Problems
	p.When(a.certificateElsewhere(region) && a.CertificateProvider == nil,
		"{CertificateProvider} is required: the certificate of an EDGE domain is requested in us-east-1")
	p.Add(a.check(region, a.Routes))
	return p.Err()
}

// certificateElsewhere says whether a certificate is requested in another region than the API's.
func (a Args) certificateElsewhere(region string) bool {
	return a.RequestsCertificate() && a.Endpoint.Type == Edge && region != "" && region != edgeCertificateRegion
}

// missing reports what must be given besides the settings.
func (a Args) missing() error {
	var p settings.Problems
	p.When(a.Routes == nil, "{Routes} is required")
	p.When(a.Network.ID == nil, "{Network.ID} is required: take a network's VPC()")
	p.When(a.Network.PrivateSubnetIDs == nil, "{Network.PrivateSubnetIDs} is required: take a network's VPC()")
	p.When(a.Target.Nodes.SecurityGroupID == nil, "{Target.Nodes.SecurityGroupID} is required: take a proxy's Target()")
	if a.Balancer.TargetType == IP {
		pods := a.Target.Pods
		p.When(pods.Namespace == nil || pods.ServiceName == nil || pods.ServicePort == nil || pods.Port == nil,
			"{Target.Pods} needs all its fields for targets of the type ip: take a proxy's Target()")
		return p.Err()
	}
	p.When(a.Target.Nodes.AutoScalingGroups == nil, "{Target.Nodes.AutoScalingGroups} is required for targets of the type instance: "+
		"take a proxy's Target()")
	p.When(a.Target.NodePort == nil, "{Target.NodePort} is required for targets of the type instance: take a proxy's Target()")
	return p.Err()
}

// New declares the gateway.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Gateway, error) {
	if args == nil {
		args = &Args{}
	}
	a, err := args.Complete(name)
	if err := errors.Join(a.missing(), err); err != nil {
		return nil, settings.Named("gateway", name, err)
	}
	guard, err := change.GuardWithOutputs(ctx, typeToken, name, mayChange)
	if err != nil {
		return nil, err
	}
	g := &Gateway{name: name}
	// A component waits for its inputs, and its parts wait for the component. What comes from the cluster is left out, so that
	// the load balancer, the VPC link and the API are made beside the cluster and not after it.
	recorded := a
	recorded.Target = target.Target{}
	inputs := settings.Inputs(recorded)
	inputs[servedInput] = a.served()
	if err := ctx.RegisterComponentResourceV2(typeToken, name, inputs, g, append(opts, guard)...); err != nil {
		return nil, err
	}
	if a.Location, err = a.Location.Resolve(ctx, pulumi.Parent(g)); err == nil {
		err = a.checkIn(a.Location.Region)
	}
	if err != nil {
		return nil, settings.Named("gateway", name, err)
	}
	g.args = a
	if err := g.declare(ctx); err != nil {
		return nil, settings.Named("gateway", name, err)
	}
	access, err := g.args.Settings.Record(g.args.Routes).Text()
	if err != nil {
		return nil, settings.Named("gateway", name, err)
	}
	return g, ctx.RegisterResourceOutputs(g, pulumi.Map{
		AccessOutput:            pulumi.String(access),
		"endpoint":              g.Endpoint,
		"restApiId":             g.RestAPIID,
		"stageName":             g.StageName,
		"vpcLinkId":             g.VpcLinkID,
		"nlbDnsName":            g.NLBDNSName,
		"vpcEndpointId":         g.VPCEndpointID,
		"deploymentId":          g.DeploymentID,
		"apiKeys":               g.APIKeys,
		"domainTarget":          g.DomainTarget,
		"domainTargets":         g.DomainTargets,
		"clientAccessKeyId":     g.ClientAccessKeyID,
		"clientSecretAccessKey": g.ClientSecretAccessKey,
	})
}

// AccessOutput is the output of the component that holds its AccessRecord.
const AccessOutput = "access"

func (g *Gateway) declare(ctx *pulumi.Context) error {
	balancer, err := g.loadBalancer(ctx)
	if err != nil {
		return err
	}
	g.NLBDNSName = balancer.DnsName
	link, err := g.vpcLink(ctx, balancer)
	if err != nil {
		return err
	}
	g.VpcLinkID = link.ID()
	user, err := g.clientUser(ctx)
	if err != nil {
		return err
	}
	endpoints, err := g.vpcEndpoints(ctx)
	if err != nil {
		return err
	}
	args := g.restAPIArgs(g.definition(link, balancer, endpoints), g.resourcePolicy(user, endpoints), endpoints)
	api, err := apigateway.NewRestApi(ctx, g.name, args, pulumi.Parent(g))
	if err != nil {
		return err
	}
	g.RestAPIID = api.ID()
	permissions, err := g.functionPermissions(ctx, api)
	if err != nil {
		return err
	}
	keys, err := g.apiKeys(ctx)
	if err != nil {
		return err
	}
	stage, logs, err := g.stage(ctx, api, frozen(args, keys.ids()), append(permissions, balancer.ready))
	if err != nil {
		return err
	}
	seen := watched{api, stage, balancer, logs}
	for _, declare := range []func() error{
		func() error { return g.domains(ctx, api, stage) },
		func() error { return g.webACL(ctx, stage) },
		func() error { return g.usagePlans(ctx, api, stage, keys) },
		func() error { return g.alarms(ctx, seen) },
		func() error { return g.dashboard(ctx, seen) },
	} {
		if err := declare(); err != nil {
			return err
		}
	}
	return g.clientKey(ctx, api, user)
}

func (g *Gateway) restAPIArgs(definition, policy pulumi.StringOutput, endpoints pulumi.StringArrayOutput) *apigateway.RestApiArgs {
	endpoint := apigateway.RestApiEndpointConfigurationArgs{Types: pulumi.String(g.args.Endpoint.Type)}
	if g.args.Endpoint.Type == Private {
		endpoint.VpcEndpointIds = endpoints
	}
	args := &apigateway.RestApiArgs{
		Description:           pulumi.String("ingress of the services behind " + g.name),
		Body:                  definition,
		Policy:                policy,
		EndpointConfiguration: endpoint,
		// What AWS would leave out of the definition with a warning is an error.
		FailOnWarnings: pulumi.Bool(true),
		Tags:           g.tags(),
	}
	if g.args.Domain.OnlyDomain {
		args.DisableExecuteApiEndpoint = pulumi.Bool(true)
	}
	return args
}

func (g *Gateway) tags() pulumi.StringMapInput { return g.args.Tags }

// definition is the OpenAPI document, rendered once the link and the balancer are known.
func (g *Gateway) definition(link *apigateway.VpcLink, balancer nlb, endpoints pulumi.StringArrayOutput) pulumi.StringOutput {
	return pulumi.All(link.ID(), balancer.DnsName, endpoints, g.origin(), g.listenerPort()).ApplyT(func(values []any) (string, error) {
		way := openapi.PrivateLink{ConnectionID: string(values[0].(pulumi.ID)), Host: values[1].(string), Port: values[4].(int)}
		if g.args.Balancer.CertificateARN != nil {
			way.Host, way.TLS = g.args.Balancer.ServerName, true
		}
		document, err := openapi.Render(g.args.Routes, openapi.Document{
			Title: apiTitle, Link: way, Origin: values[3].(string), Responses: g.args.Responses, VPCEndpointIDs: values[2].([]string),
			OnlyDomain:  g.args.Domain.OnlyDomain,
			PassHeaders: g.args.PassHeaders,
		})
		return string(document), err
	}).(pulumi.StringOutput)
}

func (g *Gateway) origin() pulumi.StringInput {
	if g.args.Origin == nil {
		return pulumi.String("")
	}
	return g.args.Origin
}

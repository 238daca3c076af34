// Package gateway declares what stands in front of the cluster: an internal Network Load Balancer,
// the VPC link to it, and a REST API with one stage whose every method requires AWS_IAM.
//
// The API's definition is one OpenAPI document, so the number of resources does not grow with the
// routes. Its resource policy is the RestApi's own: a separate policy resource would be lost
// whenever the document changes.
package gateway

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/apigateway-ingress/apigateway-ingress/components/iamrole"
	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/openapi"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigateway"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const typeToken = "apigateway-ingress:gateway:Gateway"

// maxNameLength leaves room for a suffix within the 32 characters of a load balancer's name.
const maxNameLength = 20

// Args describe the gateway.
type Args struct {
	Settings
	// Routes are what the API serves.
	Routes *route.Table
	// VpcID and SubnetIDs place the load balancer, one subnet a zone. VpcCIDR is the VPC's range; only the endpoint
	// of a private API needs it.
	VpcID, VpcCIDR pulumi.StringInput
	SubnetIDs      pulumi.StringArrayInput
	// Nodes receive the requests, or with targets of type ip, Pods on them.
	Nodes Nodes
	Pods  Pods
	// Partition is the AWS partition. Default aws. Region is the API's.
	Partition, Region string
	// IAM is how the client user and the role for logging are made.
	IAM iamrole.Settings
	// CertificateProvider is AWS's provider for us-east-1, where the certificate of an edge endpoint's domain is
	// requested; only an API of another region needs one.
	CertificateProvider *aws.Provider
	// Tags are put on every resource.
	Tags map[string]string
}

// Nodes are the instances behind the load balancer.
type Nodes struct {
	// SecurityGroupID is the nodes' security group; it is opened for the load balancer alone.
	SecurityGroupID pulumi.StringInput
	// AutoScalingGroups are those whose instances become targets.
	AutoScalingGroups []pulumi.StringInput
	// NodePort is the proxy's port on every node.
	NodePort int
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
	// DeploymentID is the newest deployment, for a later canary or a way back.
	DeploymentID pulumi.IDOutput `pulumi:"deploymentId"`
	// APIKeys are the values of the usage plans' keys by name, secret.
	APIKeys pulumi.StringMapOutput `pulumi:"apiKeys"`
	// DomainTarget is where a DNS record for the domain name must point; empty without a domain.
	DomainTarget pulumi.StringOutput `pulumi:"domainTarget"`
	// ClientAccessKeyID and ClientSecretAccessKey belong to the client user; empty without one. The second is secret.
	ClientAccessKeyID     pulumi.StringOutput `pulumi:"clientAccessKeyId"`
	ClientSecretAccessKey pulumi.StringOutput `pulumi:"clientSecretAccessKey"`

	name string
	args Args
}

var gatewayName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*$`)

// Validate reports every problem of the arguments.
func (a Args) Validate(name string) error {
	var problems []error
	if len(name) > maxNameLength {
		problems = append(problems, fmt.Errorf("name %q has %d characters: a load balancer's name leaves room for %d", name, len(name), maxNameLength))
	}
	if !gatewayName.MatchString(name) {
		problems = append(problems, fmt.Errorf("name %q is not valid: use letters, digits and hyphens, with a letter first", name))
	}
	if a.certificateElsewhere() && a.CertificateProvider == nil {
		problems = append(problems, errors.New("CertificateProvider is not set: the certificate of an EDGE domain is requested in us-east-1"))
	}
	problems = append(problems, a.Settings.Validate(a.Region, a.Routes), a.IAM.Validate())
	return errors.Join(problems...)
}

// certificateElsewhere says whether a certificate is requested in another region than the API's.
func (a Args) certificateElsewhere() bool {
	return a.Domain.Name != "" && a.Domain.CertificateARN == "" && a.Endpoint.Type == Edge && a.Region != edgeCertificateRegion
}

func (a Args) withDefaults() Args {
	a.Settings = a.Settings.withDefaults()
	orElse(&a.Partition, "aws")
	return a
}

// New declares the gateway.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Gateway, error) {
	if err := args.Validate(name); err != nil {
		return nil, err
	}
	g := &Gateway{name: name, args: args.withDefaults()}
	inputs := pulumi.Map{
		"endpointType": pulumi.String(g.args.Endpoint.Type),
		"accessMode":   pulumi.String(g.args.Access.Mode),
		"clientArns":   pulumi.ToStringArray(g.args.Access.ClientARNs),
		"clientUser":   pulumi.Bool(g.args.Access.ClientUser),
		"stageName":    pulumi.String(g.args.Stage.Name),
		"domainName":   pulumi.String(g.args.Domain.Name),
		"nodePort":     pulumi.Int(g.args.Nodes.NodePort),
	}
	if err := ctx.RegisterComponentResourceV2(typeToken, name, inputs, g, opts...); err != nil {
		return nil, err
	}
	if err := g.declare(ctx); err != nil {
		return nil, fmt.Errorf("gateway %s: %w", name, err)
	}
	return g, ctx.RegisterResourceOutputs(g, pulumi.Map{
		"endpoint":              g.Endpoint,
		"restApiId":             g.RestAPIID,
		"stageName":             g.StageName,
		"vpcLinkId":             g.VpcLinkID,
		"nlbDnsName":            g.NLBDNSName,
		"deploymentId":          g.DeploymentID,
		"apiKeys":               g.APIKeys,
		"domainTarget":          g.DomainTarget,
		"clientAccessKeyId":     g.ClientAccessKeyID,
		"clientSecretAccessKey": g.ClientSecretAccessKey,
	})
}

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
	stage, logs, err := g.stage(ctx, api, frozen(args, keys.ids()), permissions)
	if err != nil {
		return err
	}
	seen := watched{api, stage, balancer, logs}
	for _, declare := range []func() error{
		func() error { return g.domain(ctx, api, stage) },
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

func (g *Gateway) tags() pulumi.StringMap { return pulumi.ToStringMap(g.args.Tags) }

// definition is the OpenAPI document, rendered once the link and the balancer are known.
func (g *Gateway) definition(link *apigateway.VpcLink, balancer nlb, endpoints pulumi.StringArrayOutput) pulumi.StringOutput {
	return pulumi.All(link.ID(), balancer.DnsName, endpoints).ApplyT(func(values []any) (string, error) {
		way := openapi.PrivateLink{ConnectionID: string(values[0].(pulumi.ID)), Host: values[1].(string)}
		if g.args.Balancer.CertificateARN != "" {
			way.Host, way.TLS = g.args.Balancer.ServerName, true
		}
		document, err := openapi.Render(g.args.Routes, openapi.Document{
			Title: g.name, Link: way, Responses: g.args.Responses, VPCEndpointIDs: values[2].([]string), OnlyDomain: g.args.Domain.OnlyDomain,
		})
		return string(document), err
	}).(pulumi.StringOutput)
}

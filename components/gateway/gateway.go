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
	"slices"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigateway"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const typeToken = "apigateway-ingress:gateway:Gateway"

// Defaults of a gateway.
const (
	DefaultStageName        = "prod"
	DefaultLogRetentionDays = 30
)

// maxNameLength leaves room for a suffix within the 32 characters of a load balancer's name.
const maxNameLength = 20

// logRetentions are the days that CloudWatch Logs accepts; 0 keeps logs for ever.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
var logRetentions = []int{0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

// Args describe the gateway.
type Args struct {
	// Routes are what the API serves.
	Routes *route.Table
	// VpcID and SubnetIDs place the load balancer, one subnet a zone.
	VpcID     pulumi.StringInput
	SubnetIDs pulumi.StringArrayInput
	// Nodes receive the requests.
	Nodes Nodes
	// StageName is the API's stage: letters, digits and underscores. Default prod.
	StageName string
	// ClientARNs may call the API: IAM users, roles, or a whole account by its root.
	ClientARNs []string
	// ClientUser makes an IAM user with an access key that may call the API as well.
	ClientUser bool
	// DomainName is the API's own name, *.name included, and CertificateARN the ACM certificate for it, in the
	// API's region. Both or none.
	DomainName, CertificateARN string
	// LogRetentionDays is how long access logs are kept, one of CloudWatch's values. Default 30.
	LogRetentionDays int
	// ManageAccountLogging sets the role with which API Gateway writes logs. It is one setting for the
	// whole account and region, so it is left alone by default, and never removed.
	ManageAccountLogging bool
	// Partition is the AWS partition. Default aws.
	Partition string
	// Tags are put on every resource.
	Tags map[string]string
}

// Nodes are the instances behind the load balancer.
type Nodes struct {
	// SecurityGroupID is the nodes' security group; it is opened for the load balancer alone.
	SecurityGroupID pulumi.StringInput
	// AutoScalingGroup is the group whose instances become targets.
	AutoScalingGroup pulumi.StringInput
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
	if a.StageName != "" {
		problems = append(problems, route.CheckStageName(a.StageName))
	}
	if len(a.ClientARNs) == 0 && !a.ClientUser {
		problems = append(problems, fmt.Errorf("nobody may call the API: set clientUser, clientArns or the annotation %sclient-arns", route.AnnotationPrefix))
	}
	for _, arn := range a.ClientARNs {
		problems = append(problems, route.CheckClientARN(arn))
	}
	if (a.DomainName == "") != (a.CertificateARN == "") {
		problems = append(problems, errors.New("a custom domain takes both a domain name and a certificate: set domainName and certificateArn, or the annotations custom-domain-name and certificate-arn"))
	}
	_, err := resourcePolicy(a.ClientARNs)
	problems = append(problems, err)
	if !slices.Contains(logRetentions, a.LogRetentionDays) {
		problems = append(problems, fmt.Errorf("logRetentionDays %d is not a value of CloudWatch Logs: choose one of %v", a.LogRetentionDays, logRetentions[1:]))
	}
	return errors.Join(problems...)
}

func (a Args) withDefaults() Args {
	if a.StageName == "" {
		a.StageName = DefaultStageName
	}
	if a.LogRetentionDays == 0 {
		a.LogRetentionDays = DefaultLogRetentionDays
	}
	if a.Partition == "" {
		a.Partition = "aws"
	}
	return a
}

// New declares the gateway.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Gateway, error) {
	if err := args.Validate(name); err != nil {
		return nil, err
	}
	g := &Gateway{name: name, args: args.withDefaults()}
	inputs := pulumi.Map{
		"stageName":        pulumi.String(g.args.StageName),
		"clientArns":       pulumi.ToStringArray(g.args.ClientARNs),
		"clientUser":       pulumi.Bool(g.args.ClientUser),
		"nodePort":         pulumi.Int(g.args.Nodes.NodePort),
		"logRetentionDays": pulumi.Int(g.args.LogRetentionDays),
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
	definition, policy := g.definition(link, balancer), g.resourcePolicy(user)
	api, err := apigateway.NewRestApi(ctx, g.name, &apigateway.RestApiArgs{
		Description:           pulumi.String("ingress of the services behind " + g.name),
		Body:                  definition,
		Policy:                policy,
		EndpointConfiguration: apigateway.RestApiEndpointConfigurationArgs{Types: pulumi.String("REGIONAL")},
		Tags:                  g.tags(),
	}, pulumi.Parent(g))
	if err != nil {
		return err
	}
	g.RestAPIID = api.ID()
	stage, err := g.stage(ctx, api, digest(definition, policy))
	if err != nil {
		return err
	}
	if err := g.domain(ctx, api, stage); err != nil {
		return err
	}
	return g.clientKey(ctx, api, user)
}

func (g *Gateway) tags() pulumi.StringMap { return pulumi.ToStringMap(g.args.Tags) }

// definition is the OpenAPI document, rendered once the link and the balancer are known.
func (g *Gateway) definition(link *apigateway.VpcLink, balancer nlb) pulumi.StringOutput {
	return pulumi.All(link.ID(), balancer.DnsName).ApplyT(func(values []any) (string, error) {
		id, dnsName := string(values[0].(pulumi.ID)), values[1].(string)
		document, err := g.args.Routes.OpenAPI(g.name, route.PrivateLink{ConnectionID: id, Host: dnsName})
		return string(document), err
	}).(pulumi.StringOutput)
}

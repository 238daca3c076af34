// Package componenttest lets unit tests look at what a program declares with these components, without an engine, AWS or
// a cluster:
//
//	graph := componenttest.Run(t, shop.Declare)
//	api := graph.One(t, "aws:apigateway/restApi:RestApi")
//
// A Graph is Pulumi's mocks: it records resources and gives them outputs that look like AWS's. With mocks of one's own,
// embed it and run Program:
//
//	type mocks struct{ componenttest.Graph }
//
//	func (m *mocks) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) { … return m.Graph.NewResource(args) }
//
//	err := pulumi.RunErr(componenttest.Program(shop.Declare), pulumi.WithMocks("shop", "test", &mocks{}))
package componenttest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Resource is one declared resource. Others are named by type and name, with a space between.
type Resource struct {
	Type, Name, Parent string
	Inputs             map[string]any
	// Provider is the URN and id of a provider that is not the default one.
	Provider string
	// DependsOn are the types and names of all resources that must exist before.
	DependsOn []string
	Options   Options
}

// Options are the resource options that matter to safety.
type Options struct{ RetainOnDelete, DeleteBeforeReplace bool }

// Graph is everything that a program declared.
type Graph struct {
	// Region and Partition are the AWS provider's. Default us-east-1 and aws.
	Region, Partition string
	// Functions answer what a program asks of providers itself, by token, and come before the answers of this package.
	Functions map[string]func(args resource.PropertyMap) (resource.PropertyMap, error)

	mu        sync.Mutex
	resources []Resource
	// cluster is the URN of what eks.Cluster refers to.
	cluster resource.URN
}

const controlPlane = "mocked-control-plane"

// Run executes a program that should succeed.
func Run(t testing.TB, program pulumi.RunFunc) *Graph {
	t.Helper()
	graph := &Graph{}
	if err := TryRun(graph, program); err != nil {
		t.Fatal(err)
	}
	return graph
}

// TryRun executes a program in a project and a stack of that name.
func TryRun(graph *Graph, program pulumi.RunFunc) error {
	return pulumi.RunErr(Program(program), pulumi.WithMocks("project", "stack", graph))
}

// Program is a program that can be run with a Graph as its mocks. The component eks.Cluster refers to a cluster that its
// provider would have made; mocks cannot, so it is made before.
func Program(program pulumi.RunFunc) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		cluster, err := eks.NewCluster(ctx, controlPlane, &eks.ClusterArgs{
			RoleArn: pulumi.String("arn:aws:iam::111122223333:role/eks"), VpcConfig: eks.ClusterVpcConfigArgs{SubnetIds: pulumi.StringArray{}},
		})
		if err != nil {
			return err
		}
		// Registering goes on beside the program, which may be quicker.
		registered := make(chan struct{})
		cluster.ID().ApplyT(func(pulumi.ID) pulumi.ID { close(registered); return "" })
		<-registered
		return program(ctx)
	}
}

// NewResource records a resource and invents its outputs.
func (g *Graph) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	outputs := args.Inputs.Copy()
	id := args.Name + "-id"
	for name, value := range inventedOutputs(args.TypeToken, args.Name) {
		outputs[resource.PropertyKey(name)] = value
	}
	rpc := args.RegisterRPC
	if args.Name == controlPlane {
		stack := resource.URN(rpc.GetParent())
		g.cluster = resource.NewURN(stack.Stack(), stack.Project(), "", "aws:eks/cluster:Cluster", controlPlane)
		return id, outputs, nil
	}
	if args.TypeToken == "eks:index:Cluster" {
		outputs["eksCluster"] = resource.MakeCustomResourceReference(g.cluster, controlPlane+"-id", "")
	}
	recorded := Resource{
		Provider: args.Provider,
		Type:     args.TypeToken, Name: args.Name, Parent: nameOf(rpc.GetParent()), Inputs: args.Inputs.Mappable(),
		Options: Options{RetainOnDelete: rpc.GetRetainOnDelete(), DeleteBeforeReplace: rpc.GetDeleteBeforeReplace()},
	}
	for _, urn := range rpc.GetDependencies() {
		recorded.DependsOn = append(recorded.DependsOn, nameOf(urn))
	}
	slices.Sort(recorded.DependsOn)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.resources = append(g.resources, recorded)
	return id, outputs, nil
}

// Call answers the questions that components ask of the AWS provider, and those that Functions know.
func (g *Graph) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	if answer := g.Functions[args.Token]; answer != nil {
		return answer(args.Args)
	}
	region := cmp.Or(g.Region, "us-east-1")
	answers := map[string]map[string]any{
		"aws:index/getRegion:getRegion":                 {"name": region},
		"aws:index/getPartition:getPartition":           {"partition": cmp.Or(g.Partition, "aws")},
		"aws:index/getCallerIdentity:getCallerIdentity": {"accountId": "111122223333"},
		"aws:index/getAvailabilityZones:getAvailabilityZones": {
			"names": []any{region + "a", region + "b", region + "c"}, "zoneIds": []any{"az1", "az2", "az4"},
		},
		"aws:ec2/getVpc:getVpc":                   {"cidrBlock": "10.0.0.0/16"},
		"aws:ec2/getInstances:getInstances":       {"ids": []any{}},
		"aws:eks/getAddonVersion:getAddonVersion": {"version": "v" + textOf(args.Args["kubernetesVersion"]) + ".0-eksbuild.1"},
	}
	answer, known := answers[args.Token]
	if !known {
		return nil, fmt.Errorf("componenttest knows no answer of %s: add one to Functions", args.Token)
	}
	return resource.NewPropertyMapFromMap(answer), nil
}

func textOf(value resource.PropertyValue) string {
	if !value.IsString() {
		return ""
	}
	return value.StringValue()
}

func inventedOutputs(token, name string) map[string]resource.PropertyValue {
	text := resource.NewStringProperty
	arn := map[string]resource.PropertyValue{"arn": text("arn:aws:mock:us-east-1:111122223333:" + name)}
	switch token {
	case "aws:iam/user:User":
		return map[string]resource.PropertyValue{"arn": text("arn:aws:iam::111122223333:user/" + name), "name": text(name)}
	case "aws:iam/role:Role":
		return map[string]resource.PropertyValue{"arn": text("arn:aws:iam::111122223333:role/" + name), "name": text(name)}
	case "aws:iam/accessKey:AccessKey":
		return map[string]resource.PropertyValue{"secret": resource.MakeSecret(text("the secret key"))}
	case "aws:lb/loadBalancer:LoadBalancer":
		arn["dnsName"] = text("nlb.example.com")
	case "aws:apigateway/restApi:RestApi":
		arn["executionArn"] = text("arn:aws:execute-api:us-east-1:111122223333:" + name)
	case "aws:apigateway/domainName:DomainName":
		arn["regionalDomainName"], arn["regionalZoneId"] = text("regional.example.com"), text("Z1UJRXOUMOOFQ8")
		arn["cloudfrontDomainName"], arn["cloudfrontZoneId"] = text("cloudfront.example.com"), text("Z2FDTNDATAQYW2")
	case "aws:acm/certificate:Certificate":
		arn["domainValidationOptions"] = resource.NewPropertyValue([]any{map[string]any{
			"resourceRecordName": "_proof.api.example.com", "resourceRecordType": "CNAME", "resourceRecordValue": "_value.example.com",
		}})
	case "aws:route53/record:Record":
		arn["fqdn"] = text("fqdn.example.com")
	case "aws:ec2/eip:Eip":
		arn["allocationId"] = text("eipalloc-1")
	case "aws:ec2/launchTemplate:LaunchTemplate":
		arn["latestVersion"] = resource.NewNumberProperty(1)
	case "aws:eks/nodeGroup:NodeGroup":
		arn["resources"] = resource.NewPropertyValue([]any{map[string]any{"autoscalingGroups": []any{map[string]any{"name": "eks-asg"}}}})
	case "aws:eks/cluster:Cluster":
		arn["name"], arn["version"] = text("control-plane"), text("1.36")
	case "eks:index:Cluster":
		return map[string]resource.PropertyValue{
			"nodeSecurityGroupId": text("sg-nodes"),
			"kubeconfigJson":      text("{}"),
			"oidcProviderArn":     text("arn:aws:iam::111122223333:oidc-provider/oidc.example.com/id/1"),
			"oidcIssuer":          text("oidc.example.com/id/1"),
		}
	}
	return arn
}

func nameOf(urn string) string {
	if parsed := resource.URN(urn); parsed.IsValid() {
		return string(parsed.Type()) + " " + parsed.Name()
	}
	return ""
}

// Resources are all of them, in the order in which they were declared.
func (g *Graph) Resources() []Resource {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.resources)
}

// All lists the resources of a type.
func (g *Graph) All(token string) []Resource {
	g.mu.Lock()
	defer g.mu.Unlock()
	var found []Resource
	for _, r := range g.resources {
		if r.Type == token || token == "" {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b Resource) int { return strings.Compare(a.Name, b.Name) })
	return found
}

// One is the only resource of a type.
func (g *Graph) One(t testing.TB, token string) Resource {
	t.Helper()
	found := g.All(token)
	if len(found) != 1 {
		t.Fatalf("%d resources are of type %s, not one:\n%s", len(found), token, g.Tree())
	}
	return found[0]
}

// JSON renders inputs for comparison with a literal.
func (r Resource) JSON(t testing.TB, names ...string) string {
	t.Helper()
	chosen := map[string]any{}
	for _, name := range names {
		chosen[name] = r.Inputs[name]
	}
	return encode(t, chosen)
}

func encode(t testing.TB, value any) string {
	t.Helper()
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

// Tree prints type, name and parent of everything, sorted: the shape of a component.
func (g *Graph) Tree() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var lines []string
	for _, r := range g.resources {
		lines = append(lines, fmt.Sprintf("%s %s < %s\n", r.Type, r.Name, r.Parent))
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// Everything prints all resources with their inputs, sorted.
func (g *Graph) Everything(t testing.TB) string {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	var lines []string
	for _, r := range g.resources {
		lines = append(lines, encode(t, r)+"\n")
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

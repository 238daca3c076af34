// Package cluster declares the EKS cluster and the managed node group that runs its pods.
package cluster

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/apigateway-ingress/apigateway-ingress/components/change"
	"github.com/apigateway-ingress/apigateway-ingress/components/iamrole"
	"github.com/apigateway-ingress/apigateway-ingress/components/location"
	"github.com/apigateway-ingress/apigateway-ingress/components/network"
	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/apigateway-ingress/apigateway-ingress/components/target"
	"github.com/pulumi/pulumi-eks/sdk/v3/go/eks"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const typeToken = "apigateway-ingress:cluster:Cluster"

// nodePolicies let a node join the cluster, configure pod networking and pull images.
// https://docs.aws.amazon.com/eks/latest/userguide/create-node-role.html
var nodePolicies = []string{"AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryPullOnly"}

// Args describe the cluster.
type Args struct {
	Settings
	// Network is where a new cluster stands; nodes get private subnets only.
	Network network.VPC `pulumi:"network,optional"`
	// NetworkPolicies lets the network add-on enforce the NetworkPolicies of the cluster. An existing cluster keeps what
	// it has.
	NetworkPolicies bool `pulumi:"networkPolicies,optional"`
	// Location is where the cluster is. Default that of the AWS provider.
	Location location.Location `pulumi:"location,optional"`
	// IAM is how the roles of control plane and nodes are made.
	IAM iamrole.Settings `pulumi:"iam,optional"`
	// Tags are put on every resource.
	Tags pulumi.StringMapInput `pulumi:"tags,optional"`
}

// Cluster is an EKS cluster with its nodes.
type Cluster struct {
	pulumi.ResourceState

	Name pulumi.StringOutput `pulumi:"name"`
	// NodeSecurityGroupID is the security group of the nodes.
	NodeSecurityGroupID pulumi.StringOutput `pulumi:"nodeSecurityGroupId"`
	// AutoScalingGroups are the names of the node groups' Auto Scaling groups.
	AutoScalingGroups pulumi.StringArrayOutput `pulumi:"autoScalingGroups"`
	NodeRoleARN       pulumi.StringOutput      `pulumi:"nodeRoleArn"`
	NodeRoleName      pulumi.StringOutput      `pulumi:"nodeRoleName"`
	// OIDCProviderARN and OIDCIssuer identify the cluster's service accounts to IAM; the issuer has no scheme.
	OIDCProviderARN pulumi.StringOutput `pulumi:"oidcProviderArn"`
	OIDCIssuer      pulumi.StringOutput `pulumi:"oidcIssuer"`

	// Kubernetes is the provider for objects in the cluster.
	Kubernetes *kubernetes.Provider
	// NodeGroups are the groups that the component makes: pods become ready only after them. None of an existing cluster.
	NodeGroups []pulumi.Resource

	groups pulumi.StringMap
	// version is what the control plane runs; what follows it waits for it.
	version pulumi.StringOutput
}

// Nodes are the cluster's nodes, for a proxy or a gateway.
func (c *Cluster) Nodes() target.Nodes {
	return target.Nodes{SecurityGroupID: c.NodeSecurityGroupID, AutoScalingGroups: c.groups}
}

// Complete puts in the defaults and reports every problem of the arguments. Whether there is a network is for New to
// say.
func (a Args) Complete() (Args, error) {
	a.Settings = a.Settings.complete()
	var p settings.Problems
	p.In("Location", a.Location.Validate())
	p.In("IAM", a.IAM.Validate())
	p.Add(a.check())
	return a, p.Err()
}

func (a Args) missing() error {
	var p settings.Problems
	p.When(a.Existing == nil && a.Network.ID == nil, "{Network.ID} is required: take a network's VPC()")
	p.When(a.Existing == nil && a.Network.PrivateSubnetIDs == nil, "{Network.PrivateSubnetIDs} is required: take a network's VPC()")
	return p.Err()
}

// New declares the cluster: API access entries instead of the aws-auth ConfigMap, an OIDC provider
// for service accounts, and nodes with IMDSv2, hop limit 1 and encrypted disks.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Cluster, error) {
	if args == nil {
		args = &Args{}
	}
	a, err := args.Complete()
	if err := errors.Join(a.missing(), err); err != nil {
		return nil, settings.Named("cluster", name, err)
	}
	c := &Cluster{groups: pulumi.StringMap{}}
	inputs := settings.Inputs(a)
	// Which cluster it is must not change; mayChange looks at its name.
	inputs["existing"] = pulumi.String(a.existingName())
	guard, err := change.Guard(ctx, typeToken, name, mayChange)
	if err != nil {
		return nil, err
	}
	if err := ctx.RegisterComponentResourceV2(typeToken, name, inputs, c, append(opts, guard)...); err != nil {
		return nil, err
	}
	if a.Location, err = a.Location.Resolve(ctx, pulumi.Parent(c)); err != nil {
		return nil, settings.Named("cluster", name, err)
	}
	declare := c.create
	if a.Existing != nil {
		declare = c.adopt
	}
	if err := declare(ctx, name, a); err != nil {
		return nil, settings.Named("cluster", name, err)
	}
	var groups pulumi.StringArray
	for _, name := range slices.Sorted(maps.Keys(c.groups)) {
		groups = append(groups, c.groups[name])
	}
	c.AutoScalingGroups = groups.ToStringArrayOutput()
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{
		"name":                c.Name,
		"nodeSecurityGroupId": c.NodeSecurityGroupID,
		"autoScalingGroups":   c.AutoScalingGroups,
		"nodeRoleArn":         c.NodeRoleARN,
		"nodeRoleName":        c.NodeRoleName,
		"oidcProviderArn":     c.OIDCProviderARN,
		"oidcIssuer":          c.OIDCIssuer,
	})
}

// firstTwo are what the control plane gets: it needs two zones, and EKS takes no other zones later, while nodes and load
// balancer may move to a third. https://github.com/aws/containers-roadmap/issues/2330
func firstTwo(ids pulumi.StringArrayInput) pulumi.StringArrayOutput {
	if ids == nil {
		return pulumi.StringArray{}.ToStringArrayOutput()
	}
	return ids.ToStringArrayOutput().ApplyT(func(all []string) []string { return all[:min(2, len(all))] }).(pulumi.StringArrayOutput)
}

func (c *Cluster) create(ctx *pulumi.Context, name string, a Args) error {
	if err := c.controlPlane(ctx, name, a); err != nil {
		return err
	}
	if err := c.accessEntries(ctx, name, a); err != nil {
		return fmt.Errorf("access entries: %w", err)
	}
	if err := c.nodeGroups(ctx, name, a); err != nil {
		return fmt.Errorf("nodes: %w", err)
	}
	return c.addons(ctx, name, a)
}

func (c *Cluster) controlPlane(ctx *pulumi.Context, name string, a Args) error {
	role, err := c.serviceRole(ctx, name, a)
	if err != nil {
		return fmt.Errorf("role: %w", err)
	}
	authentication := eks.AuthenticationModeApi
	yes, no := true, false
	args := &eks.ClusterArgs{
		ServiceRole:                  role,
		VpcId:                        a.Network.ID.ToStringOutput().ToStringPtrOutput(),
		PublicSubnetIds:              firstTwo(a.Network.PublicSubnetIDs),
		PrivateSubnetIds:             firstTwo(a.Network.PrivateSubnetIDs),
		Version:                      pulumi.String(a.Version),
		AuthenticationMode:           &authentication,
		CreateOidcProvider:           pulumi.Bool(true),
		SkipDefaultNodeGroup:         &yes,
		SkipDefaultSecurityGroups:    &yes,
		CreateInstanceRole:           &no,
		NodeAssociatePublicIpAddress: &no,
		EndpointPrivateAccess:        pulumi.Bool(true),
		EndpointPublicAccess:         pulumi.Bool(!a.PrivateEndpoint),
		Tags:                         a.Tags,
	}
	if !a.PrivateEndpoint {
		// Left out, EKS would keep what was set before.
		args.PublicAccessCidrs = pulumi.ToStringArray([]string{"0.0.0.0/0"})
		if a.PublicAccessCIDRs != nil {
			args.PublicAccessCidrs = a.PublicAccessCIDRs
		}
	}
	if len(a.ControlPlaneLogs) > 0 {
		args.EnabledClusterLogTypes = pulumi.ToStringArray(a.ControlPlaneLogs)
	}
	if a.SecretsKMSKeyARN != nil {
		args.EncryptionConfigKeyArn = a.SecretsKMSKeyARN.ToStringOutput().ToStringPtrOutput()
	}
	a.ownAddons(args)
	control, err := eks.NewCluster(ctx, name, args, pulumi.Parent(c))
	if err != nil {
		return err
	}
	c.Name, c.version = control.EksCluster.Name(), control.EksCluster.Version()
	c.NodeSecurityGroupID = control.NodeSecurityGroupId
	c.OIDCProviderARN = control.OidcProviderArn
	c.OIDCIssuer = control.OidcIssuer
	return c.provider(ctx, name, control.KubeconfigJson, true)
}

// provider reaches the cluster. Only where the cluster itself goes with the stack may objects be given up for lost when it
// does not answer: a network fault must not make the state forget what stands in somebody else's.
func (c *Cluster) provider(ctx *pulumi.Context, name string, kubeconfig pulumi.StringInput, ownCluster bool) (err error) {
	args := &kubernetes.ProviderArgs{
		Kubeconfig:            kubeconfig.ToStringOutput().ToStringPtrOutput(),
		EnableServerSideApply: pulumi.Bool(true),
	}
	if ownCluster {
		args.DeleteUnreachable = pulumi.Bool(true)
	}
	c.Kubernetes, err = kubernetes.NewProvider(ctx, name, args, pulumi.Parent(c))
	return err
}

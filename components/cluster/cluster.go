// Package cluster declares the EKS cluster and the managed node group that runs its pods.
package cluster

import (
	"fmt"

	"github.com/apigateway-ingress/apigateway-ingress/components/change"
	"github.com/apigateway-ingress/apigateway-ingress/components/iamrole"
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
	// VpcID, PublicSubnetIDs and PrivateSubnetIDs place the cluster; nodes get private subnets only.
	VpcID                             pulumi.StringInput
	PublicSubnetIDs, PrivateSubnetIDs pulumi.StringArrayInput
	// NetworkReady is what must exist before a node can reach AWS: routes, which no input of a node shows.
	NetworkReady []pulumi.Resource
	// Partition is the AWS partition of managed policies. Default aws.
	Partition string
	// NetworkPolicies lets the network add-on enforce the NetworkPolicies of the cluster. An existing cluster keeps what
	// it has.
	NetworkPolicies bool
	// IAM is how the roles of control plane and nodes are made.
	IAM iamrole.Settings
	// Tags are put on every resource.
	Tags map[string]string
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
	// Nodes are the node groups: pods become ready only after them. None of an existing cluster.
	Nodes []pulumi.Resource

	groups []pulumi.StringInput
	// version is what the control plane runs; what follows it waits for it.
	version pulumi.StringOutput
}

// NodeGroupNames are the Auto Scaling groups one by one, as many as there are node groups.
func (c *Cluster) NodeGroupNames() []pulumi.StringInput { return c.groups }

// New declares the cluster: API access entries instead of the aws-auth ConfigMap, an OIDC provider
// for service accounts, and nodes with IMDSv2, hop limit 1 and encrypted disks.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Cluster, error) {
	if err := args.Validate(); err != nil {
		return nil, err
	}
	a := args.withDefaults()
	c := &Cluster{}
	inputs := pulumi.Map{
		"vpcId": a.VpcID, "version": pulumi.String(a.Version), "nodeGroups": groupInputs(a.NodeGroups),
		"existing": pulumi.String(a.existingName()), "secretsKmsKeyArn": pulumi.String(a.SecretsKMSKeyARN),
	}
	guard, err := change.Guard(ctx, typeToken, name, mayChange)
	if err != nil {
		return nil, err
	}
	if err := ctx.RegisterComponentResourceV2(typeToken, name, inputs, c, append(opts, guard)...); err != nil {
		return nil, err
	}
	declare := c.create
	if a.Existing != nil {
		declare = c.adopt
	}
	if err := declare(ctx, name, a); err != nil {
		return nil, fmt.Errorf("cluster %s: %w", name, err)
	}
	c.AutoScalingGroups = pulumi.StringArray(c.groups).ToStringArrayOutput()
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
		VpcId:                        pulumi.StringPtrInput(a.VpcID.ToStringOutput().ToStringPtrOutput()),
		PublicSubnetIds:              firstTwo(a.PublicSubnetIDs),
		PrivateSubnetIds:             firstTwo(a.PrivateSubnetIDs),
		Version:                      pulumi.String(a.Version),
		AuthenticationMode:           &authentication,
		CreateOidcProvider:           pulumi.Bool(true),
		SkipDefaultNodeGroup:         &yes,
		SkipDefaultSecurityGroups:    &yes,
		CreateInstanceRole:           &no,
		NodeAssociatePublicIpAddress: &no,
		EndpointPrivateAccess:        pulumi.Bool(true),
		EndpointPublicAccess:         pulumi.Bool(!a.PrivateEndpoint),
		Tags:                         pulumi.ToStringMap(a.Tags),
	}
	if !a.PrivateEndpoint {
		// Left out, EKS would keep what was set before.
		ranges := a.PublicAccessCIDRs
		if len(ranges) == 0 {
			ranges = []string{"0.0.0.0/0"}
		}
		args.PublicAccessCidrs = pulumi.ToStringArray(ranges)
	}
	if len(a.ControlPlaneLogs) > 0 {
		args.EnabledClusterLogTypes = pulumi.ToStringArray(a.ControlPlaneLogs)
	}
	if a.SecretsKMSKeyARN != "" {
		args.EncryptionConfigKeyArn = pulumi.String(a.SecretsKMSKeyARN)
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

// Package cluster declares the EKS cluster and the managed node group that runs its pods.
package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	awseks "github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-eks/sdk/v3/go/eks"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Defaults of a new cluster.
const (
	DefaultNodeCount    = 3
	DefaultInstanceType = "t3.medium"
	DefaultVersion      = "1.34"
)

const typeToken = "apigateway-ingress:cluster:Cluster"

// nodePolicies let a node join the cluster, configure pod networking and pull images.
// https://docs.aws.amazon.com/eks/latest/userguide/create-node-role.html
var nodePolicies = []string{"AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryPullOnly"}

// Args describe the cluster.
type Args struct {
	// VpcID, PublicSubnetIDs and PrivateSubnetIDs place the cluster; nodes get private subnets only.
	VpcID                             pulumi.StringInput
	PublicSubnetIDs, PrivateSubnetIDs pulumi.StringArrayInput
	// NetworkReady is what must exist before a node can reach AWS: routes, which no input of a node shows.
	NetworkReady []pulumi.Resource
	// Partition is the AWS partition of managed policies. Default aws.
	Partition string
	// Version is the Kubernetes version, for example 1.34.
	Version string
	// NodeCount is the fixed number of nodes, 1 to 450 (a managed node group's quota). Default 3.
	NodeCount int
	// InstanceType is the EC2 type of the nodes. Default t3.medium.
	InstanceType string
	// Tags are put on every resource.
	Tags map[string]string
}

// Cluster is an EKS cluster with its nodes.
type Cluster struct {
	pulumi.ResourceState

	Name pulumi.StringOutput `pulumi:"name"`
	// NodeSecurityGroupID is the security group of the nodes.
	NodeSecurityGroupID pulumi.StringOutput `pulumi:"nodeSecurityGroupId"`
	// AutoScalingGroup is the name of the node group's Auto Scaling group.
	AutoScalingGroup pulumi.StringOutput `pulumi:"autoScalingGroup"`
	NodeRoleARN      pulumi.StringOutput `pulumi:"nodeRoleArn"`
	NodeRoleName     pulumi.StringOutput `pulumi:"nodeRoleName"`
	// OIDCProviderARN and OIDCIssuer identify the cluster's service accounts to IAM; the issuer has no scheme.
	OIDCProviderARN pulumi.StringOutput `pulumi:"oidcProviderArn"`
	OIDCIssuer      pulumi.StringOutput `pulumi:"oidcIssuer"`

	// Kubernetes is the provider for objects in the cluster.
	Kubernetes *kubernetes.Provider
	// Nodes is the node group: pods become ready only after it.
	Nodes *awseks.NodeGroup
}

var kubernetesVersion = regexp.MustCompile(`^1\.[0-9]{2}$`)

// Validate reports every problem of the arguments.
func (a Args) Validate() error {
	var problems []error
	if a.NodeCount < 0 || a.NodeCount > 450 {
		problems = append(problems, fmt.Errorf("nodeCount %d is not a number from 1 to 450", a.NodeCount))
	}
	if a.Version != "" && !kubernetesVersion.MatchString(a.Version) {
		problems = append(problems, fmt.Errorf("kubernetesVersion %q is not a version such as %s", a.Version, DefaultVersion))
	}
	return errors.Join(problems...)
}

func (a Args) withDefaults() Args {
	if a.NodeCount == 0 {
		a.NodeCount = DefaultNodeCount
	}
	if a.InstanceType == "" {
		a.InstanceType = DefaultInstanceType
	}
	if a.Version == "" {
		a.Version = DefaultVersion
	}
	if a.Partition == "" {
		a.Partition = "aws"
	}
	return a
}

// New declares the cluster: API access entries instead of the aws-auth ConfigMap, an OIDC provider
// for service accounts, and nodes with IMDSv2, hop limit 1 and encrypted disks.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Cluster, error) {
	if err := args.Validate(); err != nil {
		return nil, err
	}
	a := args.withDefaults()
	c := &Cluster{}
	inputs := pulumi.Map{
		"vpcId":        a.VpcID,
		"version":      pulumi.String(a.Version),
		"nodeCount":    pulumi.Int(a.NodeCount),
		"instanceType": pulumi.String(a.InstanceType),
	}
	if err := ctx.RegisterComponentResourceV2(typeToken, name, inputs, c, opts...); err != nil {
		return nil, err
	}
	if err := c.controlPlane(ctx, name, a); err != nil {
		return nil, fmt.Errorf("cluster %s: %w", name, err)
	}
	if err := c.nodeGroup(ctx, name, a); err != nil {
		return nil, fmt.Errorf("cluster %s: nodes: %w", name, err)
	}
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{
		"name":                c.Name,
		"nodeSecurityGroupId": c.NodeSecurityGroupID,
		"autoScalingGroup":    c.AutoScalingGroup,
		"nodeRoleArn":         c.NodeRoleARN,
		"nodeRoleName":        c.NodeRoleName,
		"oidcProviderArn":     c.OIDCProviderARN,
		"oidcIssuer":          c.OIDCIssuer,
	})
}

func (c *Cluster) controlPlane(ctx *pulumi.Context, name string, a Args) error {
	authentication := eks.AuthenticationModeApi
	yes, no := true, false
	control, err := eks.NewCluster(ctx, name, &eks.ClusterArgs{
		VpcId:                        pulumi.StringPtrInput(a.VpcID.ToStringOutput().ToStringPtrOutput()),
		PublicSubnetIds:              a.PublicSubnetIDs,
		PrivateSubnetIds:             a.PrivateSubnetIDs,
		Version:                      pulumi.String(a.Version),
		AuthenticationMode:           &authentication,
		CreateOidcProvider:           pulumi.Bool(true),
		SkipDefaultNodeGroup:         &yes,
		SkipDefaultSecurityGroups:    &yes,
		CreateInstanceRole:           &no,
		NodeAssociatePublicIpAddress: &no,
		EndpointPrivateAccess:        pulumi.Bool(true),
		EndpointPublicAccess:         pulumi.Bool(true),
		Tags:                         pulumi.ToStringMap(a.Tags),
	}, pulumi.Parent(c))
	if err != nil {
		return err
	}
	c.Name = control.EksCluster.Name()
	c.NodeSecurityGroupID = control.NodeSecurityGroupId
	c.OIDCProviderARN = control.OidcProviderArn
	c.OIDCIssuer = control.OidcIssuer
	c.Kubernetes, err = kubernetes.NewProvider(ctx, name, &kubernetes.ProviderArgs{
		Kubeconfig:            control.KubeconfigJson,
		EnableServerSideApply: pulumi.Bool(true),
		// A cluster that can no longer be reached must not keep destroy from finishing.
		DeleteUnreachable: pulumi.Bool(true),
	}, pulumi.Parent(c))
	return err
}

func (c *Cluster) nodeGroup(ctx *pulumi.Context, name string, a Args) error {
	role, attached, err := nodeRole(ctx, name, a, pulumi.Parent(c))
	if err != nil {
		return err
	}
	c.NodeRoleARN, c.NodeRoleName = role.Arn, role.Name
	template, err := launchTemplate(ctx, name, a, pulumi.Parent(c))
	if err != nil {
		return err
	}
	c.Nodes, err = awseks.NewNodeGroup(ctx, name, &awseks.NodeGroupArgs{
		ClusterName:   c.Name,
		NodeRoleArn:   role.Arn,
		SubnetIds:     a.PrivateSubnetIDs,
		AmiType:       pulumi.String("AL2023_x86_64_STANDARD"),
		InstanceTypes: pulumi.StringArray{pulumi.String(a.InstanceType)},
		LaunchTemplate: awseks.NodeGroupLaunchTemplateArgs{
			Id:      template.ID().ToStringOutput().ToStringPtrOutput(),
			Version: template.LatestVersion.ApplyT(func(v int) string { return fmt.Sprint(v) }).(pulumi.StringOutput),
		},
		ScalingConfig: awseks.NodeGroupScalingConfigArgs{
			MinSize: pulumi.Int(a.NodeCount), DesiredSize: pulumi.Int(a.NodeCount), MaxSize: pulumi.Int(a.NodeCount),
		},
		UpdateConfig: awseks.NodeGroupUpdateConfigArgs{MaxUnavailable: pulumi.Int(1)},
		Tags:         pulumi.ToStringMap(a.Tags),
		// Without its policies and a way out of the subnet a node cannot join, and must not outlive them.
	}, pulumi.Parent(c), pulumi.DependsOn(append(attached, a.NetworkReady...)))
	if err != nil {
		return err
	}
	c.AutoScalingGroup = c.Nodes.Resources.ApplyT(func(resources []awseks.NodeGroupResource) (string, error) {
		if len(resources) == 0 || len(resources[0].AutoscalingGroups) == 0 || resources[0].AutoscalingGroups[0].Name == nil {
			return "", errors.New("the node group reports no Auto Scaling group")
		}
		return *resources[0].AutoscalingGroups[0].Name, nil
	}).(pulumi.StringOutput)
	return nil
}

func nodeRole(ctx *pulumi.Context, name string, a Args, parent pulumi.ResourceOption) (*iam.Role, []pulumi.Resource, error) {
	trust, err := json.Marshal(map[string]any{
		"Version": "2012-10-17",
		"Statement": []any{map[string]any{
			"Effect": "Allow", "Action": "sts:AssumeRole",
			"Principal": map[string]string{"Service": "ec2.amazonaws.com"},
		}},
	})
	if err != nil {
		return nil, nil, err
	}
	role, err := iam.NewRole(ctx, name+"-node", &iam.RoleArgs{
		AssumeRolePolicy: pulumi.String(trust),
		Description:      pulumi.String("nodes of EKS cluster " + name),
		Tags:             pulumi.ToStringMap(a.Tags),
	}, parent)
	if err != nil {
		return nil, nil, err
	}
	var attached []pulumi.Resource
	for _, policy := range nodePolicies {
		attachment, err := iam.NewRolePolicyAttachment(ctx, name+"-node-"+policy, &iam.RolePolicyAttachmentArgs{
			Role:      role.Name,
			PolicyArn: pulumi.String(fmt.Sprintf("arn:%s:iam::aws:policy/%s", a.Partition, policy)),
		}, parent)
		if err != nil {
			return nil, nil, err
		}
		attached = append(attached, attachment)
	}
	return role, attached, nil
}

func launchTemplate(ctx *pulumi.Context, name string, a Args, parent pulumi.ResourceOption) (*ec2.LaunchTemplate, error) {
	return ec2.NewLaunchTemplate(ctx, name+"-node", &ec2.LaunchTemplateArgs{
		MetadataOptions: ec2.LaunchTemplateMetadataOptionsArgs{
			HttpEndpoint: pulumi.String("enabled"),
			HttpTokens:   pulumi.String("required"),
			// One hop keeps pods away from the node's own credentials.
			HttpPutResponseHopLimit: pulumi.Int(1),
		},
		BlockDeviceMappings: ec2.LaunchTemplateBlockDeviceMappingArray{ec2.LaunchTemplateBlockDeviceMappingArgs{
			DeviceName: pulumi.String("/dev/xvda"),
			Ebs: ec2.LaunchTemplateBlockDeviceMappingEbsArgs{
				Encrypted: pulumi.String("true"), VolumeSize: pulumi.Int(20), VolumeType: pulumi.String("gp3"),
				DeleteOnTermination: pulumi.String("true"),
			},
		}},
		TagSpecifications: ec2.LaunchTemplateTagSpecificationArray{ec2.LaunchTemplateTagSpecificationArgs{
			ResourceType: pulumi.String("instance"), Tags: pulumi.ToStringMap(a.Tags),
		}},
		UpdateDefaultVersion: pulumi.Bool(true),
		Tags:                 pulumi.ToStringMap(a.Tags),
	}, parent)
}

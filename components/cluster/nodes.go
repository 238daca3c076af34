package cluster

import (
	"errors"
	"fmt"

	"github.com/apigateway-ingress/apigateway-ingress/components/change"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	awseks "github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// nodeGroups share one role: what differs is where pods run, not what nodes may do.
func (c *Cluster) nodeGroups(ctx *pulumi.Context, name string, a Args) error {
	role, attached, err := nodeRole(ctx, name, a, pulumi.Parent(c))
	if err != nil {
		return err
	}
	c.NodeRoleARN, c.NodeRoleName = role.Arn, role.Name
	for _, g := range a.NodeGroups {
		if err := c.nodeGroup(ctx, name, a, g, role, attached); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) nodeGroup(ctx *pulumi.Context, name string, a Args, g NodeGroup, role *iam.Role, attached []pulumi.Resource) error {
	if g.Name != "" {
		name += "-" + g.Name
	}
	template, err := launchTemplate(ctx, name, a, g, pulumi.Parent(c))
	if err != nil {
		return err
	}
	args := &awseks.NodeGroupArgs{
		ClusterName:   c.Name,
		NodeRoleArn:   role.Arn,
		Version:       c.version.ToStringPtrOutput(),
		SubnetIds:     a.Network.PrivateSubnetIDs,
		AmiType:       pulumi.String(g.amiType()),
		InstanceTypes: pulumi.ToStringArray(g.InstanceTypes),
		LaunchTemplate: awseks.NodeGroupLaunchTemplateArgs{
			Id:      template.ID().ToStringOutput().ToStringPtrOutput(),
			Version: template.LatestVersion.ApplyT(func(v int) string { return fmt.Sprint(v) }).(pulumi.StringOutput),
		},
		ScalingConfig: awseks.NodeGroupScalingConfigArgs{
			MinSize: pulumi.Int(g.Min), DesiredSize: pulumi.Int(g.Count), MaxSize: pulumi.Int(g.Max),
		},
		UpdateConfig: awseks.NodeGroupUpdateConfigArgs{MaxUnavailable: pulumi.Int(1)},
		Labels:       pulumi.ToStringMap(g.Labels),
		Taints:       g.taints(),
		Tags:         a.Tags,
	}
	if g.Spot {
		args.CapacityType = pulumi.String("SPOT")
	}
	// Without its policies and a way out of the subnet a node cannot join, and must not outlive them.
	options := []pulumi.ResourceOption{pulumi.Parent(c), pulumi.DependsOn(append(attached, a.Network.Ready()...))}
	if g.Min != g.Max {
		// The number of nodes is then an autoscaler's to choose.
		options = append(options, pulumi.IgnoreChanges([]string{"scalingConfig.desiredSize"}))
	}
	guard, err := change.Guard(ctx, "aws:eks/nodeGroup:NodeGroup", name,
		func(_, new change.Inputs) error { return scalingMayChange(name, new) })
	if err != nil {
		return err
	}
	nodes, err := awseks.NewNodeGroup(ctx, name, args, append(options, guard)...)
	if err != nil {
		return err
	}
	c.NodeGroups = append(c.NodeGroups, nodes)
	c.groups[g.Name] = nodes.Resources.ApplyT(func(resources []awseks.NodeGroupResource) (string, error) {
		if len(resources) == 0 || len(resources[0].AutoscalingGroups) == 0 || resources[0].AutoscalingGroups[0].Name == nil {
			return "", errors.New("the node group reports no Auto Scaling group")
		}
		return *resources[0].AutoscalingGroups[0].Name, nil
	}).(pulumi.StringOutput)
	return nil
}

func (g NodeGroup) amiType() string {
	if g.Arm {
		return "AL2023_ARM_64_STANDARD"
	}
	return "AL2023_x86_64_STANDARD"
}

// effects are EKS's names for those of Kubernetes.
var effects = map[string]string{"NoSchedule": "NO_SCHEDULE", "PreferNoSchedule": "PREFER_NO_SCHEDULE", "NoExecute": "NO_EXECUTE"}

func (g NodeGroup) taints() awseks.NodeGroupTaintArray {
	var list awseks.NodeGroupTaintArray
	for _, text := range g.Taints {
		parts := taint.FindStringSubmatch(text)
		list = append(list, awseks.NodeGroupTaintArgs{Key: pulumi.String(parts[1]), Value: pulumi.String(parts[2]),
			Effect: pulumi.String(effects[parts[3]])})
	}
	return list
}

func nodeRole(ctx *pulumi.Context, name string, a Args, parent pulumi.ResourceOption) (*iam.Role, []pulumi.Resource, error) {
	role, err := a.IAM.Role(ctx, name+"-node", &iam.RoleArgs{
		AssumeRolePolicy: pulumi.String(nodeTrust(a.Location.Partition)),
		Description:      pulumi.String("nodes of EKS cluster " + name),
		Tags:             a.Tags,
	}, parent)
	if err != nil {
		return nil, nil, err
	}
	var attached []pulumi.Resource
	for _, policy := range nodePolicies {
		attachment, err := iam.NewRolePolicyAttachment(ctx, name+"-node-"+policy, &iam.RolePolicyAttachmentArgs{
			Role:      role.Name,
			PolicyArn: pulumi.String(fmt.Sprintf("arn:%s:iam::aws:policy/%s", a.Location.Partition, policy)),
		}, parent)
		if err != nil {
			return nil, nil, err
		}
		attached = append(attached, attachment)
	}
	return role, attached, nil
}

// nodeTrust lets EC2 take the role. In China its name has the partition's own suffix:
// https://docs.amazonaws.cn/en_us/eks/latest/userguide/create-node-role.html
func nodeTrust(partition string) string {
	service := "ec2.amazonaws.com"
	if partition == "aws-cn" {
		service = "ec2.amazonaws.com.cn"
	}
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":%q}}]}`,
		service)
}

func launchTemplate(ctx *pulumi.Context, name string, a Args, g NodeGroup, parent pulumi.ResourceOption) (*ec2.LaunchTemplate, error) {
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
				Encrypted: pulumi.String("true"), VolumeSize: pulumi.Int(g.DiskGB), VolumeType: pulumi.String("gp3"),
				DeleteOnTermination: pulumi.String("true"),
			},
		}},
		TagSpecifications:    tagSpecifications(a.Tags),
		UpdateDefaultVersion: pulumi.Bool(true),
		Tags:                 a.Tags,
	}, parent)
}

// tagSpecifications tag what EC2 makes from the template, which the provider's default tags do not reach:
// https://github.com/hashicorp/terraform-provider-aws/issues/32328. EC2 refuses a specification without tags.
func tagSpecifications(tags pulumi.StringMapInput) ec2.LaunchTemplateTagSpecificationArray {
	if known, isMap := tags.(pulumi.StringMap); tags == nil || isMap && len(known) == 0 {
		return nil
	}
	var list ec2.LaunchTemplateTagSpecificationArray
	for _, made := range []string{"instance", "network-interface", "volume"} {
		list = append(list, ec2.LaunchTemplateTagSpecificationArgs{ResourceType: pulumi.String(made), Tags: tags})
	}
	return list
}

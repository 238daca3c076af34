package cluster

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// controlPlaneTrust is what Auto Mode needs as well: https://docs.aws.amazon.com/eks/latest/userguide/cluster-iam-role.html
const controlPlaneTrust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession"],"Principal":{"Service":"eks.amazonaws.com"}}]}`

// serviceRole is the control plane's. eks.Cluster would make one itself, without a path or a permissions boundary; the
// alias is what it called it, because a cluster with another role is another cluster.
func (c *Cluster) serviceRole(ctx *pulumi.Context, name string, a Args) (iam.RoleInput, error) {
	former := pulumi.Aliases([]pulumi.Alias{{URN: c.URN().ApplyT(func(urn pulumi.URN) pulumi.URN {
		types := string(urn)[:strings.LastIndex(string(urn), "::")]
		return pulumi.URN(types + "$eks:index:Cluster$eks:index:ServiceRole$aws:iam/role:Role::" + name + "-eksRole-role")
	}).(pulumi.URNOutput)}})
	role, err := a.IAM.Role(ctx, name+"-eksRole-role", &iam.RoleArgs{
		AssumeRolePolicy: pulumi.String(controlPlaneTrust),
		Description:      pulumi.String("control plane of EKS cluster " + name),
		Tags:             a.Tags,
	}, pulumi.Parent(c), former)
	if err != nil {
		return nil, err
	}
	attached, err := iam.NewRolePolicyAttachment(ctx, name+"-eksRole", &iam.RolePolicyAttachmentArgs{
		Role:      role.Name,
		PolicyArn: pulumi.String(fmt.Sprintf("arn:%s:iam::aws:policy/AmazonEKSClusterPolicy", a.Location.Partition)),
	}, pulumi.Parent(c))
	if err != nil {
		return nil, err
	}
	// The cluster is refused while its role has no permissions, and must not outlive them. A preview must find the same
	// dependencies before the role is there as an update does, or the update would violate the plan.
	return pulumi.All(attached.ID(), role.ID()).ApplyT(func([]any) *iam.Role { return role }).(iam.RoleOutput), nil
}

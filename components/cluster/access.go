package cluster

import (
	"fmt"
	"slices"
	"strings"

	awseks "github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-eks/sdk/v3/go/eks"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// accessEntries let the admins in: https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html
func (c *Cluster) accessEntries(ctx *pulumi.Context, name string, a Args) error {
	aliased := map[string]bool{}
	for _, arn := range a.Admins {
		parts := strings.SplitN(arn, ":", 6)
		account, principal := parts[4], parts[5]
		// Two accounts may have a principal of one name.
		child := fmt.Sprintf("%s-%s-%s", name, account, principal)
		options := []pulumi.ResourceOption{pulumi.Parent(c)}
		if !aliased[principal] {
			// The name that it had before accounts were part of it.
			options = append(options, pulumi.Aliases([]pulumi.Alias{{Name: pulumi.String(name + "-" + principal)}}))
		}
		aliased[principal] = true
		entry, err := awseks.NewAccessEntry(ctx, child, &awseks.AccessEntryArgs{
			ClusterName: c.Name, PrincipalArn: pulumi.String(arn), Tags: pulumi.ToStringMap(a.Tags),
		}, options...)
		if err != nil {
			return err
		}
		if _, err := awseks.NewAccessPolicyAssociation(ctx, child, &awseks.AccessPolicyAssociationArgs{
			ClusterName: c.Name, PrincipalArn: entry.PrincipalArn,
			PolicyArn:   pulumi.String(fmt.Sprintf("arn:%s:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy", a.Partition)),
			AccessScope: awseks.AccessPolicyAssociationAccessScopeArgs{Type: pulumi.String("cluster")},
		}, options...); err != nil {
			return err
		}
	}
	return nil
}

// PodIdentityAgent is the add-on that hands out roles by EKS Pod Identity.
const PodIdentityAgent = "eks-pod-identity-agent"

// ownAddons sets the versions of the add-ons that the component eks.Cluster makes itself.
func (a Args) ownAddons(args *eks.ClusterArgs) {
	for _, addon := range a.Addons {
		if addon.Version == "" {
			continue
		}
		version := pulumi.String(addon.Version)
		switch addon.Name {
		case "vpc-cni":
			args.VpcCniOptions = &eks.VpcCniOptionsArgs{AddonVersion: version, EnableNetworkPolicy: pulumi.Bool(a.NetworkPolicies)}
		case "coredns":
			args.CorednsAddonOptions = &eks.CoreDnsAddonOptionsArgs{Version: version}
		case "kube-proxy":
			args.KubeProxyAddonOptions = &eks.KubeProxyAddonOptionsArgs{Version: version}
		}
	}
}

// addons are the others. Most of them run on nodes, and are ready only with these.
func (c *Cluster) addons(ctx *pulumi.Context, name string, a Args) error {
	for _, addon := range a.Addons {
		if slices.Contains([]string{"vpc-cni", "coredns", "kube-proxy"}, addon.Name) {
			continue
		}
		args := &awseks.AddonArgs{ClusterName: c.Name, AddonName: pulumi.String(addon.Name), Tags: pulumi.ToStringMap(a.Tags)}
		if addon.Version != "" {
			args.AddonVersion = pulumi.String(addon.Version)
		}
		if _, err := awseks.NewAddon(ctx, name+"-"+addon.Name, args, pulumi.Parent(c), pulumi.DependsOn(c.Nodes)); err != nil {
			return err
		}
	}
	return nil
}

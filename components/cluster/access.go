package cluster

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	awseks "github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-eks/sdk/v3/go/eks"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// accessEntries let the admins in: https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html
func (c *Cluster) accessEntries(ctx *pulumi.Context, name string, a Args) error {
	aliased := map[string]bool{}
	for i, arn := range a.Admins {
		account, principal := "admin", strconv.Itoa(i)
		if text, known := settings.Known(arn); known {
			parts := strings.SplitN(text, ":", 6)
			account, principal = parts[4], parts[5]
		}
		// Two accounts may have a principal of one name.
		child := fmt.Sprintf("%s-%s-%s", name, account, principal)
		options := []pulumi.ResourceOption{pulumi.Parent(c)}
		if account != "admin" && !aliased[principal] {
			// The name that it had before accounts were part of it.
			options = append(options, pulumi.Aliases([]pulumi.Alias{{Name: pulumi.String(name + "-" + principal)}}))
		}
		aliased[principal] = true
		entry, err := awseks.NewAccessEntry(ctx, child, &awseks.AccessEntryArgs{
			ClusterName: c.Name, PrincipalArn: arn, Tags: a.Tags,
		}, options...)
		if err != nil {
			return err
		}
		if _, err := awseks.NewAccessPolicyAssociation(ctx, child, &awseks.AccessPolicyAssociationArgs{
			ClusterName: c.Name, PrincipalArn: entry.PrincipalArn,
			PolicyArn:   pulumi.String(fmt.Sprintf("arn:%s:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy", a.Location.Partition)),
			AccessScope: awseks.AccessPolicyAssociationAccessScopeArgs{Type: pulumi.String("cluster")},
		}, options...); err != nil {
			return err
		}
	}
	return nil
}

const (
	// PodIdentityAgent is the add-on that hands out roles by EKS Pod Identity.
	PodIdentityAgent = "eks-pod-identity-agent"
	// MetricsServer is the add-on by which autoscalers know what pods use.
	// https://docs.aws.amazon.com/eks/latest/userguide/metrics-server.html
	MetricsServer = "metrics-server"
)

// coreDNS runs on nodes. eks.Cluster would make it before there are any, and wait for it in vain.
const coreDNS = "coredns"

// ownAddons are the add-ons that the component eks.Cluster makes itself. Without a version it takes the newest for the
// cluster's version of Kubernetes.
func (a Args) ownAddons(args *eks.ClusterArgs) {
	no := false
	args.CorednsAddonOptions = &eks.CoreDnsAddonOptionsArgs{Enabled: &no}
	if a.NetworkPolicies {
		args.VpcCniOptions = &eks.VpcCniOptionsArgs{EnableNetworkPolicy: pulumi.Bool(true)}
	}
	for _, addon := range a.Addons {
		if addon.Version == "" {
			continue
		}
		version := pulumi.String(addon.Version)
		switch addon.Name {
		case "vpc-cni":
			args.VpcCniOptions = &eks.VpcCniOptionsArgs{AddonVersion: version, EnableNetworkPolicy: pulumi.Bool(a.NetworkPolicies)}
		case "kube-proxy":
			args.KubeProxyAddonOptions = &eks.KubeProxyAddonOptionsArgs{Version: version}
		}
	}
}

// addons are the others, and coredns in any case. They are ready only when there are nodes for their pods. One without a
// version of its own has what EKS holds to be the default for the cluster's, and follows it.
func (c *Cluster) addons(ctx *pulumi.Context, name string, a Args) error {
	addons := slices.DeleteFunc(slices.Clone(a.Addons), func(addon Addon) bool {
		return addon.Name == "vpc-cni" || addon.Name == "kube-proxy"
	})
	if !slices.ContainsFunc(addons, func(addon Addon) bool { return addon.Name == coreDNS }) {
		addons = append(addons, Addon{Name: coreDNS})
	}
	for _, addon := range addons {
		version := pulumi.String(addon.Version).ToStringOutput()
		if addon.Version == "" {
			version = awseks.GetAddonVersionOutput(ctx, awseks.GetAddonVersionOutputArgs{
				AddonName: pulumi.String(addon.Name), KubernetesVersion: c.version,
			}, pulumi.Parent(c)).Version()
		}
		if _, err := awseks.NewAddon(ctx, name+"-"+addon.Name, &awseks.AddonArgs{
			ClusterName: c.Name, AddonName: pulumi.String(addon.Name), AddonVersion: version.ToStringPtrOutput(),
			// A cluster comes with a coredns of its own, which the add-on takes over.
			ResolveConflictsOnCreate: pulumi.String("OVERWRITE"), ResolveConflictsOnUpdate: pulumi.String("OVERWRITE"),
			Tags: a.Tags,
		}, pulumi.Parent(c), pulumi.DependsOn(c.NodeGroups)); err != nil {
			return err
		}
	}
	return nil
}

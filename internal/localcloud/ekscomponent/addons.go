package ekscomponent

import (
	"encoding/json"
	"maps"

	awseks "github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// addonOptions are those of one add-on, as far as the program sets them. vpc-cni calls its version otherwise than the others.
type addonOptions struct {
	Enabled             *bool              `pulumi:"enabled"`
	Version             pulumi.StringInput `pulumi:"version"`
	AddonVersion        pulumi.StringInput `pulumi:"addonVersion"`
	ConfigurationValues pulumi.MapInput    `pulumi:"configurationValues"`
	EnableNetworkPolicy pulumi.BoolInput   `pulumi:"enableNetworkPolicy"`
	OnCreate            string             `pulumi:"resolveConflictsOnCreate"`
	OnUpdate            string             `pulumi:"resolveConflictsOnUpdate"`
}

type vpcCniAddon struct{ pulumi.ResourceState }

// addons are those that eks.Cluster 3.9.1 makes when it has no node group of its own: vpc-cni in a component, kube-proxy
// unless it is disabled, and coredns only where it is asked for in so many words. A version of coredns alone changes nothing.
func addons(ctx *pulumi.Context, name string, args *clusterArgs, control *awseks.Cluster, parent pulumi.ResourceOption) error {
	cni := args.VpcCni
	if cni == nil {
		cni = &addonOptions{}
	}
	component := &vpcCniAddon{}
	if err := ctx.RegisterComponentResource("eks:index:VpcCniAddon", name+"-vpc-cni", component, parent); err != nil {
		return err
	}
	if err := cni.addon(ctx, name+"-vpc-cni", "vpc-cni", cni.AddonVersion, args, control, pulumi.Parent(component)); err != nil {
		return err
	}
	if err := ctx.RegisterResourceOutputs(component, pulumi.Map{}); err != nil {
		return err
	}
	if proxy := args.KubeProxy; proxy == nil || proxy.Enabled == nil || *proxy.Enabled {
		if proxy == nil {
			proxy = &addonOptions{}
		}
		if err := proxy.addon(ctx, name+"-kube-proxy", "kube-proxy", proxy.Version, args, control, parent); err != nil {
			return err
		}
	}
	if dns := args.Coredns; dns != nil && (dns.Enabled != nil && *dns.Enabled || dns.ConfigurationValues != nil) {
		return dns.addon(ctx, name+"-coredns", "coredns", dns.Version, args, control, parent)
	}
	return nil
}

func (o *addonOptions) addon(ctx *pulumi.Context, resource, name string, version pulumi.StringInput, args *clusterArgs,
	control *awseks.Cluster, parent pulumi.ResourceOption) error {
	if version == nil {
		version = awseks.GetAddonVersionOutput(ctx, awseks.GetAddonVersionOutputArgs{
			AddonName: pulumi.String(name), KubernetesVersion: control.Version, MostRecent: pulumi.Bool(true),
		}).Version()
	}
	addon := &awseks.AddonArgs{
		ClusterName: control.Name, AddonName: pulumi.String(name), AddonVersion: version.ToStringOutput().ToStringPtrOutput(),
		Preserve:                 pulumi.Bool(true),
		ResolveConflictsOnCreate: pulumi.String(orOverwrite(o.OnCreate)), ResolveConflictsOnUpdate: pulumi.String(orOverwrite(o.OnUpdate)),
		Tags: args.Tags,
	}
	if name == "vpc-cni" {
		addon.ConfigurationValues = o.cniValues().ToStringPtrOutput()
	}
	_, err := awseks.NewAddon(ctx, resource, addon, parent)
	return err
}

func orOverwrite(resolve string) string {
	if resolve == "" {
		return "OVERWRITE"
	}
	return resolve
}

// cniEnvironment is what the component sets by itself, and initEnvironment the same for the init container.
var (
	cniEnvironment = map[string]any{
		"AWS_VPC_ENI_MTU": "9001", "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG": "false", "AWS_VPC_K8S_CNI_EXTERNALSNAT": "false",
		"AWS_VPC_K8S_CNI_LOGLEVEL": "DEBUG", "AWS_VPC_K8S_CNI_LOG_FILE": "/host/var/log/aws-routed-eni/ipamd.log",
		"AWS_VPC_K8S_CNI_VETHPREFIX": "eni", "AWS_VPC_K8S_PLUGIN_LOG_FILE": "/var/log/aws-routed-eni/plugin.log",
		"AWS_VPC_K8S_PLUGIN_LOG_LEVEL": "DEBUG", "ENABLE_POD_ENI": "false", "WARM_ENI_TARGET": "1",
	}
	initEnvironment = map[string]any{"DISABLE_TCP_EARLY_DEMUX": "false"}
)

func (o *addonOptions) cniValues() pulumi.StringOutput {
	policy := pulumi.BoolInput(pulumi.Bool(false))
	if o.EnableNetworkPolicy != nil {
		policy = o.EnableNetworkPolicy
	}
	given := pulumi.MapInput(pulumi.Map{})
	if o.ConfigurationValues != nil {
		given = o.ConfigurationValues
	}
	return pulumi.All(policy, given).ApplyT(func(values []any) (string, error) {
		all := map[string]any{"env": cniEnvironment, "init": map[string]any{"env": initEnvironment}}
		if o.EnableNetworkPolicy != nil {
			all["enableNetworkPolicy"] = map[bool]string{true: "true", false: "false"}[values[0].(bool)]
		}
		maps.Copy(all, values[1].(map[string]any))
		encoded, err := json.Marshal(all)
		return string(encoded), err
	}).(pulumi.StringOutput)
}

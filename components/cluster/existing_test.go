package cluster

import (
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/componenttest"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

// account answers as AWS does about a cluster whose node groups have these security groups; nil has no node.
func account(family string, nodes map[string][]string) *componenttest.Graph {
	say := func(answer func(args resource.PropertyMap) map[string]any) func(resource.PropertyMap) (resource.PropertyMap, error) {
		return func(args resource.PropertyMap) (resource.PropertyMap, error) {
			return resource.NewPropertyMapFromMap(answer(args)), nil
		}
	}
	filter := func(args resource.PropertyMap) string {
		return args["filters"].ArrayValue()[0].ObjectValue()["values"].ArrayValue()[0].StringValue()
	}
	return &componenttest.Graph{Functions: map[string]func(resource.PropertyMap) (resource.PropertyMap, error){
		"aws:eks/getCluster:getCluster": say(func(resource.PropertyMap) map[string]any {
			return map[string]any{"endpoint": "https://x", "vpcConfig": map[string]any{"clusterSecurityGroupId": "sg-cluster"},
				"kubernetesNetworkConfigs": []any{map[string]any{"ipFamily": family}}}
		}),
		"aws:eks/getNodeGroups:getNodeGroups": say(func(resource.PropertyMap) map[string]any {
			names := []any{}
			for name := range nodes {
				names = append(names, name)
			}
			return map[string]any{"names": names}
		}),
		"aws:eks/getNodeGroup:getNodeGroup": say(func(args resource.PropertyMap) map[string]any {
			return map[string]any{"resources": []any{map[string]any{"autoscalingGroups": []any{map[string]any{
				"name": args["nodeGroupName"].StringValue()}}}}}
		}),
		"aws:autoscaling/getGroup:getGroup": say(func(resource.PropertyMap) map[string]any { return map[string]any{} }),
		"aws:ec2/getInstances:getInstances": say(func(args resource.PropertyMap) map[string]any {
			if nodes[filter(args)] == nil {
				return map[string]any{"ids": []any{}}
			}
			return map[string]any{"ids": []any{filter(args)}}
		}),
		"aws:ec2/getNetworkInterface:getNetworkInterface": say(func(args resource.PropertyMap) map[string]any {
			groups := []any{}
			for _, id := range nodes[filter(args)] {
				groups = append(groups, id)
			}
			return map[string]any{"securityGroups": groups}
		}),
	}}
}

// The group that is opened for the load balancer is one that the nodes have, whatever EKS would have given them.
func TestNodesSecurityGroupIsTheirs(t *testing.T) {
	for _, c := range []struct {
		nodes map[string][]string
		want  string
	}{
		{nil, "sg-cluster"},
		{map[string][]string{"empty": nil}, "sg-cluster"},
		{map[string][]string{"a": {"sg-cluster", "sg-a"}, "b": {"sg-cluster"}}, "sg-cluster"},
		{map[string][]string{"a": {"sg-own"}}, "sg-own"},
		{map[string][]string{"a": {"sg-b", "sg-shared"}, "b": {"sg-a", "sg-shared"}, "empty": nil}, "sg-shared"},
	} {
		var found *Existing
		require.NoError(t, componenttest.TryRun(account("ipv4", c.nodes), func(ctx *pulumi.Context) (err error) {
			found, err = Lookup(ctx, "prod")
			return err
		}))
		require.Equal(t, pulumi.String(c.want), found.Nodes.SecurityGroupID, "%v", c.nodes)
		require.Len(t, found.Nodes.AutoScalingGroups, len(c.nodes))
	}
}

func TestClustersThatCannotBePublished(t *testing.T) {
	lookup := func(ctx *pulumi.Context) error {
		_, err := Lookup(ctx, "prod")
		return err
	}
	err := componenttest.TryRun(account("ipv4", map[string][]string{"a": {"sg-a"}, "b": {"sg-b"}}), lookup)
	require.ErrorContains(t, err, "no security group in common by which the load balancer could reach them: a has sg-a; b has sg-b")
	require.ErrorContains(t, componenttest.TryRun(account("ipv6", nil), lookup), "cluster prod gives pods IPv6 addresses")
}

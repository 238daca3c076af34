package cluster

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// securityGroupsOf are those of an instance of an Auto Scaling group; nil while it has none. Instances of a launch template with
// groups of its own do not have the cluster's:
// https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html#launch-template-security-groups
func securityGroupsOf(ctx *pulumi.Context, autoScalingGroup string, opts []pulumi.InvokeOption) ([]string, error) {
	running, err := ec2.GetInstances(ctx, &ec2.GetInstancesArgs{Filters: []ec2.GetInstancesFilter{
		{Name: "tag:aws:autoscaling:groupName", Values: []string{autoScalingGroup}},
	}}, opts...)
	if err != nil {
		return nil, err
	}
	if len(running.Ids) == 0 {
		return nil, nil
	}
	first, err := ec2.LookupNetworkInterface(ctx, &ec2.LookupNetworkInterfaceArgs{Filters: []ec2.GetNetworkInterfaceFilter{
		{Name: "attachment.instance-id", Values: running.Ids[:1]}, {Name: "attachment.device-index", Values: []string{"0"}},
	}}, opts...)
	if err != nil {
		return nil, err
	}
	return first.SecurityGroups, nil
}

// commonGroup is the security group by which all nodes are reached: the cluster's own, where they have it, or else the first
// that all have. found are those of the nodes, by node group.
func commonGroup(cluster, own string, found map[string][]string) (string, error) {
	var common []string
	for i, name := range slices.Sorted(maps.Keys(found)) {
		if i == 0 {
			common = slices.Sorted(slices.Values(found[name]))
			continue
		}
		common = slices.DeleteFunc(common, func(id string) bool { return !slices.Contains(found[name], id) })
	}
	if len(found) == 0 || slices.Contains(common, own) {
		return own, nil
	}
	if len(common) > 0 {
		return common[0], nil
	}
	var each []string
	for _, name := range slices.Sorted(maps.Keys(found)) {
		each = append(each, fmt.Sprintf("%s has %s", name, strings.Join(found[name], ", ")))
	}
	return "", fmt.Errorf("the node groups of cluster %s have no security group in common by which the load balancer could reach them: %s. "+
		"Put one into the launch templates of all", cluster, strings.Join(each, "; "))
}

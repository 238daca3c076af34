package awsrules

import (
	"fmt"
	"strings"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
)

// NodeGroup is the type token of managed node groups.
const NodeGroup = "aws:eks/nodeGroup:NodeGroup"

var nodeGroup = &rule{
	token: NodeGroup, args: (*eks.NodeGroupArgs)(nil), resource: (*eks.NodeGroup)(nil), autoName: "nodeGroupName", maxName: 63,
	id:       func(c *call) string { return c.text("clusterName") + ":" + c.text("nodeGroupName") },
	required: []string{"subnetIds"},
	replace:  []string{"clusterName", "nodeGroupName", "nodeRoleArn", "subnetIds", "instanceTypes", "amiType", "capacityType", "diskSize"},
	refs: []ref{
		{path: "clusterName", to: Cluster, missing: "ResourceNotFoundException", inUse: resourceInUse},
		{path: "nodeRoleArn", to: Role, attr: "arn", missing: "InvalidParameterException"},
		{path: "subnetIds[]", to: Subnet, missing: "InvalidParameterException", inUse: violation},
		{path: "launchTemplate.id", to: LaunchTemplate, missing: "InvalidParameterException"},
	},
	outputs: nodeGroupOutputs,
	failed:  "CREATE_FAILED", reason: "NodeCreationFailure: Instances failed to join the kubernetes cluster",
	pending: "CREATING", ready: "ACTIVE", createTakes: 2 * time.Minute, deleteTakes: 4 * time.Minute,
}

func nodeGroupOutputs(c *call) properties {
	return properties{
		"arn": c.regional("eks", "nodegroup/"+strings.Replace(c.object.ID, ":", "/", 1)), "status": c.object.Status,
		"resources": []any{map[string]any{"autoscalingGroups": []any{map[string]any{"name": AutoScalingGroupOf(c.object)}}}},
	}
}

// AutoScalingGroupOf is the name of the Auto Scaling group that EKS makes for a node group.
func AutoScalingGroupOf(group *store.Object) string {
	return "eks-" + group.Text("nodeGroupName") + "-" + lowerHash(group.ID, 8)
}

// Instance is one EC2 instance of a node group.
type Instance struct {
	ID, Cluster, AutoScalingGroup, VPC string
	// Name is the node's name in Kubernetes, Labels are its labels.
	Name           string
	Labels         map[string]string
	SecurityGroups []string
}

// Instances lists the running instances of all node groups, or of one cluster's.
func Instances(objects *store.Store, cluster string) []Instance {
	var instances []Instance
	for _, group := range objects.List(NodeGroup) {
		name := group.Text("clusterName")
		owner := objects.Get(Cluster, name)
		if group.Status != "ACTIVE" || owner == nil || cluster != "" && cluster != name {
			continue
		}
		for i := range group.Inputs.Int("scalingConfig.desiredSize") {
			id := "i-" + lowerHash(fmt.Sprintf("%s/%s/%d", group.ID, group.Created, i), 17)
			nodeName := fmt.Sprintf("ip-10-0-%d-%d.ec2.internal", len(instances)/200+1, len(instances)%200+10)
			instances = append(instances, Instance{
				ID: id, Cluster: name, AutoScalingGroup: AutoScalingGroupOf(group), VPC: owner.Outputs.Text("vpcConfig.vpcId"), Name: nodeName,
				Labels:         nodeLabels(group, nodeName),
				SecurityGroups: nodeSecurityGroups(objects, owner, group),
			})
		}
	}
	return instances
}

func nodeLabels(group *store.Object, name string) map[string]string {
	labels := map[string]string{
		"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
		"eks.amazonaws.com/nodegroup": group.Text("nodeGroupName"),
	}
	for key, value := range group.Inputs.Object("labels") {
		labels[key] = fmt.Sprint(value)
	}
	return labels
}

// nodeSecurityGroups: a launch template's groups replace the one that EKS would put on the nodes.
func nodeSecurityGroups(objects *store.Store, cluster, group *store.Object) []string {
	for _, id := range group.Inputs.Texts("launchTemplate.id") {
		if template := objects.Get(LaunchTemplate, id); template != nil {
			if groups := template.Inputs.Texts("vpcSecurityGroupIds[]"); len(groups) > 0 {
				return groups
			}
		}
	}
	return []string{ClusterSecurityGroup(cluster)}
}

package awsrules

import (
	"fmt"
	"strings"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
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
	check: checkScaling, prepare: nodesFit, outputs: nodeGroupOutputs,
	failed: "CREATE_FAILED", reason: "NodeCreationFailure: Instances failed to join the kubernetes cluster",
	pending: "CREATING", ready: "ACTIVE", createTakes: 2 * time.Minute, deleteTakes: 4 * time.Minute,
}

// checkScaling: https://docs.aws.amazon.com/eks/latest/APIReference/API_NodegroupScalingConfig.html
func checkScaling(in properties) []schema.Failure {
	scaling := in.Object("scalingConfig")
	if low, wanted, high := scaling.Int("minSize"), scaling.Int("desiredSize"), scaling.Int("maxSize"); low > wanted || wanted > high ||
		high < 1 {
		return wrong("scalingConfig", "Minimum capacity %d can't be greater than desired size %d, nor that greater than maximum %d", low,
			wanted, high)
	}
	return nil
}

// nodesFit: EC2 takes the role, and nodes are not newer than the control plane, nor go back.
// https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateNodegroupVersion.html
func nodesFit(c *call) error {
	role := c.findBy(Role, "arn", c.text("nodeRoleArn"))
	service := "ec2.amazonaws.com"
	if Partition(c.region) == "aws-cn" {
		service = "ec2.amazonaws.com.cn"
	}
	if !strings.Contains(role.Text("assumeRolePolicy"), `"`+service+`"`) {
		return apiError("InvalidParameterException", "Following required service principals %v were not found in the trust relationships "+
			"of nodeRole %s", []string{service}, role.ID)
	}
	control, version := c.store.Get(Cluster, c.text("clusterName")).Text("version"), c.object.Inputs.Text("version")
	if minorOf(version) > minorOf(control) {
		return apiError("InvalidParameterException", "Nodegroup Kubernetes version %s is higher than the cluster's, %s", version, control)
	}
	if before := c.store.Get(NodeGroup, c.object.ID); before != nil && minorOf(version) < minorOf(before.Text("version")) {
		return apiError("InvalidParameterException", "Nodegroup Kubernetes version cannot go back from %s to %s", before.Text("version"), version)
	}
	return nil
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
	// Since is when it began to run.
	Since time.Time
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
				SecurityGroups: nodeSecurityGroups(objects, owner, group), Since: group.Created,
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

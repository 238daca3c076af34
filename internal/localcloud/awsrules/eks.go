package awsrules

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
)

// Type tokens that other rooms of the local cloud ask for.
const (
	Cluster   = "aws:eks/cluster:Cluster"
	NodeGroup = "aws:eks/nodeGroup:NodeGroup"
	Addon     = "aws:eks/addon:Addon"
	// PodIdentityAssociation gives a service account a role.
	PodIdentityAssociation = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
)

const resourceInUse = "ResourceInUseException"

var eksRules = []*rule{
	{
		token: Cluster, args: (*eks.ClusterArgs)(nil), id: byName,
		autoName: "name", maxName: 100, unique: "name",
		replace: []string{"name", "roleArn", "kubernetesNetworkConfig"},
		refs: []ref{
			{path: "roleArn", to: Role, attr: "arn", missing: "InvalidParameterException"},
			{path: "vpcConfig.subnetIds[]", to: Subnet, missing: "InvalidParameterException", inUse: violation},
			{path: "vpcConfig.securityGroupIds[]", to: SecurityGroup, missing: "InvalidParameterException", inUse: violation},
		},
		prepare: twoZones,
		outputs: clusterOutputs, stable: []string{"endpoint", "certificateAuthority", "certificateAuthorities", "identities", "arn"},
		created: createClusterGroup,
		deleted: deleteClusterGroup,
		failed:  "FAILED", reason: "InternalFailure: the control plane could not be created",
		pending: "CREATING", ready: "ACTIVE", createTakes: 10 * time.Minute, deleteTakes: 3 * time.Minute,
	},
	{
		token: NodeGroup, args: (*eks.NodeGroupArgs)(nil), autoName: "nodeGroupName", maxName: 63,
		id:       func(c *call) string { return c.object.Text("clusterName") + ":" + c.object.Text("nodeGroupName") },
		required: []string{"subnetIds"},
		replace:  []string{"clusterName", "nodeGroupName", "nodeRoleArn", "subnetIds", "instanceTypes", "amiType", "capacityType", "diskSize"},
		refs: []ref{
			{path: "clusterName", to: Cluster, missing: "ResourceNotFoundException", inUse: resourceInUse},
			{path: "nodeRoleArn", to: Role, attr: "arn", missing: "InvalidParameterException"},
			{path: "subnetIds[]", to: Subnet, missing: "InvalidParameterException", inUse: violation},
			{path: "launchTemplate.id", to: LaunchTemplate, missing: "InvalidParameterException"},
		},
		outputs: func(c *call) map[string]any {
			return map[string]any{
				"arn": c.arn("eks", c.region, "nodegroup/"+strings.Replace(c.object.ID, ":", "/", 1)), "status": c.object.Status,
				"resources": []any{map[string]any{"autoscalingGroups": []any{map[string]any{"name": AutoScalingGroupOf(c.object)}}}},
			}
		},
		failed: "CREATE_FAILED", reason: "NodeCreationFailure: Instances failed to join the kubernetes cluster",
		pending: "CREATING", ready: "ACTIVE", createTakes: 2 * time.Minute, deleteTakes: 4 * time.Minute,
	},
	{
		token: Addon, args: (*eks.AddonArgs)(nil),
		id:      func(c *call) string { return c.object.Text("clusterName") + ":" + c.object.Text("addonName") },
		replace: []string{"clusterName", "addonName"},
		refs:    []ref{{path: "clusterName", to: Cluster, missing: "ResourceNotFoundException"}}, prepare: isNew("Addon"),
		failed: "CREATE_FAILED", reason: "InsufficientNumberOfReplicas: the add-on is unhealthy because all deployments have all pods unscheduled",
		pending: "CREATING", ready: "ACTIVE", createTakes: 30 * time.Second,
	},
	{
		token: "aws:eks/accessEntry:AccessEntry", args: (*eks.AccessEntryArgs)(nil),
		id:      func(c *call) string { return c.object.Text("clusterName") + ":" + c.object.Text("principalArn") },
		replace: []string{"clusterName", "principalArn", "type"}, refs: []ref{ofCluster}, prepare: isNew("AccessEntry"),
		outputs: func(c *call) map[string]any {
			return map[string]any{"accessEntryArn": c.arn("eks", c.region, "access-entry/"+c.object.Text("clusterName")+"/"+lowerHash(c.object.ID, 36))}
		},
	},
	{
		token: "aws:eks/accessPolicyAssociation:AccessPolicyAssociation", args: (*eks.AccessPolicyAssociationArgs)(nil),
		id: func(c *call) string {
			return c.object.Text("clusterName") + "#" + c.object.Text("principalArn") + "#" + c.object.Text("policyArn")
		},
		replace: []string{"clusterName", "principalArn", "policyArn"}, refs: []ref{ofCluster},
		prepare: func(c *call) error {
			if c.store.Get("aws:eks/accessEntry:AccessEntry", c.object.Text("clusterName")+":"+c.object.Text("principalArn")) == nil {
				return apiError("ResourceNotFoundException", "The specified principalArn could not be found: %s", c.object.Text("principalArn"))
			}
			return nil
		},
	},
	{
		token: PodIdentityAssociation, args: (*eks.PodIdentityAssociationArgs)(nil), id: randomID("a-", 17),
		replace: []string{"clusterName", "namespace", "serviceAccount"},
		refs:    []ref{ofCluster, {path: "roleArn", to: Role, attr: "arn", missing: "InvalidParameterException"}},
		prepare: func(c *call) error {
			for _, other := range c.store.List(PodIdentityAssociation) {
				if other.ID != c.object.ID && sameInputs(other, c.object, "clusterName", "namespace", "serviceAccount") {
					return apiError(resourceInUse, "Association already exists: %s", other.ID)
				}
			}
			return nil
		},
		outputs: func(c *call) map[string]any {
			return map[string]any{"associationId": c.object.ID, "associationArn": c.arn("eks", c.region, "podidentityassociation/"+c.object.Text("clusterName")+"/"+c.object.ID)}
		},
	},
}

var ofCluster = ref{path: "clusterName", to: Cluster, missing: "ResourceNotFoundException"}

func sameInputs(a, b *store.Object, names ...string) bool {
	for _, name := range names {
		if a.Inputs[name] != b.Inputs[name] {
			return false
		}
	}
	return true
}

// isNew refuses a second object with the id of one that exists.
func isNew(what string) func(*call) error {
	return func(c *call) error {
		if c.object.Outputs == nil && c.store.Get(c.rule.token, c.object.ID) != nil {
			return apiError(resourceInUse, "%s %s already exists", what, c.object.ID)
		}
		return nil
	}
}

// AutoScalingGroupOf is the name of the Auto Scaling group that EKS makes for a node group.
func AutoScalingGroupOf(group *store.Object) string {
	return "eks-" + group.Text("nodeGroupName") + "-" + lowerHash(group.ID, 8)
}

// IssuerOf is the URL of a cluster's OIDC issuer.
func IssuerOf(cluster *store.Object) string {
	identities, _ := cluster.Outputs["identities"].([]any)
	for _, path := range identities {
		for _, issuer := range valuesAt(map[string]any{"identity": path}, "identity.oidcs[].issuer") {
			return issuer
		}
	}
	return ""
}

// ClusterSecurityGroup is the id of the group that EKS makes for a cluster and puts on its nodes.
func ClusterSecurityGroup(cluster *store.Object) string {
	return "sg-" + lowerHash(cluster.ID+"/cluster", 17)
}

func clusterOutputs(c *call) map[string]any {
	name := c.object.Text("name")
	id := strings.ToUpper(lowerHash(Account+c.region+name, 32))
	authority := map[string]any{"data": base64.StdEncoding.EncodeToString([]byte("local cluster " + name))}
	issuer := fmt.Sprintf("https://oidc.eks.%s.amazonaws.com/id/%s", c.region, id)
	network, _ := c.object.Inputs["vpcConfig"].(map[string]any)
	network = maps.Clone(network)
	network["clusterSecurityGroupId"] = ClusterSecurityGroup(c.object)
	if subnets := valuesAt(c.object.Inputs, "vpcConfig.subnetIds[]"); len(subnets) > 0 {
		if subnet := c.store.Get(Subnet, subnets[0]); subnet != nil {
			network["vpcId"] = subnet.Text("vpcId")
		}
	}
	return map[string]any{
		"arn": c.arn("eks", c.region, "cluster/"+name), "status": c.object.Status, "vpcConfig": network,
		"endpoint":               fmt.Sprintf("https://%s.gr7.%s.eks.amazonaws.com", id, c.region),
		"certificateAuthority":   authority,
		"certificateAuthorities": []any{authority},
		"identities":             []any{map[string]any{"oidcs": []any{map[string]any{"issuer": issuer}}}},
		"platformVersion":        "eks.1",
	}
}

func twoZones(c *call) error {
	zones := map[string]bool{}
	for _, id := range valuesAt(c.object.Inputs, "vpcConfig.subnetIds[]") {
		zones[c.store.Get(Subnet, id).Text("availabilityZone")] = true
	}
	if len(zones) < 2 {
		return apiError("InvalidParameterException", "Subnets specified must be in at least two different AZs")
	}
	return nil
}

func createClusterGroup(c *call) error {
	network, _ := c.object.Outputs["vpcConfig"].(map[string]any)
	group := &store.Object{
		Type: SecurityGroup, ID: ClusterSecurityGroup(c.object), Created: time.Now().UTC(),
		Inputs: map[string]any{"name": "eks-cluster-sg-" + c.object.ID, "vpcId": network["vpcId"]},
	}
	group.Outputs = maps.Clone(group.Inputs)
	return c.store.Put(group)
}

// deleteClusterGroup takes along everything in the cluster, which is no longer there.
func deleteClusterGroup(c *call) error {
	inside := c.store.Find(func(o *store.Object) bool {
		return o.Scope == c.object.ID || (o.Type == SecurityGroup && o.ID == ClusterSecurityGroup(c.object))
	})
	for _, o := range inside {
		if err := c.store.Delete(o); err != nil {
			return err
		}
	}
	return nil
}

func lowerHash(text string, digits int) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:digits]
}

// upperHash uses the alphabet of IAM's ids.
func upperHash(text string, digits int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	sum := sha256.Sum256([]byte(text))
	result := make([]byte, digits)
	for i := range result {
		result[i] = alphabet[int(sum[i])%len(alphabet)]
	}
	return string(result)
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
		scaling, _ := group.Inputs["scalingConfig"].(map[string]any)
		count, _ := scaling["desiredSize"].(float64)
		network, _ := owner.Outputs["vpcConfig"].(map[string]any)
		vpc, _ := network["vpcId"].(string)
		for i := range int(count) {
			id := "i-" + lowerHash(fmt.Sprintf("%s/%s/%d", group.ID, group.Created, i), 17)
			nodeName := fmt.Sprintf("ip-10-0-%d-%d.ec2.internal", len(instances)/200+1, len(instances)%200+10)
			instances = append(instances, Instance{
				ID: id, Cluster: name, AutoScalingGroup: AutoScalingGroupOf(group), VPC: vpc, Name: nodeName,
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
	own, _ := group.Inputs["labels"].(map[string]any)
	for key, value := range own {
		labels[key] = fmt.Sprint(value)
	}
	return labels
}

// nodeSecurityGroups: a launch template's groups replace the one that EKS would put on the nodes.
func nodeSecurityGroups(objects *store.Store, cluster, group *store.Object) []string {
	for _, id := range valuesAt(group.Inputs, "launchTemplate.id") {
		if template := objects.Get(LaunchTemplate, id); template != nil {
			if groups := valuesAt(template.Inputs, "vpcSecurityGroupIds[]"); len(groups) > 0 {
				return groups
			}
		}
	}
	return []string{ClusterSecurityGroup(cluster)}
}

package awsrules

import (
	"encoding/base64"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
)

// Type tokens of a cluster and its add-ons.
const (
	Cluster       = "aws:eks/cluster:Cluster"
	Addon         = "aws:eks/addon:Addon"
	resourceInUse = "ResourceInUseException"
)

var ofCluster = ref{path: "clusterName", to: Cluster, missing: "ResourceNotFoundException"}

var cluster = &rule{
	token: Cluster, args: (*eks.ClusterArgs)(nil), resource: (*eks.Cluster)(nil), id: byName,
	autoName: "name", maxName: 100, unique: "name",
	replace: []string{"name", "roleArn", "kubernetesNetworkConfig"},
	refs: []ref{
		{path: "roleArn", to: Role, attr: "arn", missing: "InvalidParameterException"},
		{path: "vpcConfig.subnetIds[]", to: Subnet, missing: "InvalidParameterException", inUse: violation},
		{path: "vpcConfig.securityGroupIds[]", to: SecurityGroup, missing: "InvalidParameterException", inUse: violation},
	},
	prepare: twoZones, outputs: clusterOutputs,
	stable:  []string{"endpoint", "certificateAuthority", "certificateAuthorities", "identities", "arn"},
	created: createClusterGroup, deleted: deleteClusterGroup,
	failed: "FAILED", reason: "InternalFailure: the control plane could not be created",
	pending: "CREATING", ready: "ACTIVE", createTakes: 10 * time.Minute, deleteTakes: 3 * time.Minute,
}

// IssuerOf is the URL of a cluster's OIDC issuer.
func IssuerOf(cluster *store.Object) string {
	return cluster.Outputs.Text("identities[].oidcs[].issuer")
}

// ClusterSecurityGroup is the id of the group that EKS makes for a cluster and puts on its nodes.
func ClusterSecurityGroup(cluster *store.Object) string {
	return "sg-" + lowerHash(cluster.ID+"/cluster", 17)
}

func clusterOutputs(c *call) properties {
	name := c.text("name")
	id := strings.ToUpper(lowerHash(Account+c.region+name, 32))
	authority := map[string]any{"data": base64.StdEncoding.EncodeToString([]byte("local cluster " + name))}
	issuer := fmt.Sprintf("https://oidc.eks.%s.amazonaws.com/id/%s", c.region, id)
	network := map[string]any(maps.Clone(c.object.Inputs.Object("vpcConfig")))
	network["clusterSecurityGroupId"] = ClusterSecurityGroup(c.object)
	if subnets := c.object.Inputs.Texts("vpcConfig.subnetIds[]"); len(subnets) > 0 {
		if subnet := c.store.Get(Subnet, subnets[0]); subnet != nil {
			network["vpcId"] = subnet.Text("vpcId")
		}
	}
	return properties{
		"arn": c.regional("eks", "cluster/"+name), "status": c.object.Status, "vpcConfig": network,
		"endpoint":               fmt.Sprintf("https://%s.gr7.%s.eks.amazonaws.com", id, c.region),
		"certificateAuthority":   authority,
		"certificateAuthorities": []any{authority},
		"identities":             []any{map[string]any{"oidcs": []any{map[string]any{"issuer": issuer}}}},
		"platformVersion":        "eks.1",
	}
}

func twoZones(c *call) error {
	zones := map[string]bool{}
	for _, id := range c.object.Inputs.Texts("vpcConfig.subnetIds[]") {
		zones[c.store.Get(Subnet, id).Text("availabilityZone")] = true
	}
	if len(zones) < 2 {
		return apiError("InvalidParameterException", "Subnets specified must be in at least two different AZs")
	}
	return nil
}

func createClusterGroup(c *call) error {
	group := &store.Object{
		Type: SecurityGroup, ID: ClusterSecurityGroup(c.object), Created: time.Now().UTC(),
		Inputs: properties{"name": "eks-cluster-sg-" + c.object.ID, "vpcId": c.object.Outputs.Text("vpcConfig.vpcId")},
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

var addon = &rule{
	token: Addon, args: (*eks.AddonArgs)(nil), resource: (*eks.Addon)(nil),
	id:      func(c *call) string { return c.text("clusterName") + ":" + c.text("addonName") },
	replace: []string{"clusterName", "addonName"}, refs: []ref{ofCluster}, prepare: isNew("Addon"),
	failed: "CREATE_FAILED", reason: "InsufficientNumberOfReplicas: the add-on is unhealthy because all deployments have all pods unscheduled",
	pending: "CREATING", ready: "ACTIVE", createTakes: 30 * time.Second,
}

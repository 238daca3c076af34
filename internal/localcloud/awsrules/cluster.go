package awsrules

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strconv"
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
	prepare: clusterFits, outputs: clusterOutputs,
	stable:  []string{"endpoint", "certificateAuthority", "certificateAuthorities", "identities", "arn"},
	created: letIn, deleted: deleteClusterGroup,
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

// clusterFits is about subnets, versions and keys: https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html
// and API_UpdateClusterConfig.html
func clusterFits(c *call) error {
	zones, err := c.clusterZones()
	if err != nil {
		return err
	}
	before := c.store.Get(Cluster, c.object.ID)
	if c.isNew() || before == nil {
		c.object.Private["zones"] = zones
		return nil
	}
	if err := subnetsMayChange(c, before, zones); err != nil {
		return err
	}
	if key := before.Inputs.Text("encryptionConfig.provider.keyArn"); key != "" &&
		key != c.object.Inputs.Text("encryptionConfig.provider.keyArn") {
		return apiError("InvalidParameterException", "encryption of secrets cannot be changed or disabled once it is enabled")
	}
	return versionMayChange(before.Text("version"), c.object.Inputs.Text("version"))
}

// clusterZones are the zones of the cluster's subnets: two at least, and none where EKS is not.
func (c *call) clusterZones() ([]any, error) {
	var zones []any
	for _, id := range c.object.Inputs.Texts("vpcConfig.subnetIds[]") {
		zone := c.store.Get(Subnet, id).Text("availabilityZone")
		if slices.Contains(withoutEKS, zoneID(c.region, zone)) {
			return nil, apiError("UnsupportedAvailabilityZoneException",
				"Cannot create cluster because %s, the targeted availability zone, does not currently have sufficient capacity", zone)
		}
		if !slices.Contains(zones, any(zone)) {
			zones = append(zones, zone)
		}
	}
	if len(zones) < 2 {
		return nil, apiError("InvalidParameterException", "Subnets specified must be in at least two different AZs")
	}
	return zones, nil
}

// subnetsMayChange: other subnets are of the same VPC and in zones that were there at the creation.
// https://github.com/aws/containers-roadmap/issues/2330
func subnetsMayChange(c *call, before *store.Object, zones []any) error {
	created := before.Private.Texts("zones[]")
	for _, zone := range zones {
		if !slices.Contains(created, fmt.Sprint(zone)) {
			return apiError("InvalidParameterException", "Provided subnets belong to the AZs %v. But they should belong to the exact set of "+
				"AZs %v in which subnets were provided during cluster creation.", zones, created)
		}
	}
	for _, id := range c.object.Inputs.Texts("vpcConfig.subnetIds[]") {
		if c.store.Get(Subnet, id).Text("vpcId") != before.Outputs.Text("vpcConfig.vpcId") {
			return apiError("InvalidParameterException", "Provided subnets %s do not belong to the VPC of the cluster", id)
		}
	}
	return nil
}

// versionMayChange: one minor version forward at a time: https://docs.aws.amazon.com/eks/latest/userguide/update-cluster.html
func versionMayChange(before, after string) error {
	if from, to := minorOf(before), minorOf(after); from != 0 && to != 0 && to != from && to != from+1 {
		return apiError("InvalidParameterException", "Unsupported Kubernetes minor version update from %s to %s", before, after)
	}
	return nil
}

func minorOf(version string) int {
	_, minor, _ := strings.Cut(version, ".")
	n, err := strconv.Atoi(minor)
	if err != nil {
		return 0
	}
	return n
}

// letIn makes the cluster's security group, and the access entry of whoever made the cluster, which is theirs unless
// bootstrapClusterCreatorAdminPermissions is false: https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateAccessConfigRequest.html
func letIn(c *call) error {
	if bootstrap, said := c.object.Inputs.Object("accessConfig")["bootstrapClusterCreatorAdminPermissions"]; !said || bootstrap == true {
		entry := &store.Object{
			Type: accessEntryType, ID: c.object.ID + ":" + callerARN(c.region), Created: time.Now().UTC(),
			Inputs: properties{"clusterName": c.object.ID, "principalArn": callerARN(c.region)},
		}
		entry.Outputs = maps.Clone(entry.Inputs)
		if err := c.store.Put(entry); err != nil {
			return err
		}
	}
	return createClusterGroup(c)
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
		return o.Scope == c.object.ID || o.Type == SecurityGroup && o.ID == ClusterSecurityGroup(c.object) ||
			o.Type == accessEntryType && o.URN == "" && o.Text("clusterName") == c.object.ID
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
	replace: []string{"clusterName", "addonName"}, refs: []ref{ofCluster}, prepare: addonFits,
	failed: "CREATE_FAILED", reason: "InsufficientNumberOfReplicas: the add-on is unhealthy because all deployments have all pods unscheduled",
	pending: "CREATING", ready: "ACTIVE", createTakes: 30 * time.Second,
}

// addonFits: an add-on of one name once, of a version for the cluster's, and one that runs pods only where nodes are.
func addonFits(c *call) error {
	if err := isNew("Addon")(c); err != nil {
		return err
	}
	cluster := c.store.Get(Cluster, c.text("clusterName"))
	if version := c.object.Inputs.Text("addonVersion"); version != "" && strings.HasSuffix(version, madeUp) &&
		!strings.HasPrefix(version, addonVersion(cluster.Text("version"))) {
		return apiError("InvalidParameterException", "Addon version specified is not supported: %s %s with Kubernetes %s",
			c.text("addonName"), version, cluster.Text("version"))
	}
	if c.text("addonName") == "coredns" && len(Instances(c.store, cluster.ID)) == 0 {
		return apiError("InsufficientNumberOfReplicas", "waiting for EKS Add-On (%s) create: the add-on is unhealthy because it doesn't "+
			"have the desired number of replicas", c.object.ID)
	}
	return nil
}

// madeUp marks versions of add-ons that the local AWS offers: one for each version of Kubernetes.
const madeUp = "-eksbuild.1"

func addonVersion(kubernetes string) string { return "v" + kubernetes + ".0" }

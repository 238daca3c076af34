package cluster

import (
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/change"
	"github.com/apigateway-ingress/apigateway-ingress/components/componenttest"
	"github.com/apigateway-ingress/apigateway-ingress/components/network"
	"github.com/apigateway-ingress/apigateway-ingress/components/target"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

var ownVPC = network.VPC{ID: pulumi.String("vpc-1"), PrivateSubnetIDs: pulumi.ToStringArray([]string{"subnet-1", "subnet-2"})}

func run(t *testing.T, settings Settings) *componenttest.Graph {
	t.Helper()
	return componenttest.Run(t, func(ctx *pulumi.Context) error {
		_, err := New(ctx, "c", &Args{
			Settings: settings, Network: ownVPC,
		})
		return err
	})
}

func TestControlPlaneAndNodeGroups(t *testing.T) {
	graph := run(t, Settings{
		PublicAccessCIDRs: pulumi.ToStringArray([]string{"203.0.113.0/24"}), ControlPlaneLogs: []string{"audit"},
		Admins: pulumi.ToStringArray([]string{"arn:aws:iam::111122223333:role/ops"}),
		Addons: []Addon{{Name: "coredns", Version: "v1.11.4-eksbuild.2"}, {Name: PodIdentityAgent}},
		NodeGroups: []NodeGroup{{Name: "spot", Count: 2, Max: 5, Spot: true, Arm: true, InstanceTypes: []string{"t4g.large"},
			Taints: []string{"team=a:NoSchedule"}}},
	})
	require.JSONEq(t, `{"publicAccessCidrs":["203.0.113.0/24"],"enabledClusterLogTypes":["audit"],"endpointPrivateAccess":true,"endpointPublicAccess":true,"authenticationMode":"API","corednsAddonOptions":{"enabled":false,"resolveConflictsOnCreate":"OVERWRITE","resolveConflictsOnUpdate":"OVERWRITE"}}`,
		graph.One(t, "eks:index:Cluster").JSON(t, "publicAccessCidrs", "enabledClusterLogTypes", "endpointPrivateAccess",
			"endpointPublicAccess", "authenticationMode", "corednsAddonOptions"))
	require.JSONEq(t, `{"capacityType":"SPOT","amiType":"AL2023_ARM_64_STANDARD","scalingConfig":{"minSize":2,"desiredSize":2,"maxSize":5},"taints":[{"key":"team","value":"a","effect":"NO_SCHEDULE"}],"version":"1.36"}`,
		graph.One(t, "aws:eks/nodeGroup:NodeGroup").JSON(t, "capacityType", "amiType", "scalingConfig", "taints", "version"))
	versions := map[any]any{}
	for _, addon := range graph.All("aws:eks/addon:Addon") {
		versions[addon.Inputs["addonName"]] = addon.Inputs["addonVersion"]
		require.Contains(t, addon.DependsOn, "aws:eks/nodeGroup:NodeGroup c-spot", "its pods need nodes")
	}
	require.Equal(t, map[any]any{"coredns": "v1.11.4-eksbuild.2", "eks-pod-identity-agent": "v1.36.0-eksbuild.1"}, versions,
		"one follows the cluster")
	require.Equal(t, "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
		graph.One(t, "aws:eks/accessPolicyAssociation:AccessPolicyAssociation").Inputs["policyArn"])
}

func TestExistingClusterMakesNothingButAProvider(t *testing.T) {
	existing := &Existing{Name: pulumi.String("theirs"), Endpoint: pulumi.String("https://example.com"), Zones: []string{"a", "b"}}
	existing.Nodes = target.Nodes{SecurityGroupID: pulumi.String("sg-1"), AutoScalingGroups: pulumi.StringMap{"asg": pulumi.String("asg")}}
	graph := run(t, Settings{Existing: existing})
	require.Nil(t, graph.One(t, "pulumi:providers:kubernetes").Inputs["deleteUnreachable"],
		"a network fault must not make the state forget what stands in it")
	require.Equal(t, true, run(t, Settings{}).One(t, "pulumi:providers:kubernetes").Inputs["deleteUnreachable"])
	require.Contains(t, graph.One(t, "pulumi:providers:kubernetes").Inputs["kubeconfig"], "get-token")
	require.Empty(t, graph.All("eks:index:Cluster"))
	require.ErrorContains(t, existing.CheckZones([]string{"a"}), "has nodes in b, where the load balancer has no subnet")
	existing.Kubeconfig = pulumi.String("mine")
	require.NotContains(t, run(t, Settings{Existing: existing}).One(t, "pulumi:providers:kubernetes").JSON(t, "kubeconfig"), "get-token")
}

// EC2 refuses a specification without tags, and the provider's default tags do not reach what the template makes.
func TestTagsOfWhatTheTemplateMakes(t *testing.T) {
	require.Nil(t, run(t, Settings{}).One(t, "aws:ec2/launchTemplate:LaunchTemplate").Inputs["tagSpecifications"])
	graph := &componenttest.Graph{Region: "cn-north-1", Partition: "aws-cn"}
	require.NoError(t, componenttest.TryRun(graph, func(ctx *pulumi.Context) error {
		_, err := New(ctx, "c", &Args{Network: ownVPC, Tags: pulumi.StringMap{"team": pulumi.String("a")}})
		return err
	}))
	var tagged []any
	for _, s := range graph.One(t, "aws:ec2/launchTemplate:LaunchTemplate").Inputs["tagSpecifications"].([]any) {
		require.Equal(t, map[string]any{"team": "a"}, s.(map[string]any)["tags"])
		tagged = append(tagged, s.(map[string]any)["resourceType"])
	}
	require.Equal(t, []any{"instance", "network-interface", "volume"}, tagged)
	for _, role := range graph.All("aws:iam/role:Role") {
		if role.Name == "c-node" {
			require.Contains(t, role.Inputs["assumeRolePolicy"], `"ec2.amazonaws.com.cn"`)
		}
	}
}

func TestAdminsOfOneNameInTwoAccounts(t *testing.T) {
	graph := run(t, Settings{Admins: pulumi.ToStringArray([]string{"arn:aws:iam::111122223333:role/ops",
		"arn:aws:iam::444455556666:role/ops"})})
	require.Len(t, graph.All("aws:eks/accessEntry:AccessEntry"), 2)
}

func TestChangesThatEKSRefuses(t *testing.T) {
	groups := func(count, low, high float64) []any {
		return []any{map[string]any{"name": "", "count": count, "min": low, "max": high}}
	}
	for _, c := range []struct {
		old, new change.Inputs
		problem  string
	}{
		{change.Inputs{"version": "1.34"}, change.Inputs{"version": "1.35"}, ""},
		{change.Inputs{"version": "1.34"}, change.Inputs{"version": "1.36"}, `Set kubernetesVersion: "1.35" and run up, then the next`},
		{change.Inputs{"version": "1.35"}, change.Inputs{"version": "1.34"}, "cannot go back"},
		{change.Inputs{"existing": ""}, change.Inputs{"existing": "theirs"}, "from the stack's own to theirs"},
		{change.Inputs{"secretsKmsKeyArn": ""}, change.Inputs{"secretsKmsKeyArn": "a"}, ""},
		{change.Inputs{"secretsKmsKeyArn": "a"}, change.Inputs{"secretsKmsKeyArn": ""}, "secretsKmsKeyArn cannot change or be taken away"},
		{change.Inputs{"nodeGroups": groups(3, 3, 3)}, change.Inputs{"nodeGroups": groups(4, 4, 4)}, ""},
		{change.Inputs{"nodeGroups": groups(3, 2, 5)}, change.Inputs{"nodeGroups": groups(4, 2, 5)}, "count cannot change from 3 to 4"},
	} {
		if err := mayChange(c.old, c.new); c.problem == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, c.problem)
		}
	}
	require.ErrorContains(t, scalingMayChange("g", change.Inputs{"scalingConfig": map[string]any{"minSize": 5.0, "desiredSize": 3.0}}),
		"min cannot rise to 5, above the 3 nodes")
}

func TestBadSettings(t *testing.T) {
	list := func(texts ...string) pulumi.StringArray { return pulumi.ToStringArray(texts) }
	for want, s := range map[string]Settings{
		"203.0.113.0/24 and 203.0.113.128/25 overlap": {PublicAccessCIDRs: list("203.0.113.0/24", "203.0.113.128/25")},
		`PublicAccessCIDRs: "10.0.0.1/8"`:             {PublicAccessCIDRs: list("10.0.0.1/8")},
		"has no meaning with PrivateEndpoint":         {PrivateEndpoint: true, PublicAccessCIDRs: list("10.0.0.0/8")},
		`ControlPlaneLogs: "all"`:                     {ControlPlaneLogs: []string{"all"}},
		`SecretsKMSKeyARN "alias/x" is malformed`:     {SecretsKMSKeyARN: pulumi.String("alias/x")},
		`Admins: "ops"`:                               {Admins: list("ops")},
		"role/ops is named twice":                     {Admins: list("arn:aws:iam::111122223333:role/ops", "arn:aws:iam::111122223333:role/ops")},
		`"latest" is not a version such as`:           {Addons: []Addon{{Name: "coredns", Version: "latest"}}},
		"min 3, count 1 and max 1 are not in order":   {NodeGroups: []NodeGroup{{Count: 1, Min: 3}}},
		`taint "x" is not of the form`:                {NodeGroups: []NodeGroup{{Taints: []string{"x"}}}},
		"NodeGroups[1]: name \"\" is not valid":       {NodeGroups: []NodeGroup{{}, {}}},
		"Existing.Name is required":                   {Existing: &Existing{}},
	} {
		require.ErrorContains(t, s.complete().check(), want)
	}
}

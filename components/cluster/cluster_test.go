package cluster

import (
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/componenttest"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

func run(t *testing.T, settings Settings) *componenttest.Graph {
	t.Helper()
	return componenttest.Run(t, func(ctx *pulumi.Context) error {
		_, err := New(ctx, "c", &Args{
			Settings: settings, VpcID: pulumi.String("vpc-1"),
			PublicSubnetIDs: pulumi.StringArray{}, PrivateSubnetIDs: pulumi.StringArray{pulumi.String("subnet-1"), pulumi.String("subnet-2")},
		})
		return err
	})
}

func TestControlPlaneAndNodeGroups(t *testing.T) {
	graph := run(t, Settings{
		PublicAccessCIDRs: []string{"203.0.113.0/24"}, ControlPlaneLogs: []string{"audit"}, Admins: []string{"arn:aws:iam::111122223333:role/ops"},
		Addons:     []Addon{{Name: "coredns", Version: "v1.11.4-eksbuild.2"}, {Name: PodIdentityAgent}},
		NodeGroups: []NodeGroup{{Name: "spot", Count: 2, Max: 5, Spot: true, Arm: true, InstanceTypes: []string{"t4g.large"}, Taints: []string{"team=a:NoSchedule"}}},
	})
	require.JSONEq(t, `{"publicAccessCidrs":["203.0.113.0/24"],"enabledClusterLogTypes":["audit"],"endpointPrivateAccess":true,"endpointPublicAccess":true,"authenticationMode":"API","corednsAddonOptions":{"enabled":true,"resolveConflictsOnCreate":"OVERWRITE","resolveConflictsOnUpdate":"OVERWRITE","version":"v1.11.4-eksbuild.2"}}`,
		graph.One(t, "eks:index:Cluster").JSON(t, "publicAccessCidrs", "enabledClusterLogTypes", "endpointPrivateAccess", "endpointPublicAccess", "authenticationMode", "corednsAddonOptions"))
	require.JSONEq(t, `{"capacityType":"SPOT","amiType":"AL2023_ARM_64_STANDARD","scalingConfig":{"minSize":2,"desiredSize":2,"maxSize":5},"taints":[{"key":"team","value":"a","effect":"NO_SCHEDULE"}]}`,
		graph.One(t, "aws:eks/nodeGroup:NodeGroup").JSON(t, "capacityType", "amiType", "scalingConfig", "taints"))
	require.Equal(t, "eks-pod-identity-agent", graph.One(t, "aws:eks/addon:Addon").Inputs["addonName"])
	require.Equal(t, "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy", graph.One(t, "aws:eks/accessPolicyAssociation:AccessPolicyAssociation").Inputs["policyArn"])
}

func TestExistingClusterMakesNothingButAProvider(t *testing.T) {
	existing := &Existing{Name: "theirs", Endpoint: "https://example.com", AutoScalingGroups: []string{"asg"}, Zones: []string{"a", "b"}}
	graph := run(t, Settings{Existing: existing})
	require.Contains(t, graph.One(t, "pulumi:providers:kubernetes").Inputs["kubeconfig"], "get-token")
	require.Empty(t, graph.All("eks:index:Cluster"))
	require.ErrorContains(t, existing.CheckZones([]string{"a"}), "has nodes in b, where the load balancer has no subnet")
	existing.Kubeconfig = "mine"
	require.NotContains(t, run(t, Settings{Existing: existing}).One(t, "pulumi:providers:kubernetes").JSON(t, "kubeconfig"), "get-token")
}

func TestBadSettings(t *testing.T) {
	for want, s := range map[string]Settings{
		"203.0.113.0/24 and 203.0.113.128/25 overlap": {PublicAccessCIDRs: []string{"203.0.113.0/24", "203.0.113.128/25"}},
		`publicAccessCidrs: "10.0.0.1/8"`:             {PublicAccessCIDRs: []string{"10.0.0.1/8"}},
		"has no meaning with clusterPrivate":          {PrivateEndpoint: true, PublicAccessCIDRs: []string{"10.0.0.0/8"}},
		`controlPlaneLogs: "all"`:                     {ControlPlaneLogs: []string{"all"}},
		"is not the ARN of a KMS key":                 {SecretsKMSKeyARN: "alias/x"},
		`clusterAdmins: "ops"`:                        {Admins: []string{"ops"}},
		`"latest" is not a version such as`:           {Addons: []Addon{{Name: "coredns", Version: "latest"}}},
		"min 3, count 1 and max 1 are not in order":   {NodeGroups: []NodeGroup{{Count: 1, Min: 3}}},
		`taint "x" is not of the form`:                {NodeGroups: []NodeGroup{{Taints: []string{"x"}}}},
		"nodeGroups[1]: name \"\" is not valid":       {NodeGroups: []NodeGroup{{}, {}}},
		"has no managed node group":                   {Existing: &Existing{Name: "c", Endpoint: "e"}},
	} {
		require.ErrorContains(t, s.Validate(), want)
	}
}

package platform_test

import (
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/cluster"
	"github.com/apigateway-ingress/apigateway-ingress/components/componenttest"
	"github.com/apigateway-ingress/apigateway-ingress/components/network"
	"github.com/apigateway-ingress/apigateway-ingress/components/platform"
	"github.com/apigateway-ingress/apigateway-ingress/components/target"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

func logGroups(t *testing.T, graph *componenttest.Graph) map[string]string {
	t.Helper()
	groups := map[string]string{}
	for _, r := range graph.All("aws:cloudwatch/logGroup:LogGroup") {
		groups[r.Name] = r.JSON(t, "retentionInDays", "kmsKeyId")
	}
	return groups
}

func TestHardened(t *testing.T) {
	args := bookstore(t, "ingress.yaml")
	args.Profile = platform.Hardened
	graph := componenttest.Run(t, declare(args))
	require.Equal(t, true, graph.One(t, "aws:apigateway/stage:Stage").Inputs["xrayTracingEnabled"])
	for _, r := range graph.All("aws:apigateway/methodSettings:MethodSettings") {
		require.Equal(t, "ERROR", dig(r.Inputs, "settings", "loggingLevel"), r.Name)
	}
	require.NotEmpty(t, graph.All("aws:apigateway/methodSettings:MethodSettings"))
	require.Len(t, graph.All("aws:wafv2/webAclAssociation:WebAclAssociation"), 1)
	require.Len(t, graph.All("aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration"), 1)
	require.Len(t, graph.All("aws:ec2/flowLog:FlowLog"), 1)
	require.Equal(t, true, graph.One(t, "aws:lb/loadBalancer:LoadBalancer").Inputs["enableDeletionProtection"])
	key := graph.One(t, "aws:kms/key:Key")
	require.Equal(t, true, key.Inputs["enableKeyRotation"])
	require.Contains(t, key.Inputs["policy"], "arn:aws:logs:us-east-1:111122223333:log-group:*")
	groups := logGroups(t, graph)
	require.Len(t, groups, 3)
	for name, group := range groups {
		require.Contains(t, group, `"retentionInDays":365`, name)
		require.Contains(t, group, `"kmsKeyId":"arn:aws:mock:us-east-1:111122223333:shop"`, name)
	}
	control := graph.One(t, "eks:index:Cluster")
	require.Equal(t, false, control.Inputs["endpointPublicAccess"])
	require.Equal(t, "arn:aws:mock:us-east-1:111122223333:shop", control.Inputs["encryptionConfigKeyArn"])
	require.Contains(t, control.Inputs["enabledClusterLogTypes"], "audit")
}

// What the arguments say holds, whatever the profile; what is not the stack's stays as it is.
func TestArgumentsWinOverTheProfile(t *testing.T) {
	args := bookstore(t, "ingress.yaml")
	args.Profile, args.ProfileExceptions = platform.Hardened, []string{"deletionProtection", "webAclManaged", "createKmsKey"}
	args.Gateway.Stage.LogRetentionDays, args.Gateway.Stage.ExecutionLogs = 90, "INFO"
	args.Cluster.PublicAccessCIDRs = pulumi.ToStringArray([]string{"203.0.113.0/24"})
	args.Cluster.ControlPlaneLogs = []string{"audit"}
	graph := componenttest.Run(t, declare(args))
	require.Empty(t, graph.All("aws:kms/key:Key"))
	require.Empty(t, graph.All("aws:wafv2/webAcl:WebAcl"))
	require.Equal(t, false, graph.One(t, "aws:lb/loadBalancer:LoadBalancer").Inputs["enableDeletionProtection"])
	require.Contains(t, logGroups(t, graph)["shop"], `"retentionInDays":90`)
	control := graph.One(t, "eks:index:Cluster")
	require.Equal(t, true, control.Inputs["endpointPublicAccess"], "ranges are of a public endpoint")
	require.Equal(t, []any{"audit"}, control.Inputs["enabledClusterLogTypes"])

	args = bookstore(t, "ingress.yaml")
	args.Profile, args.PodRole.Mode = platform.Hardened, "none"
	args.Network.Existing = &network.VPC{ID: pulumi.String("vpc-1"), PrivateSubnetIDs: pulumi.ToStringArray([]string{"subnet-1", "subnet-2"})}
	args.Cluster.Existing = &cluster.Existing{Name: pulumi.String("prod"), Kubeconfig: pulumi.String("{}"), Nodes: target.Nodes{
		SecurityGroupID: pulumi.String("sg-1"), AutoScalingGroups: pulumi.StringMap{"a": pulumi.String("a")},
	}}
	require.Empty(t, componenttest.Run(t, declare(args)).All("aws:ec2/flowLog:FlowLog"))

	args = bookstore(t, "ingress.yaml")
	args.ProfileExceptions = []string{"nodePort"}
	require.ErrorContains(t, args.Validate("shop"), "ProfileExceptions[0]: the profile hardened does not set nodePort")
	args.ProfileExceptions, args.Profile = nil, "strict"
	require.ErrorContains(t, args.Validate("shop"), `Profile "strict" is not known`)
}

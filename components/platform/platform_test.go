package platform_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/cluster"
	"github.com/apigateway-ingress/apigateway-ingress/components/componenttest"
	"github.com/apigateway-ingress/apigateway-ingress/components/gateway"
	"github.com/apigateway-ingress/apigateway-ingress/components/platform"
	"github.com/apigateway-ingress/apigateway-ingress/components/podrole"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	"github.com/apigateway-ingress/apigateway-ingress/internal/golden"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

func bookstore(t *testing.T, manifest string) *platform.Args {
	t.Helper()
	manifests, err := ingress.Read([]string{"../../examples/bookstore/" + manifest}, nil)
	require.NoError(t, err)
	return &platform.Args{
		Manifests: manifests,
		Services: []platform.Service{
			{Name: "bookservice", Spec: platform.Spec{Image: pulumi.String("books:1"), Port: 80}},
			{Name: "authorservice", Spec: platform.Spec{Image: pulumi.String("authors:1"), Port: 80}},
		},
		Gateway: gateway.Settings{Access: gateway.Access{ClientUser: true}},
		Tags:    pulumi.StringMap{"managed-by": pulumi.String("test")},
	}
}

func declare(args *platform.Args) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		_, err := platform.New(ctx, "shop", args)
		return err
	}
}

func TestGraph(t *testing.T) {
	graph := componenttest.Run(t, declare(bookstore(t, "ingress.yaml")))
	golden.Equal(t, "testdata/graph.golden", graph.Tree())
	require.Empty(t, graph.All("aws:apigateway/restApiPolicy:RestApiPolicy"), "a separate policy is lost when the body changes")
	require.Empty(t, graph.All("aws:apigateway/resource:Resource"), "the number of resources must not grow with the routes")

	same := componenttest.Run(t, declare(bookstore(t, "ingress-v1.yaml")))
	require.Equal(t, graph.Tree(), same.Tree())
	require.Equal(t, graph.One(t, "aws:apigateway/restApi:RestApi").Inputs, same.One(t, "aws:apigateway/restApi:RestApi").Inputs)
}

func TestEveryAWSResourceIsTagged(t *testing.T) {
	graph := componenttest.Run(t, declare(bookstore(t, "ingress.yaml")))
	for _, token := range []string{
		"aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:ec2/securityGroup:SecurityGroup", "aws:lb/loadBalancer:LoadBalancer",
		"aws:lb/targetGroup:TargetGroup", "aws:apigateway/restApi:RestApi", "aws:apigateway/stage:Stage", "aws:iam/role:Role",
		"aws:iam/user:User", "aws:eks/nodeGroup:NodeGroup", "aws:cloudwatch/logGroup:LogGroup",
	} {
		for _, r := range graph.All(token) {
			tags, _ := r.Inputs["tags"].(map[string]any)
			require.Equal(t, "test", tags["managed-by"], "%s %s", r.Type, r.Name)
		}
	}
}

func TestNothingOpensNodesToAnAddressRange(t *testing.T) {
	graph := componenttest.Run(t, declare(bookstore(t, "ingress.yaml")))
	ingress := graph.One(t, "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
	require.JSONEq(t, `{"securityGroupId":"sg-nodes","referencedSecurityGroupId":"shop-nlb-id","ipProtocol":"tcp","fromPort":30080,"toPort":30080,"cidrIpv4":null}`,
		ingress.JSON(t, "securityGroupId", "referencedSecurityGroupId", "ipProtocol", "fromPort", "toPort", "cidrIpv4"))
	egress := graph.One(t, "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")
	require.JSONEq(t, `{"securityGroupId":"shop-nlb-id","referencedSecurityGroupId":"sg-nodes","cidrIpv4":null}`,
		egress.JSON(t, "securityGroupId", "referencedSecurityGroupId", "cidrIpv4"))
	balancer := graph.One(t, "aws:lb/loadBalancer:LoadBalancer")
	require.JSONEq(t, `{"internal":true,"loadBalancerType":"network","enforceSecurityGroupInboundRulesOnPrivateLinkTraffic":"off","enableCrossZoneLoadBalancing":true,"securityGroups":["shop-nlb-id"]}`,
		balancer.JSON(t, "internal", "loadBalancerType", "enforceSecurityGroupInboundRulesOnPrivateLinkTraffic",
			"enableCrossZoneLoadBalancing", "securityGroups"))
}

func TestNodesKeepTheirCredentials(t *testing.T) {
	graph := componenttest.Run(t, declare(bookstore(t, "ingress.yaml")))
	template := graph.One(t, "aws:ec2/launchTemplate:LaunchTemplate")
	require.JSONEq(t, `{"metadataOptions":{"httpEndpoint":"enabled","httpTokens":"required","httpPutResponseHopLimit":1}}`,
		template.JSON(t, "metadataOptions"))
	group := graph.One(t, "aws:eks/nodeGroup:NodeGroup")
	require.JSONEq(t, `{"minSize":3,"desiredSize":3,"maxSize":3}`, mustJSON(t, group.Inputs["scalingConfig"]))
	require.Contains(t, group.DependsOn, "aws:iam/rolePolicyAttachment:RolePolicyAttachment shop-node-AmazonEKSWorkerNodePolicy",
		"a node cannot join before its role may")
}

// The load balancer, the link and the API must build while the cluster does.
func TestGatewayDoesNotWaitForTheCluster(t *testing.T) {
	graph := componenttest.Run(t, declare(bookstore(t, "ingress.yaml")))
	for _, token := range []string{"aws:lb/loadBalancer:LoadBalancer", "aws:lb/targetGroup:TargetGroup", "aws:lb/listener:Listener",
		"aws:apigateway/vpcLink:VpcLink", "aws:apigateway/restApi:RestApi"} {
		for _, dependency := range graph.One(t, token).DependsOn {
			require.NotContains(t, dependency, "eks", token)
		}
	}
	require.Contains(t, graph.One(t, "aws:apigateway/vpcLink:VpcLink").DependsOn, "aws:lb/listener:Listener shop-30080",
		"a link needs a listener")
}

func TestPodsAreRestricted(t *testing.T) {
	graph := componenttest.Run(t, declare(bookstore(t, "ingress.yaml")))
	deployments := graph.All("kubernetes:apps/v1:Deployment")
	require.Len(t, deployments, 3)
	for _, d := range deployments {
		spec := dig(d.Inputs, "spec", "template", "spec").(map[string]any)
		require.Equal(t, false, spec["automountServiceAccountToken"], d.Name)
		require.Equal(t, true, dig(spec, "securityContext", "runAsNonRoot"), d.Name)
		require.Equal(t, "RuntimeDefault", dig(spec, "securityContext", "seccompProfile", "type"), d.Name)
		container := spec["containers"].([]any)[0].(map[string]any)
		require.JSONEq(t, `{"allowPrivilegeEscalation":false,"readOnlyRootFilesystem":true,"capabilities":{"drop":["ALL"]}}`,
			mustJSON(t, container["securityContext"]), d.Name)
	}
}

func TestPodRole(t *testing.T) {
	irsa := componenttest.Run(t, declare(bookstore(t, "ingress.yaml")))
	require.JSONEq(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity",
		"Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/oidc.example.com/id/1"},
		"Condition":{"StringEquals":{"oidc.example.com/id/1:aud":"sts.amazonaws.com","oidc.example.com/id/1:sub":["system:serviceaccount:apigw-ingress:apigw-ingress"]}}}]}`,
		trustOf(t, irsa, "shop"))
	require.Empty(t, irsa.All("kubernetes:apps/v1:DaemonSet"))

	args := bookstore(t, "ingress.yaml")
	args.PodRole.Mode = podrole.Kube2IAM
	kube2iam := componenttest.Run(t, declare(args))
	require.JSONEq(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"arn:aws:iam::111122223333:role/shop-node"}}]}`,
		trustOf(t, kube2iam, "shop"))
	daemon := kube2iam.One(t, "kubernetes:apps/v1:DaemonSet")
	container := dig(daemon.Inputs, "spec", "template", "spec", "containers").([]any)[0].(map[string]any)
	require.Contains(t, container["args"], "--namespace-restrictions")
	golden.Equal(t, "testdata/graph-kube2iam.golden", kube2iam.Tree())
}

func trustOf(t *testing.T, graph *componenttest.Graph, role string) string {
	t.Helper()
	for _, r := range graph.All("aws:iam/role:Role") {
		if r.Name == role {
			return r.Inputs["assumeRolePolicy"].(string)
		}
	}
	t.Fatalf("no role %s", role)
	return ""
}

func TestResourceCountDoesNotGrowWithRoutes(t *testing.T) {
	few := componenttest.Run(t, declare(bookstore(t, "ingress.yaml")))
	for _, n := range []int{1, 10, 100, 300} {
		args := bookstore(t, "ingress.yaml")
		args.APIResourceQuota = 1000
		paths := &args.Manifests.Ingresses[0].Spec.Rules[0].HTTP.Paths
		for i := range n {
			more := (*paths)[0]
			more.Path = fmt.Sprintf("/more/%d", i)
			*paths = append(*paths, more)
		}
		require.Equal(t, few.Tree(), componenttest.Run(t, declare(args)).Tree(), n)
	}
}

func TestAllProblemsAreReportedBeforeTheFirstResource(t *testing.T) {
	args := bookstore(t, "ingress.yaml")
	args.Services[0].Name = "shop"
	args.Services[1].Replicas = -1
	args.Network.CIDR = "10.0.0.0/8"
	args.Cluster.NodeGroups = []cluster.NodeGroup{{Count: 451}}
	args.Proxy.NodePort = 80
	args.Gateway.Stage.LogRetentionDays = 2
	args.Network.ZoneCount = 1
	args.PodRole.Mode = "instance"
	graph := &componenttest.Graph{}
	err := componenttest.TryRun(graph, declare(args))
	for _, problem := range []string{
		"service default/bookservice is not declared", "Services[1].Replicas -1 is not from 1 to 1000", `Network.CIDR "10.0.0.0/8"`,
		"Cluster.NodeGroups[0].Count 451", "Proxy.NodePort 80", "Gateway.Stage.LogRetentionDays 2", "Network.ZoneCount 1 is not from 2 to 3",
		`PodRole.Mode "instance" is not known`,
	} {
		require.ErrorContains(t, err, problem)
	}
	require.Empty(t, graph.Tree(), "nothing may be registered")
}

func TestNames(t *testing.T) {
	for name, problem := range map[string]string{
		strings.Repeat("a", 21): "has 21 characters",
		"1shop":                 "use letters, digits and hyphens",
	} {
		require.ErrorContains(t, bookstore(t, "ingress.yaml").Validate(name), problem)
	}
}

func dig(value any, path ...string) any {
	for _, step := range path {
		fields, _ := value.(map[string]any)
		value = fields[step]
	}
	return value
}

func mustJSON(t *testing.T, value any) string {
	t.Helper()
	encoded, err := json.Marshal(value)
	require.NoError(t, err)
	return string(encoded)
}

package deploy

import (
	"fmt"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/componenttest"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

// existingCluster answers what AWS and Kubernetes know of a cluster that nobody here has made.
type existingCluster struct {
	componenttest.Graph
	// service is the spec of its only Service.
	service map[string]any
	// selfManaged is a cluster without managed node groups.
	selfManaged bool
}

func (e *existingCluster) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	answers := map[string]map[string]any{
		"aws:eks/getCluster:getCluster": {
			"endpoint": "https://existing", "certificateAuthorities": []any{map[string]any{"data": "YQ=="}}, "identities": []any{},
			"vpcConfig": map[string]any{"vpcId": "vpc-1", "subnetIds": []any{"subnet-d", "subnet-a", "subnet-b", "subnet-c"},
				"clusterSecurityGroupId": "sg-1"},
		},
		"aws:eks/getNodeGroups:getNodeGroups": {"names": []any{"workers"}},
		"aws:eks/getNodeGroup:getNodeGroup":   {"resources": []any{map[string]any{"autoscalingGroups": []any{map[string]any{"name": "asg"}}}}},
		"aws:autoscaling/getGroup:getGroup":   {"availabilityZones": []any{"us-east-1a", "us-east-1b"}},
		"aws:ec2/getVpc:getVpc": {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": true, "enableDnsSupport": true,
			"cidrBlockAssociations": []any{map[string]any{"cidrBlock": "10.0.0.0/16"}, map[string]any{"cidrBlock": "100.64.0.0/16"}}},
	}
	if e.selfManaged {
		answers["aws:eks/getNodeGroups:getNodeGroups"] = map[string]any{"names": []any{}}
	}
	if args.Token == "aws:ec2/getSubnet:getSubnet" {
		zones := map[string]string{"subnet-a": "us-east-1a", "subnet-b": "us-east-1b", "subnet-c": "us-east-1a", "subnet-d": "us-east-1b"}
		id := args.Args["id"].StringValue()
		return resource.NewPropertyMapFromMap(map[string]any{
			"vpcId": "vpc-1", "availabilityZone": zones[id], "mapPublicIpOnLaunch": id == "subnet-c", "availableIpAddressCount": 100,
		}), nil
	}
	if answer := answers[args.Token]; answer != nil {
		return resource.NewPropertyMapFromMap(answer), nil
	}
	return e.Graph.Call(args)
}

func (e *existingCluster) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	if args.ReadRPC != nil && args.TypeToken == "kubernetes:core/v1:Service" {
		return args.ID, resource.NewPropertyMapFromMap(map[string]any{"spec": e.service}), nil
	}
	return e.Graph.NewResource(args)
}

func publish(t *testing.T, service map[string]any, published string) (*existingCluster, error) {
	t.Helper()
	values := small()
	for _, key := range []string{"manifests", "services"} {
		delete(values, key)
	}
	values["clusterName"], values["publish"], values["podRole"] = "prod", published, "none"
	return publishOn(t, &existingCluster{service: service}, values)
}

func publishOn(t *testing.T, mocks *existingCluster, values map[string]string) (*existingCluster, error) {
	t.Helper()
	s, err := read(t, values)
	require.NoError(t, err)
	return mocks, pulumi.RunErr(s.declare, pulumi.WithMocks("apigateway-ingress", "stack", mocks))
}

// The cluster's name is enough: its VPC, and of its subnets the private ones by zone, come from its own description.
func TestClusterNameIsEnough(t *testing.T) {
	graph, err := publish(t, map[string]any{"type": "ClusterIP", "ports": []any{map[string]any{"port": 80, "name": "http"}}},
		`[{"service":"shop/front-end:80","auth":"none"},{"host":"","path":"/only","exact":true,"service":"shop/front-end:80","methods":["GET"]}]`)
	require.NoError(t, err)
	balancer := graph.One(t, "aws:lb/loadBalancer:LoadBalancer")
	require.ElementsMatch(t, []any{"subnet-a", "subnet-b"}, balancer.Inputs["subnets"])
	require.Empty(t, graph.All("aws:ec2/vpc:Vpc"))
	require.Contains(t, graph.Everything(t), "front-end.shop.svc.cluster.local")
	policy := fmt.Sprint(graph.One(t, "kubernetes:networking.k8s.io/v1:NetworkPolicy").Inputs)
	require.Contains(t, policy, "10.0.0.0/16")
	require.Contains(t, policy, "100.64.0.0/16", "nodes and load balancer may be in a range that the VPC got later")
}

// Nobody registers nodes that are in no managed node group; pods are registered by the Load Balancer Controller.
func TestNodesThatNobodyRegisters(t *testing.T) {
	for kind, problem := range map[string]string{"instance": "cluster prod has no managed node group", "ip": ""} {
		values := small()
		delete(values, "manifests")
		delete(values, "services")
		values["clusterName"], values["publish"], values["podRole"] = "prod", `[{"service":"shop/front-end:80"}]`, "none"
		values["targetType"] = kind
		service := map[string]any{"ports": []any{map[string]any{"port": 80}}}
		_, err := publishOn(t, &existingCluster{service: service, selfManaged: true}, values)
		if problem == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, problem)
	}
}

// What is not as the routes have it fails before anything is made of it.
func TestPublishedServicesMustFit(t *testing.T) {
	for want, service := range map[string]map[string]any{
		"service shop/front-end has 300, 9100 (metrics), not 80": {"ports": []any{map[string]any{"port": 300},
			map[string]any{"port": 9100, "name": "metrics"}}},
		"service shop/front-end is of type ExternalName": {"type": "ExternalName", "externalName": "example.com"},
	} {
		_, err := publish(t, service, `[{"service":"shop/front-end:80"}]`)
		require.ErrorContains(t, err, want)
	}
}

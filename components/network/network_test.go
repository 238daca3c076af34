package network

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/change"
	"github.com/apigateway-ingress/apigateway-ingress/components/componenttest"
	"github.com/apigateway-ingress/apigateway-ingress/components/location"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

func run(t *testing.T, args *Args) *componenttest.Graph {
	t.Helper()
	return componenttest.Run(t, func(ctx *pulumi.Context) error {
		_, err := New(ctx, "n", args)
		return err
	})
}

func TestSubnetsAreApartAndTagged(t *testing.T) {
	graph := run(t, &Args{Settings: Settings{CIDR: "10.1.0.0/20", ZoneCount: 3}})
	subnets := graph.All("aws:ec2/subnet:Subnet")
	require.Len(t, subnets, 6)
	vpc := netip.MustParsePrefix("10.1.0.0/20")
	var seen []netip.Prefix
	for _, s := range subnets {
		own := netip.MustParsePrefix(s.Inputs["cidrBlock"].(string))
		require.True(t, vpc.Contains(own.Addr()), own)
		for _, other := range seen {
			require.False(t, own.Overlaps(other), "%s and %s", own, other)
		}
		seen = append(seen, own)
		require.Nil(t, s.Inputs["mapPublicIpOnLaunch"], "nothing gets a public address by itself")
	}
	require.Equal(t, "1", subnets[0].Inputs["tags"].(map[string]any)["kubernetes.io/role/internal-elb"])
	require.Equal(t, "1", subnets[3].Inputs["tags"].(map[string]any)["kubernetes.io/role/elb"])
}

func TestNATGateways(t *testing.T) {
	require.Len(t, run(t, &Args{Settings: Settings{ZoneCount: 3}}).All("aws:ec2/natGateway:NatGateway"), 1)
	perZone := run(t, &Args{Settings: Settings{ZoneCount: 3, NAT: NATPerAZ}})
	require.Len(t, perZone.All("aws:ec2/natGateway:NatGateway"), 3)
	tables := map[any]bool{}
	for _, association := range perZone.All("aws:ec2/routeTableAssociation:RouteTableAssociation") {
		tables[association.Inputs["routeTableId"]] = true
	}
	require.Len(t, tables, 4, "one table for public subnets, and one for each private subnet")
}

func TestWithoutNATNodesReachAWSThroughEndpoints(t *testing.T) {
	graph := run(t, &Args{Settings: Settings{NAT: NATNone, InterfaceEndpoints: []string{"ecr.api", "sqs"}}})
	require.Empty(t, graph.All("aws:ec2/natGateway:NatGateway"))
	require.Empty(t, graph.All("aws:ec2/eip:Eip"))
	var services []any
	for _, endpoint := range graph.All("aws:ec2/vpcEndpoint:VpcEndpoint") {
		services = append(services, endpoint.Inputs["serviceName"])
	}
	want := []any{}
	for _, name := range []string{"s3", "autoscaling", "ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "elasticloadbalancing", "logs",
		"sts", "sqs"} {
		want = append(want, "com.amazonaws.us-east-1."+name)
	}
	require.ElementsMatch(t, want, services)
}

// The role is for flow logs of this account, whoever else asks the service to use it.
func TestFlowLogsAreOfThisAccount(t *testing.T) {
	graph := run(t, &Args{Settings: Settings{FlowLogDays: 7}})
	require.JSONEq(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"vpc-flow-logs.amazonaws.com"},
		"Condition":{"StringEquals":{"aws:SourceAccount":"111122223333"}}}]}`, graph.One(t, "aws:iam/role:Role").Inputs["assumeRolePolicy"].(string))
}

func TestTheVPCStays(t *testing.T) {
	own, larger := Args{Settings: Settings{CIDR: "10.0.0.0/16"}}, Args{Settings: Settings{CIDR: "10.8.0.0/16"}}
	theirs := Args{Settings: Settings{Existing: &VPC{ID: pulumi.String("vpc-1")}}}
	recorded := func(a Args) change.Inputs { return change.Inputs{"vpc": a.place()} }
	require.NoError(t, mayChange(recorded(own), recorded(own)))
	require.NoError(t, mayChange(change.Inputs{"nat": "single"}, recorded(own)), "a state of before this was recorded")
	require.ErrorContains(t, mayChange(recorded(own), recorded(larger)), "from 10.0.0.0/16 to 10.8.0.0/16")
	require.ErrorContains(t, mayChange(recorded(own), recorded(theirs)), "from 10.0.0.0/16 to vpc-1")
}

func TestZonesStay(t *testing.T) {
	in := func(zones ...any) change.Inputs {
		return change.Inputs{"vpc": "10.0.0.0/16", "availabilityZones": zones}
	}
	require.NoError(t, mayChange(in("a", "b"), in("a", "b", "c")))
	require.NoError(t, mayChange(in("a", "b", "c"), in("a", "b")))
	require.ErrorContains(t, mayChange(in("a", "b"), in("b", "c")), "subnets do not move")
}

func TestZonesAreThoseOfEKS(t *testing.T) {
	virginia := []Zone{{"us-east-1e", "use1-az2"}, {"us-east-1a", "use1-az3"}, {"us-east-1b", "use1-az6"}, {"us-east-1c", "use1-az1"}}
	chosen, err := ChooseZones(virginia, 2)
	require.NoError(t, err)
	require.Equal(t, []string{"us-east-1b", "us-east-1c"}, chosen)
	_, err = ChooseZones([]Zone{{"us-west-1a", "usw1-az2"}, {"us-west-1b", "usw1-az1"}}, 2)
	require.ErrorContains(t, err, "2 are wanted, and EKS is in 1 of the region's zones here: us-west-1b")
}

func TestEndpointsInChina(t *testing.T) {
	require.Equal(t, "cn.com.amazonaws.cn-north-1.ecr.api", InterfaceService("cn-north-1", "ecr.api"))
	require.Equal(t, "com.amazonaws.cn-north-1.logs", InterfaceService("cn-north-1", "logs"))
	require.Equal(t, "com.amazonaws.eu-west-1.ecr.api", InterfaceService("eu-west-1", "ecr.api"))
}

func TestBadArguments(t *testing.T) {
	_, err := Args{
		Settings: Settings{CIDR: "10.0.0.1/16", NAT: "many", InterfaceEndpoints: []string{"E C R"}, FlowLogDays: 2, Zones: []string{"a"},
			ZoneCount: 4},
		Location: location.Location{Partition: "aws-cn", Region: "eu-west-1", Account: "1"},
	}.Complete()
	for _, problem := range []string{
		`CIDR "10.0.0.1/16"`, "Zones: 1 given", "ZoneCount 4 is not from 2 to 3", `NAT "many" is not known`, `InterfaceEndpoints[0]: "E C R"`,
		"FlowLogDays 2",
		"Location.Region eu-west-1 is of the partition aws, not of aws-cn", `Location.Account "1" is malformed`,
	} {
		require.ErrorContains(t, err, problem)
	}
}

func TestExistingVPC(t *testing.T) {
	graph := run(t, &Args{Settings: Settings{Existing: &VPC{ID: pulumi.String("vpc-1"),
		PrivateSubnetIDs: pulumi.ToStringArray([]string{"subnet-1", "subnet-2"})}}})
	require.Len(t, strings.Split(strings.TrimSpace(graph.Tree()), "\n"), 1, "nothing is made")
	_, err := Args{Settings: Settings{FlowLogDays: 1, Existing: &VPC{
		ID: pulumi.String("vpc"), CIDR: pulumi.String("10"), PrivateSubnetIDs: pulumi.ToStringArray([]string{"subnet-x"}),
		PublicSubnetIDs: pulumi.ToStringArray([]string{"subnet-x"}),
	}}}.Complete()
	for _, problem := range []string{
		`Existing.ID "vpc" is malformed`, `Existing.CIDR "10" is not an IPv4 range`, "Existing.PrivateSubnetIDs: 1 given",
		`subnet "subnet-x" is malformed`,
		"subnet subnet-x is named twice", "Existing.ID does not go with InterfaceEndpoints and FlowLogDays",
	} {
		require.ErrorContains(t, err, problem)
	}
}

package network

import (
	"net/netip"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/change"
	"github.com/apigateway-ingress/apigateway-ingress/components/componenttest"
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
	graph := run(t, &Args{Settings: Settings{CIDR: "10.1.0.0/20"}, AvailabilityZones: []string{"a", "b", "c"}})
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
	zones := []string{"a", "b", "c"}
	require.Len(t, run(t, &Args{AvailabilityZones: zones}).All("aws:ec2/natGateway:NatGateway"), 1)
	perZone := run(t, &Args{AvailabilityZones: zones, Settings: Settings{NAT: NATPerAZ}})
	require.Len(t, perZone.All("aws:ec2/natGateway:NatGateway"), 3)
	tables := map[any]bool{}
	for _, association := range perZone.All("aws:ec2/routeTableAssociation:RouteTableAssociation") {
		tables[association.Inputs["routeTableId"]] = true
	}
	require.Len(t, tables, 4, "one table for public subnets, and one for each private subnet")
}

func TestWithoutNATNodesReachAWSThroughEndpoints(t *testing.T) {
	graph := run(t, &Args{Region: "us-east-1", AvailabilityZones: []string{"a", "b"}, Settings: Settings{NAT: NATNone, InterfaceEndpoints: []string{"ecr.api", "sqs"}}})
	require.Empty(t, graph.All("aws:ec2/natGateway:NatGateway"))
	require.Empty(t, graph.All("aws:ec2/eip:Eip"))
	var services []any
	for _, endpoint := range graph.All("aws:ec2/vpcEndpoint:VpcEndpoint") {
		services = append(services, endpoint.Inputs["serviceName"])
	}
	want := []any{}
	for _, name := range []string{"s3", "autoscaling", "ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "elasticloadbalancing", "logs", "sts", "sqs"} {
		want = append(want, "com.amazonaws.us-east-1."+name)
	}
	require.ElementsMatch(t, want, services)
}

func TestTheVPCStays(t *testing.T) {
	own, larger := Args{}, Args{Settings: Settings{CIDR: "10.8.0.0/16"}}
	theirs := Args{Settings: Settings{Existing: &Existing{VpcID: "vpc-1"}}}
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
	err := Args{Settings: Settings{CIDR: "10.0.0.1/16", NAT: "many", InterfaceEndpoints: []string{"E C R"}, FlowLogDays: 2}, AvailabilityZones: []string{"a"}}.Validate()
	for _, problem := range []string{`vpcCidr "10.0.0.1/16"`, "availabilityZones: 1 given", `nat "many" is not known`, `interfaceEndpoints[0]: "E C R"`, "flowLogDays 2"} {
		require.ErrorContains(t, err, problem)
	}
}

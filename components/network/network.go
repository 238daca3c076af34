// Package network declares the VPC in which the cluster and the load balancer live.
package network

import (
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"

	"github.com/apigateway-ingress/apigateway-ingress/components/change"
	"github.com/apigateway-ingress/apigateway-ingress/components/iamrole"
	"github.com/apigateway-ingress/apigateway-ingress/components/location"
	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const typeToken = "apigateway-ingress:network:Network"

// NAT says how private subnets reach the internet.
type NAT string

// A single gateway costs least; one per zone survives the loss of a zone. With none, nodes reach AWS through VPC
// endpoints and nothing else: every image must come from ECR.
const (
	NATSingle NAT = "single"
	NATPerAZ  NAT = "perAz"
	NATNone   NAT = "none"
)

// Settings are what decides about the network.
type Settings struct {
	// CIDR is the VPC's IPv4 range, /16 to /24.
	CIDR string `pulumi:"cidr,optional" config:"vpcCidr" default:"10.0.0.0/16"`
	// ZoneCount is the number of availability zones, taken from those that the region offers.
	ZoneCount int `pulumi:"zoneCount,optional" config:"availabilityZones" default:"2" range:"2..3"`
	// Zones are two or three zones by name instead, for example us-east-1a.
	Zones []string `pulumi:"zones,optional" config:"-"`
	// NAT is how many NAT gateways the private subnets have. With none nodes reach AWS through VPC endpoints, and all images,
	// that of the proxy among them, must be in ECR of the same region.
	NAT NAT `pulumi:"nat,optional" default:"single" enum:"single,perAz,none"`
	// InterfaceEndpoints are AWS services that the private subnets reach without the internet, for example ecr.api. With
	// NAT none, those that nodes need are there in any case. Each costs as much as a third of a NAT gateway.
	InterfaceEndpoints []string `pulumi:"interfaceEndpoints,optional"`
	// FlowLogDays is how many days the VPC's log of rejected connections is kept. 0 keeps none.
	FlowLogDays int `pulumi:"flowLogDays,optional" hardened:"365" unless:"Existing"`
	// Existing is a VPC that is there already; the fields above then have no meaning.
	Existing *VPC `pulumi:"existing,optional" config:",inline"`
}

// VPC is a network as other components need to know it, and one that is there already as its owner describes it: with
// subnets that are tagged for EKS.
type VPC struct {
	// ID is an existing VPC. The settings of a new one have no meaning then.
	ID pulumi.StringInput `pulumi:"vpcId"`
	// CIDR is its IPv4 range. Default what AWS says.
	CIDR pulumi.StringInput `pulumi:"vpcCidr,optional" config:"-"`
	// SecondaryCIDRs are the IPv4 ranges that it has besides. Default what AWS says where its ID is known.
	SecondaryCIDRs pulumi.StringArray `pulumi:"secondaryCidrs,optional" config:"-"`
	// PublicSubnetIDs are the existing VPC's public subnets, for the cluster's network interfaces. May be empty.
	PublicSubnetIDs pulumi.StringArrayInput `pulumi:"publicSubnetIds,optional"`
	// PrivateSubnetIDs are the existing VPC's private subnets, one a zone and two at least, for nodes and load balancer.
	PrivateSubnetIDs pulumi.StringArrayInput `pulumi:"privateSubnetIds"`

	ready []pulumi.Resource
}

// Ready are the routes that instances need before they can reach AWS, which none of their inputs shows. None of an
// existing VPC.
func (v VPC) Ready() []pulumi.Resource { return v.ready }

// Args describe the VPC. Each zone gets one public and one private subnet.
type Args struct {
	Settings
	// Location is where the VPC is. Default that of the AWS provider.
	Location location.Location `pulumi:"location,optional"`
	// LogKMSKeyARN is a KMS key for the flow log. Its policy must admit CloudWatch Logs.
	LogKMSKeyARN pulumi.StringInput `pulumi:"logKmsKeyArn,optional"`
	// IAM is how the role of flow logs is made.
	IAM iamrole.Settings `pulumi:"iam,optional"`
	// Tags are put on every resource.
	Tags pulumi.StringMapInput `pulumi:"tags,optional"`
}

// Network is a VPC with public and private subnets in the same order of zones.
type Network struct {
	pulumi.ResourceState

	VpcID            pulumi.StringOutput      `pulumi:"vpcId"`
	CIDR             pulumi.StringOutput      `pulumi:"cidr"`
	PublicSubnetIDs  pulumi.StringArrayOutput `pulumi:"publicSubnetIds"`
	PrivateSubnetIDs pulumi.StringArrayOutput `pulumi:"privateSubnetIds"`

	args  Args
	name  string
	ready []pulumi.Resource
}

// Complete puts in the defaults and reports every problem of the arguments.
func (a Args) Complete() (Args, error) {
	settings.Complete(&a)
	var p settings.Problems
	p.In("Location", a.Location.Validate())
	p.In("IAM", a.IAM.Validate())
	if a.Existing != nil {
		p.Add(a.Existing.check(a.Settings))
		return a, p.Err()
	}
	p.Add(settings.Check(a))
	_, err := a.subnetRanges()
	p.Add(err)
	p.When(a.Zones != nil && (len(a.Zones) < 2 || len(a.Zones) > 3), "{Zones}: %d given: choose 2 or 3", len(a.Zones))
	a.checkEndpoints(&p)
	p.Add(settings.CheckLogRetention("FlowLogDays", a.FlowLogDays))
	return a, p.Err()
}

// subnetRanges cuts the VPC into 16 equal parts: public subnets take the first, private ones those from the ninth.
func (a Args) subnetRanges() ([]netip.Prefix, error) {
	whole, err := netip.ParsePrefix(a.CIDR)
	if err != nil || !whole.Addr().Is4() || whole.Masked() != whole || whole.Bits() < 16 || whole.Bits() > 24 {
		var p settings.Problems
		p.When(true, "{CIDR} %q is not an IPv4 range from /16 to /24 such as 10.0.0.0/16", a.CIDR)
		return nil, p.Err()
	}
	bits := whole.Bits() + 4
	base := whole.Addr().As4()
	first := binary.BigEndian.Uint32(base[:])
	ranges := make([]netip.Prefix, 16)
	for i := range ranges {
		var start [4]byte
		binary.BigEndian.PutUint32(start[:], first+uint32(i)<<(32-bits))
		ranges[i] = netip.PrefixFrom(netip.AddrFrom4(start), bits)
	}
	return ranges, nil
}

// New declares the VPC and its subnets.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Network, error) {
	if args == nil {
		args = &Args{}
	}
	a, err := args.Complete()
	if err != nil {
		return nil, settings.Named("network", name, err)
	}
	n := &Network{name: name}
	if a.Existing == nil && a.Zones == nil {
		if a.Zones, err = a.zonesOfRegion(ctx, location.Invoke(opts)...); err != nil {
			return nil, settings.Named("network", name, err)
		}
	}
	inputs := settings.Inputs(a)
	// Which VPC it is, and in which zones, must not change.
	inputs["vpc"], inputs["availabilityZones"] = pulumi.String(a.place()), pulumi.ToStringArray(a.Zones)
	guard, err := change.Guard(ctx, typeToken, name, mayChange)
	if err != nil {
		return nil, err
	}
	if err := ctx.RegisterComponentResourceV2(typeToken, name, inputs, n, append(opts, guard)...); err != nil {
		return nil, err
	}
	if a.Location, err = a.Location.Resolve(ctx, pulumi.Parent(n)); err == nil {
		err = a.zonesAreHere()
	}
	if err != nil {
		return nil, settings.Named("network", name, err)
	}
	n.args = a
	declare := n.declare
	if a.Existing != nil {
		declare = n.adopt
	}
	if err := declare(ctx); err != nil {
		return nil, settings.Named("network", name, err)
	}
	return n, ctx.RegisterResourceOutputs(n, pulumi.Map{
		"vpcId":            n.VpcID,
		"cidr":             n.CIDR,
		"publicSubnetIds":  n.PublicSubnetIDs,
		"privateSubnetIds": n.PrivateSubnetIDs,
	})
}

// mayChange refuses what would take the cluster away: EKS takes subnets of the cluster's own VPC only, for ever.
// https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html
func mayChange(old, new change.Inputs) error {
	before, after := old.Text("vpc"), new.Text("vpc")
	if before == "" || after == "" {
		return nil
	}
	if before == after {
		return zonesStay(old.Texts("availabilityZones"), new.Texts("availabilityZones"))
	}
	return fmt.Errorf("the VPC cannot change from %s to %s: the cluster cannot leave its own. "+
		"Keep vpcId and vpcCidr as they were, or bring up another stack with the new ones and move the callers there", before, after)
}

// zonesStay: a subnet cannot move to another zone, and another one of the same range cannot be made before it goes. The
// third zone may come and go.
func zonesStay(before, after []string) error {
	for i, zone := range before {
		if i < len(after) && after[i] != zone {
			return fmt.Errorf("the availability zones cannot change from %v to %v: subnets do not move. Keep the zones as they were", before, after)
		}
	}
	return nil
}

// place is what a VPC is known by: the range of a new one, or its id; empty where another resource gives the id.
func (a Args) place() string {
	if a.Existing == nil {
		return a.CIDR
	}
	id, _ := settings.Known(a.Existing.ID)
	return id
}

// VPC is the network for the components that stand in it.
func (n *Network) VPC() VPC {
	vpc := VPC{ID: n.VpcID, CIDR: n.CIDR, PublicSubnetIDs: n.PublicSubnetIDs, PrivateSubnetIDs: n.PrivateSubnetIDs, ready: n.ready}
	if existing := n.args.Existing; existing != nil {
		vpc.SecondaryCIDRs = existing.SecondaryCIDRs
	}
	return vpc
}

// Ranges are all its IPv4 ranges, the first one first.
func (v VPC) Ranges() pulumi.StringArray {
	return append(pulumi.StringArray{v.CIDR}, v.SecondaryCIDRs...)
}

func (n *Network) declare(ctx *pulumi.Context) error {
	vpc, err := ec2.NewVpc(ctx, n.name+"-vpc", &ec2.VpcArgs{
		CidrBlock:          pulumi.String(n.args.CIDR),
		EnableDnsHostnames: pulumi.Bool(true),
		EnableDnsSupport:   pulumi.Bool(true),
		Tags:               n.tags("vpc", nil),
	}, pulumi.Parent(n))
	if err != nil {
		return err
	}
	n.VpcID, n.CIDR = vpc.ID().ToStringOutput(), vpc.CidrBlock
	gateway, err := ec2.NewInternetGateway(ctx, n.name+"-igw", &ec2.InternetGatewayArgs{
		VpcId: vpc.ID(), Tags: n.tags("igw", nil),
	}, pulumi.Parent(n))
	if err != nil {
		return err
	}
	public, err := n.publicSubnets(ctx, vpc, gateway)
	if err != nil {
		return err
	}
	tables, err := n.privateSubnets(ctx, vpc, gateway, public)
	if err != nil {
		return err
	}
	if err := n.endpoints(ctx, vpc, tables); err != nil {
		return err
	}
	return n.flowLogs(ctx, vpc)
}

func (n *Network) publicSubnets(ctx *pulumi.Context, vpc *ec2.Vpc, gateway *ec2.InternetGateway) ([]*ec2.Subnet, error) {
	table, err := n.routeTable(ctx, "public", vpc, &ec2.RouteArgs{GatewayId: gateway.ID()})
	if err != nil {
		return nil, err
	}
	subnets, ids, err := n.subnetsOf(ctx, "public", vpc, 0, map[string]string{"kubernetes.io/role/elb": "1"},
		func(int) routes { return table })
	n.PublicSubnetIDs = ids
	return subnets, err
}

func (n *Network) privateSubnets(ctx *pulumi.Context, vpc *ec2.Vpc, gateway *ec2.InternetGateway,
	public []*ec2.Subnet) ([]*ec2.RouteTable, error) {
	count := 1
	if n.args.NAT == NATPerAZ {
		count = len(public)
	}
	tables := make([]*ec2.RouteTable, count)
	ways := make([]routes, count)
	for i := range ways {
		var out *ec2.RouteArgs
		if n.args.NAT != NATNone {
			nat, err := n.natGateway(ctx, i, public[i], gateway)
			if err != nil {
				return nil, err
			}
			out = &ec2.RouteArgs{NatGatewayId: nat.ID()}
		}
		way, err := n.routeTable(ctx, fmt.Sprintf("private-%d", i), vpc, out)
		if err != nil {
			return nil, err
		}
		tables[i], ways[i] = way.table, way
	}
	_, ids, err := n.subnetsOf(ctx, "private", vpc, 8, map[string]string{"kubernetes.io/role/internal-elb": "1"},
		func(i int) routes { return ways[i%count] })
	n.PrivateSubnetIDs = ids
	return tables, err
}

func (n *Network) natGateway(ctx *pulumi.Context, i int, subnet *ec2.Subnet, gateway *ec2.InternetGateway) (*ec2.NatGateway, error) {
	suffix := fmt.Sprintf("nat-%d", i)
	address, err := ec2.NewEip(ctx, n.name+"-"+suffix, &ec2.EipArgs{
		Domain: pulumi.String("vpc"), Tags: n.tags(suffix, nil),
	}, pulumi.Parent(n))
	if err != nil {
		return nil, err
	}
	return ec2.NewNatGateway(ctx, n.name+"-"+suffix, &ec2.NatGatewayArgs{
		AllocationId: address.AllocationId, SubnetId: subnet.ID(), Tags: n.tags(suffix, nil),
		// An address can be mapped to the VPC only while an internet gateway is attached, which no input shows.
	}, pulumi.Parent(n), pulumi.DependsOn([]pulumi.Resource{gateway}))
}

// routes are a route table and what must be in it before a subnet takes it.
type routes struct {
	table  *ec2.RouteTable
	filled []pulumi.Resource
}

func (n *Network) routeTable(ctx *pulumi.Context, suffix string, vpc *ec2.Vpc, toInternet *ec2.RouteArgs) (routes, error) {
	table, err := ec2.NewRouteTable(ctx, n.name+"-"+suffix, &ec2.RouteTableArgs{
		VpcId: vpc.ID(), Tags: n.tags(suffix, nil),
	}, pulumi.Parent(n))
	if err != nil || toInternet == nil {
		return routes{table: table}, err
	}
	toInternet.RouteTableId = table.ID()
	toInternet.DestinationCidrBlock = pulumi.String("0.0.0.0/0")
	route, err := ec2.NewRoute(ctx, n.name+"-"+suffix, toInternet, pulumi.Parent(n))
	n.ready = append(n.ready, route)
	return routes{table, []pulumi.Resource{route}}, err
}

func (n *Network) subnetsOf(ctx *pulumi.Context, kind string, vpc *ec2.Vpc, firstRange int, role map[string]string,
	of func(zone int) routes,
) ([]*ec2.Subnet, pulumi.StringArrayOutput, error) {
	ranges, err := n.args.subnetRanges()
	if err != nil {
		return nil, pulumi.StringArrayOutput{}, err
	}
	var subnets []*ec2.Subnet
	var ids pulumi.StringArray
	for i, zone := range n.args.Zones {
		suffix := fmt.Sprintf("%s-%d", kind, i)
		subnet, err := ec2.NewSubnet(ctx, n.name+"-"+suffix, &ec2.SubnetArgs{
			VpcId:            vpc.ID(),
			AvailabilityZone: pulumi.String(zone),
			CidrBlock:        pulumi.String(ranges[firstRange+i].String()),
			Tags:             n.tags(suffix, role),
		}, pulumi.Parent(n))
		if err != nil {
			return nil, pulumi.StringArrayOutput{}, err
		}
		association, err := ec2.NewRouteTableAssociation(ctx, n.name+"-"+suffix, &ec2.RouteTableAssociationArgs{
			SubnetId: subnet.ID(), RouteTableId: of(i).table.ID(),
			// A subnet that changes its table keeps a way out.
		}, pulumi.Parent(n), pulumi.DependsOn(of(i).filled))
		if err != nil {
			return nil, pulumi.StringArrayOutput{}, err
		}
		n.ready = append(n.ready, association)
		subnets = append(subnets, subnet)
		ids = append(ids, subnet.ID().ToStringOutput())
	}
	return subnets, ids.ToStringArrayOutput(), nil
}

func (n *Network) tags(suffix string, more map[string]string) pulumi.StringMapInput {
	own := map[string]string{"Name": n.name + "-" + suffix}
	maps.Copy(own, more)
	return settings.Tags(n.args.Tags, own)
}

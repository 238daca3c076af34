// Package network declares the VPC in which the cluster and the load balancer live.
package network

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/apigateway-ingress/apigateway-ingress/components/change"
	"github.com/apigateway-ingress/apigateway-ingress/components/iamrole"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// DefaultCIDR is the address range of a new VPC.
const DefaultCIDR = "10.0.0.0/16"

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

// Settings are what decides about the network apart from its zones.
type Settings struct {
	// CIDR is the VPC's IPv4 range, /16 to /24. Default 10.0.0.0/16.
	CIDR string
	// NAT is single (default), perAz or none.
	NAT NAT
	// InterfaceEndpoints are AWS services that private subnets reach without the internet, for example ecr.api. With
	// NAT none, those that nodes need are there in any case. Each costs as much as a third of a NAT gateway.
	InterfaceEndpoints []string
	// FlowLogDays keeps a log of rejected connections for so many days; 0 keeps none.
	FlowLogDays int
	// Existing is a VPC that is there already; the fields above then have no meaning.
	Existing *Existing
}

// Existing names a VPC and its subnets, which the owner has tagged for EKS.
type Existing struct {
	VpcID, CIDR                       string
	PublicSubnetIDs, PrivateSubnetIDs []string
}

// Args describe the VPC. Each zone gets one public and one private subnet.
type Args struct {
	Settings
	// AvailabilityZones are two or three zone names, for example us-east-1a. EKS needs at least two.
	AvailabilityZones []string
	// Region and Partition are needed for endpoints and flow logs.
	Region, Partition string
	// IAM is how the role of flow logs is made.
	IAM iamrole.Settings
	// Tags are put on every resource.
	Tags map[string]string
}

// Network is a VPC with public and private subnets in the same order of zones.
type Network struct {
	pulumi.ResourceState

	VpcID            pulumi.StringOutput      `pulumi:"vpcId"`
	CIDR             pulumi.StringOutput      `pulumi:"cidr"`
	PublicSubnetIDs  pulumi.StringArrayOutput `pulumi:"publicSubnetIds"`
	PrivateSubnetIDs pulumi.StringArrayOutput `pulumi:"privateSubnetIds"`

	args    Args
	name    string
	subnets []pulumi.Resource
}

// Validate reports every problem of the arguments.
func (a Args) Validate() error {
	if a.Existing != nil {
		return a.Existing.validate(a.Settings)
	}
	var problems []error
	if _, err := a.subnetRanges(); err != nil {
		problems = append(problems, err)
	}
	if n := len(a.AvailabilityZones); n < 2 || n > 3 {
		problems = append(problems, fmt.Errorf("availabilityZones: %d given: choose 2 or 3", n))
	}
	if a.NAT != "" && a.NAT != NATSingle && a.NAT != NATPerAZ && a.NAT != NATNone {
		problems = append(problems, fmt.Errorf("nat %q is not known: write single, perAz or none", a.NAT))
	}
	problems = append(problems, a.validateEndpoints())
	if !slices.Contains(flowLogDays, a.FlowLogDays) {
		problems = append(problems, fmt.Errorf("flowLogDays %d is not a value of CloudWatch Logs: choose one of %v", a.FlowLogDays, flowLogDays[1:]))
	}
	return errors.Join(problems...)
}

// subnetRanges cuts the VPC into 16 equal parts: public subnets take the first, private ones those from the ninth.
func (a Args) subnetRanges() ([]netip.Prefix, error) {
	cidr := cmp.Or(a.CIDR, DefaultCIDR)
	whole, err := netip.ParsePrefix(cidr)
	if err != nil || !whole.Addr().Is4() || whole.Masked() != whole || whole.Bits() < 16 || whole.Bits() > 24 {
		return nil, fmt.Errorf("vpcCidr %q is not an IPv4 range from /16 to /24 such as %s", cidr, DefaultCIDR)
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
	if err := args.Validate(); err != nil {
		return nil, err
	}
	n := &Network{args: *args, name: name}
	inputs := pulumi.Map{
		"vpc":               pulumi.String(args.place()),
		"availabilityZones": pulumi.ToStringArray(args.AvailabilityZones),
		"nat":               pulumi.String(args.NAT),
	}
	guard, err := change.Guard(ctx, typeToken, name, mayChange)
	if err != nil {
		return nil, err
	}
	if err := ctx.RegisterComponentResourceV2(typeToken, name, inputs, n, append(opts, guard)...); err != nil {
		return nil, err
	}
	if args.Existing != nil {
		n.adopt(args.Existing)
	} else if err := n.declare(ctx); err != nil {
		return nil, fmt.Errorf("network %s: %w", name, err)
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

// place is what the stack's VPC is known by: its id, or the range of a new one.
func (a Args) place() string {
	if a.Existing != nil {
		return a.Existing.VpcID
	}
	return cmp.Or(a.CIDR, DefaultCIDR)
}

// Ready are the routes that instances need before they can reach AWS.
func (n *Network) Ready() []pulumi.Resource { return n.subnets }

func (n *Network) declare(ctx *pulumi.Context) error {
	vpc, err := ec2.NewVpc(ctx, n.name+"-vpc", &ec2.VpcArgs{
		CidrBlock:          pulumi.String(n.args.place()),
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

func (n *Network) privateSubnets(ctx *pulumi.Context, vpc *ec2.Vpc, gateway *ec2.InternetGateway, public []*ec2.Subnet) ([]*ec2.RouteTable, error) {
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
	n.subnets = append(n.subnets, route)
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
	for i, zone := range n.args.AvailabilityZones {
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
		n.subnets = append(n.subnets, association)
		subnets = append(subnets, subnet)
		ids = append(ids, subnet.ID().ToStringOutput())
	}
	return subnets, ids.ToStringArrayOutput(), nil
}

func (n *Network) tags(suffix string, more map[string]string) pulumi.StringMap {
	tags := maps.Clone(n.args.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	maps.Copy(tags, more)
	tags["Name"] = n.name + "-" + suffix
	result := pulumi.StringMap{}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		result[key] = pulumi.String(tags[key])
	}
	return result
}

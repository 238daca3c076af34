package network

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"

	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

var (
	vpcID    = regexp.MustCompile(`^vpc-[0-9a-f]+$`)
	subnetID = regexp.MustCompile(`^subnet-[0-9a-f]+$`)
)

// check looks at what can be told without AWS. Lookup sees the rest.
func (v VPC) check(s Settings) error {
	var p settings.Problems
	p.When(v.ID == nil, "{Existing.ID} is required: name the VPC")
	p.Malformed("Existing.ID", v.ID, vpcID, "vpc-0123456789abcdef0")
	if text, _ := settings.Known(v.CIDR); text != "" {
		_, err := netip.ParsePrefix(text)
		p.When(err != nil, "{Existing.CIDR} %q is not an IPv4 range such as 10.0.0.0/16", text)
	}
	public, _ := settings.KnownList(v.PublicSubnetIDs)
	private, _ := settings.KnownList(v.PrivateSubnetIDs)
	array, isArray := v.PrivateSubnetIDs.(pulumi.StringArray)
	p.When(v.PrivateSubnetIDs == nil || isArray && len(array) < 2,
		"{Existing.PrivateSubnetIDs}: %d given: nodes and the load balancer need two or more, in different zones", len(private))
	seen := map[string]bool{}
	for _, id := range slices.Concat(public, private) {
		p.When(!subnetID.MatchString(id), "subnet %q is malformed: write one such as subnet-0123456789abcdef0", id)
		p.When(seen[id], "subnet %s is named twice", id)
		seen[id] = true
	}
	p.When(len(s.InterfaceEndpoints) > 0 || s.FlowLogDays > 0,
		"{Existing.ID} does not go with {InterfaceEndpoints} and {FlowLogDays}: the VPC is not the stack's")
	return p.Err()
}

// Subnet is what AWS knows of an existing subnet.
type Subnet struct {
	ID, VpcID, AvailabilityZone string
	// PublicIPs says that instances get public addresses here.
	PublicIPs bool
	// FreeAddresses is how many are left.
	FreeAddresses int
	Tags          map[string]string
}

// minFreeAddresses are what EKS asks of a subnet of its cluster:
// https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html
const minFreeAddresses = 6

// Choose makes a VPC of some of its subnets: the public ones, which give instances public addresses, and of the private ones the
// first of each zone.
func Choose(ctx *pulumi.Context, vpcID string, subnetIDs []string, opts ...pulumi.InvokeOption) (VPC, error) {
	var public, private pulumi.StringArray
	zones := map[string]bool{}
	for _, id := range slices.Sorted(slices.Values(subnetIDs)) {
		found, err := ec2.LookupSubnet(ctx, &ec2.LookupSubnetArgs{Id: &id}, opts...)
		if err != nil {
			return VPC{}, fmt.Errorf("subnet %s: %w", id, err)
		}
		switch {
		case found.MapPublicIpOnLaunch:
			public = append(public, pulumi.String(id))
		case !zones[found.AvailabilityZone]:
			zones[found.AvailabilityZone] = true
			private = append(private, pulumi.String(id))
		}
	}
	var p settings.Problems
	p.When(len(private) < 2, "VPC %s: of the cluster's subnets %v, private ones are in %d zones, and the load balancer needs two or more: "+
		"name private subnets in {Existing.PrivateSubnetIDs}, and the VPC in {Existing.ID}", vpcID, subnetIDs, len(zones))
	if err := p.Err(); err != nil {
		return VPC{}, err
	}
	return VPC{ID: pulumi.String(vpcID), PublicSubnetIDs: public, PrivateSubnetIDs: private}, nil
}

// Lookup asks AWS about an existing VPC whose names are known, and reports all that it lacks. The VPC is complete then;
// the zones are those of its private subnets.
func Lookup(ctx *pulumi.Context, v VPC, opts ...pulumi.InvokeOption) (complete VPC, zones []string, err error) {
	id, _ := settings.Known(v.ID)
	vpc, err := ec2.LookupVpc(ctx, &ec2.LookupVpcArgs{Id: &id}, opts...)
	if err != nil {
		return v, nil, fmt.Errorf("VPC %s: %w", id, err)
	}
	v.CIDR, v.SecondaryCIDRs = pulumi.String(vpc.CidrBlock), nil
	for _, more := range vpc.CidrBlockAssociations {
		if more.CidrBlock != vpc.CidrBlock {
			v.SecondaryCIDRs = append(v.SecondaryCIDRs, pulumi.String(more.CidrBlock))
		}
	}
	var problems []error
	if !vpc.EnableDnsHostnames || !vpc.EnableDnsSupport {
		problems = append(problems, fmt.Errorf("VPC %s has no DNS host names: nodes could not join; set enableDnsSupport and "+
			"enableDnsHostnames", id))
	}
	public, _ := settings.KnownList(v.PublicSubnetIDs)
	private, _ := settings.KnownList(v.PrivateSubnetIDs)
	var subnets []Subnet
	for _, id := range slices.Concat(public, private) {
		found, err := ec2.LookupSubnet(ctx, &ec2.LookupSubnetArgs{Id: &id}, opts...)
		if err != nil {
			problems = append(problems, fmt.Errorf("subnet %s: %w", id, err))
			continue
		}
		subnets = append(subnets, Subnet{
			ID: id, VpcID: found.VpcId, AvailabilityZone: found.AvailabilityZone, PublicIPs: found.MapPublicIpOnLaunch,
			FreeAddresses: found.AvailableIpAddressCount, Tags: found.Tags,
		})
		if slices.Contains(private, id) {
			zones = append(zones, found.AvailabilityZone)
		}
	}
	if len(problems) == 0 {
		problems = append(problems, Check(id, private, subnets))
	}
	return v, zones, errors.Join(problems...)
}

// Check reports what the subnets of an existing VPC lack.
func Check(vpc string, private []string, subnets []Subnet) error {
	var p settings.Problems
	byID := map[string]Subnet{}
	for _, s := range subnets {
		byID[s.ID] = s
		p.When(s.VpcID != vpc, "subnet %s is in %s, not in %s", s.ID, s.VpcID, vpc)
		p.When(s.FreeAddresses < minFreeAddresses, "subnet %s has %d free addresses: EKS needs %d", s.ID, s.FreeAddresses, minFreeAddresses)
	}
	zones := map[string]string{}
	for _, id := range private {
		s, known := byID[id]
		if !known {
			p.When(true, "subnet %s does not exist", id)
			continue
		}
		other := zones[s.AvailabilityZone]
		p.When(other != "", "subnets %s and %s are both in %s: the load balancer takes one a zone", other, id, s.AvailabilityZone)
		p.When(s.PublicIPs, "subnet %s gives instances public addresses: it is not private", id)
		zones[s.AvailabilityZone] = id
	}
	p.When(len(zones) == 1, "all private subnets are in one zone: EKS needs two")
	return p.Err()
}

// adopt takes the outputs from the description, and the range from AWS where the description has none.
func (n *Network) adopt(ctx *pulumi.Context) error {
	v := n.args.Existing
	n.VpcID, n.PrivateSubnetIDs = v.ID.ToStringOutput(), v.PrivateSubnetIDs.ToStringArrayOutput()
	n.PublicSubnetIDs = pulumi.StringArray{}.ToStringArrayOutput()
	if v.PublicSubnetIDs != nil {
		n.PublicSubnetIDs = v.PublicSubnetIDs.ToStringArrayOutput()
	}
	if v.CIDR != nil {
		n.CIDR = v.CIDR.ToStringOutput()
		return nil
	}
	n.CIDR = ec2.LookupVpcOutput(ctx, ec2.LookupVpcOutputArgs{Id: n.VpcID.ToStringPtrOutput()}, pulumi.Parent(n)).CidrBlock()
	return nil
}

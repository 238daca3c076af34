package awsrules

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
)

// Type tokens of a network.
const (
	VPC                 = "aws:ec2/vpc:Vpc"
	Subnet              = "aws:ec2/subnet:Subnet"
	internetGatewayType = "aws:ec2/internetGateway:InternetGateway"
	natGatewayType      = "aws:ec2/natGateway:NatGateway"
	elasticIPType       = "aws:ec2/eip:Eip"
	violation           = "DependencyViolation"
)

var inVPC = ref{path: "vpcId", to: VPC, missing: "InvalidVpcID.NotFound", inUse: violation}

// ec2Outputs are the ARN and the owner.
func ec2Outputs(kind string) func(c *call) properties {
	return func(c *call) properties {
		return properties{"arn": c.regional("ec2", kind+"/"+c.object.ID), "ownerId": Account}
	}
}

var vpcRule = &rule{
	token: VPC, args: (*ec2.VpcArgs)(nil), resource: (*ec2.Vpc)(nil), id: randomID("vpc-", 17),
	required: []string{"cidrBlock"}, replace: []string{"cidrBlock", "ipv4IpamPoolId"},
	defaults: properties{"enableDnsSupport": true, "instanceTenancy": "default"},
	check:    checkCIDR("cidrBlock", 16, 28), outputs: ec2Outputs("vpc"), createTakes: 12 * time.Second,
}

var subnet = &rule{
	token: Subnet, args: (*ec2.SubnetArgs)(nil), resource: (*ec2.Subnet)(nil), id: randomID("subnet-", 17),
	required: []string{"cidrBlock"}, replace: []string{"vpcId", "cidrBlock", "availabilityZone"},
	refs: []ref{inVPC}, check: checkCIDR("cidrBlock", 16, 28), prepare: subnetFits, outputs: ec2Outputs("subnet"),
	createTakes: 2 * time.Second,
}

func checkCIDR(property string, widest, narrowest int) func(properties) []schema.Failure {
	return func(in properties) []schema.Failure {
		text, ok := in[property].(string)
		if !ok {
			return nil
		}
		prefix, err := netip.ParsePrefix(text)
		if err != nil || prefix.Masked() != prefix || prefix.Bits() < widest || prefix.Bits() > narrowest {
			return wrong(property, "%s is not a valid range: InvalidVpc.Range", text)
		}
		return nil
	}
}

func subnetFits(c *call) error {
	network, err := netip.ParsePrefix(c.store.Get(VPC, c.text("vpcId")).Text("cidrBlock"))
	if err != nil {
		return err
	}
	own, err := netip.ParsePrefix(c.text("cidrBlock"))
	if err != nil {
		return err
	}
	if !network.Contains(own.Addr()) || own.Bits() < network.Bits() {
		return apiError("InvalidSubnet.Range", "the CIDR '%s' is invalid: it is outside the VPC", own)
	}
	for _, other := range c.store.List(Subnet) {
		taken, err := netip.ParsePrefix(other.Text("cidrBlock"))
		if err == nil && other.ID != c.object.ID && other.Text("vpcId") == c.text("vpcId") && taken.Overlaps(own) {
			return apiError("InvalidSubnet.Conflict", "the CIDR '%s' conflicts with another subnet", own)
		}
	}
	if zone := c.text("availabilityZone"); zone != "" && zoneID(c.region, zone) == "" {
		return apiError("InvalidParameterValue", "Value (%s) for parameter availabilityZone is invalid", zone)
	}
	return nil
}

var internetGateway = &rule{
	token: internetGatewayType, args: (*ec2.InternetGatewayArgs)(nil), resource: (*ec2.InternetGateway)(nil), id: randomID("igw-", 17),
	refs: []ref{inVPC}, mayDelete: noMappedAddress, outputs: ec2Outputs("internet-gateway"),
	createTakes: 2 * time.Second, deleteTakes: 10 * time.Second,
}

// noMappedAddress: a gateway cannot be detached while an address of the VPC is mapped through it.
func noMappedAddress(c *call) error {
	for _, nat := range c.store.List(natGatewayType) {
		subnet := c.store.Get(Subnet, nat.Text("subnetId"))
		if subnet != nil && subnet.Text("vpcId") == c.text("vpcId") {
			return apiError(violation, "network %s has some mapped public address(es)", subnet.Text("vpcId"))
		}
	}
	return nil
}

var elasticIP = &rule{
	token: elasticIPType, args: (*ec2.EipArgs)(nil), resource: (*ec2.Eip)(nil), id: randomID("eipalloc-", 17), replace: []string{"domain"},
	outputs:     func(c *call) properties { return properties{"allocationId": c.object.ID, "publicIp": "203.0.113.10"} },
	createTakes: 2 * time.Second,
}

var natGateway = &rule{
	token: natGatewayType, args: (*ec2.NatGatewayArgs)(nil), resource: (*ec2.NatGateway)(nil), id: randomID("nat-", 17),
	replace: []string{"allocationId", "subnetId", "connectivityType"},
	refs: []ref{
		{path: "subnetId", to: Subnet, missing: "InvalidSubnetID.NotFound", inUse: violation},
		{path: "allocationId", to: elasticIPType, missing: "InvalidAllocationID.NotFound", inUse: "InvalidIPAddress.InUse"},
	},
	failed: "failed", reason: "InsufficientFreeAddressesInSubnet: subnet has no free addresses",
	pending: "pending", ready: "available", createTakes: 100 * time.Second, deleteTakes: 50 * time.Second,
}

func exactlyOne(in properties, names ...string) []schema.Failure {
	set := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return in[name] == nil })
	if len(set) == 1 {
		return nil
	}
	return wrong(names[0], "exactly one must be set of %s", strings.Join(names, ", "))
}

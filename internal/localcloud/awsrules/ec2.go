package awsrules

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/autoscaling"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
)

// Type tokens that other rooms of the local cloud ask for.
const (
	VPC                      = "aws:ec2/vpc:Vpc"
	Subnet                   = "aws:ec2/subnet:Subnet"
	SecurityGroup            = "aws:ec2/securityGroup:SecurityGroup"
	SecurityGroupIngressRule = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
	SecurityGroupEgressRule  = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
	LaunchTemplate           = "aws:ec2/launchTemplate:LaunchTemplate"
	VPCEndpoint              = "aws:ec2/vpcEndpoint:VpcEndpoint"
	AutoScalingAttachment    = "aws:autoscaling/attachment:Attachment"
)

const (
	internetGateway = "aws:ec2/internetGateway:InternetGateway"
	natGateway      = "aws:ec2/natGateway:NatGateway"
	elasticIP       = "aws:ec2/eip:Eip"
	routeTable      = "aws:ec2/routeTable:RouteTable"
	violation       = "DependencyViolation"
)

var inVPC = ref{path: "vpcId", to: VPC, missing: "InvalidVpcID.NotFound", inUse: violation}

var ec2Rules = []*rule{
	{
		token: VPC, args: (*ec2.VpcArgs)(nil), id: randomID("vpc-", 17),
		required: []string{"cidrBlock"}, replace: []string{"cidrBlock", "ipv4IpamPoolId"},
		defaults: map[string]any{"enableDnsSupport": true, "instanceTenancy": "default"},
		check:    checkCIDR("cidrBlock", 16, 28),
		outputs: func(c *call) map[string]any {
			return map[string]any{"arn": c.arn("ec2", c.region, "vpc/"+c.object.ID), "ownerId": Account}
		},
		createTakes: 12 * time.Second,
	},
	{
		token: Subnet, args: (*ec2.SubnetArgs)(nil), id: randomID("subnet-", 17),
		required: []string{"cidrBlock"}, replace: []string{"vpcId", "cidrBlock", "availabilityZone"},
		refs: []ref{inVPC}, check: checkCIDR("cidrBlock", 16, 28), prepare: subnetFits,
		outputs: func(c *call) map[string]any {
			return map[string]any{"arn": c.arn("ec2", c.region, "subnet/"+c.object.ID), "ownerId": Account}
		},
		createTakes: 2 * time.Second,
	},
	{
		token: internetGateway, args: (*ec2.InternetGatewayArgs)(nil), id: randomID("igw-", 17),
		refs: []ref{inVPC}, mayDelete: noMappedAddress,
		outputs:     func(c *call) map[string]any { return map[string]any{"ownerId": Account} },
		createTakes: 2 * time.Second, deleteTakes: 10 * time.Second,
	},
	{
		token: elasticIP, args: (*ec2.EipArgs)(nil), id: randomID("eipalloc-", 17), replace: []string{"domain"},
		outputs: func(c *call) map[string]any {
			return map[string]any{"allocationId": c.object.ID, "publicIp": "203.0.113.10"}
		},
		createTakes: 2 * time.Second,
	},
	{
		token: natGateway, args: (*ec2.NatGatewayArgs)(nil), id: randomID("nat-", 17),
		replace: []string{"allocationId", "subnetId", "connectivityType"},
		refs: []ref{
			{path: "subnetId", to: Subnet, missing: "InvalidSubnetID.NotFound", inUse: violation},
			{path: "allocationId", to: elasticIP, missing: "InvalidAllocationID.NotFound", inUse: "InvalidIPAddress.InUse"},
		},
		failed: "failed", reason: "InsufficientFreeAddressesInSubnet: subnet has no free addresses",
		pending: "pending", ready: "available", createTakes: 100 * time.Second, deleteTakes: 50 * time.Second,
	},
	{
		token: routeTable, args: (*ec2.RouteTableArgs)(nil), id: randomID("rtb-", 17),
		replace: []string{"vpcId"}, refs: []ref{inVPC},
		outputs: func(c *call) map[string]any {
			return map[string]any{"arn": c.arn("ec2", c.region, "route-table/"+c.object.ID), "ownerId": Account}
		},
		createTakes: time.Second,
	},
	{
		token: "aws:ec2/route:Route", args: (*ec2.RouteArgs)(nil), id: randomID("r-", 20),
		replace: []string{"routeTableId", "destinationCidrBlock"},
		refs: []ref{
			{path: "routeTableId", to: routeTable, missing: "InvalidRouteTableID.NotFound"},
			{path: "gatewayId", to: internetGateway, missing: "InvalidGatewayID.NotFound"},
			{path: "natGatewayId", to: natGateway, missing: "InvalidNatGatewayID.NotFound"},
		},
		check:       oneTarget,
		createTakes: time.Second,
	},
	{
		token: "aws:ec2/routeTableAssociation:RouteTableAssociation", args: (*ec2.RouteTableAssociationArgs)(nil), id: randomID("rtbassoc-", 17),
		replace: []string{"subnetId"},
		refs: []ref{
			{path: "routeTableId", to: routeTable, missing: "InvalidRouteTableID.NotFound", inUse: violation},
			{path: "subnetId", to: Subnet, missing: "InvalidSubnetID.NotFound"},
		},
		createTakes: time.Second,
	},
	{
		token: SecurityGroup, args: (*ec2.SecurityGroupArgs)(nil), id: randomID("sg-", 17),
		autoName: "name", maxName: 255, replace: []string{"name", "description", "vpcId"},
		defaults: map[string]any{"description": "Managed by Pulumi"}, refs: []ref{inVPC},
		outputs: func(c *call) map[string]any {
			return map[string]any{"arn": c.arn("ec2", c.region, "security-group/"+c.object.ID), "ownerId": Account}
		},
		createTakes: 2 * time.Second,
	},
	securityGroupRule(SecurityGroupIngressRule, (*vpc.SecurityGroupIngressRuleArgs)(nil)),
	securityGroupRule(SecurityGroupEgressRule, (*vpc.SecurityGroupEgressRuleArgs)(nil)),
	{
		token: LaunchTemplate, args: (*ec2.LaunchTemplateArgs)(nil), id: randomID("lt-", 17),
		autoName: "name", maxName: 128, unique: "name", replace: []string{"name"},
		prepare: func(c *call) error {
			version, _ := c.object.Private["version"].(float64)
			c.object.Private["version"] = version + 1
			return nil
		},
		outputs: func(c *call) map[string]any {
			version := c.object.Private["version"]
			return map[string]any{
				"arn":           c.arn("ec2", c.region, "launch-template/"+c.object.ID),
				"latestVersion": version, "defaultVersion": version,
			}
		},
	},
	{
		token: VPCEndpoint, args: (*ec2.VpcEndpointArgs)(nil), id: randomID("vpce-", 17),
		replace: []string{"vpcId", "serviceName", "vpcEndpointType"}, defaults: map[string]any{"vpcEndpointType": "Gateway"},
		refs: []ref{
			inVPC,
			{path: "subnetIds[]", to: Subnet, missing: "InvalidSubnetId.NotFound", inUse: violation},
			{path: "securityGroupIds[]", to: SecurityGroup, missing: "InvalidGroup.NotFound", inUse: violation},
			{path: "routeTableIds[]", to: routeTable, missing: "InvalidRouteTableId.NotFound", inUse: violation},
		},
		check: checkEndpoint, prepare: endpointIsNew,
		outputs: func(c *call) map[string]any {
			return map[string]any{"arn": c.arn("ec2", c.region, "vpc-endpoint/"+c.object.ID), "ownerId": Account, "state": c.object.Status, "dnsEntries": []any{
				map[string]any{"dnsName": fmt.Sprintf("%s-%s.%s.vpce.amazonaws.com", c.object.ID, lowerHash(c.object.ID, 8), c.region), "hostedZoneId": "Z7HUB22UULQXV"},
			}}
		},
		pending: "pending", ready: "available", createTakes: 60 * time.Second, deleteTakes: 60 * time.Second,
		// A gateway is an entry in route tables; an interface is one in each subnet.
		quick: func(inputs map[string]any) bool { return inputs["vpcEndpointType"] == "Gateway" },
	},
	{
		token: "aws:ec2/flowLog:FlowLog", args: (*ec2.FlowLogArgs)(nil), id: randomID("fl-", 17),
		replace: []string{"vpcId", "trafficType", "logDestination", "iamRoleArn"},
		refs: []ref{
			{path: "vpcId", to: VPC, missing: "InvalidVpcId.NotFound"},
			{path: "iamRoleArn", to: Role, attr: "arn", missing: "InvalidParameter"},
			{path: "logDestination", to: LogGroup, attr: "arn", missing: "InvalidParameter"},
		},
		check: func(inputs map[string]any) []schema.Failure { return exactlyOne(inputs, "vpcId", "subnetId", "eniId") },
		outputs: func(c *call) map[string]any {
			return map[string]any{"arn": c.arn("ec2", c.region, "vpc-flow-log/"+c.object.ID)}
		},
	},
	{
		token: AutoScalingAttachment, args: (*autoscaling.AttachmentArgs)(nil), id: randomID("asg-attachment-", 20),
		replace: []string{"autoscalingGroupName", "lbTargetGroupArn", "elb"},
		refs: []ref{
			{path: "lbTargetGroupArn", to: TargetGroup, missing: "ValidationError", inUse: "ResourceInUse"},
		},
		prepare: func(c *call) error {
			name := c.object.Text("autoscalingGroupName")
			for _, group := range c.store.List(NodeGroup) {
				if AutoScalingGroupOf(group) == name {
					return nil
				}
			}
			return apiError("ValidationError", "AutoScalingGroup name not found - no such group: %s", name)
		},
		createTakes: 5 * time.Second, deleteTakes: 15 * time.Second,
	},
}

func securityGroupRule(token string, args any) *rule {
	return &rule{
		token: token, args: args, id: randomID("sgr-", 17), replace: []string{"securityGroupId"},
		refs: []ref{
			{path: "securityGroupId", to: SecurityGroup, missing: "InvalidGroup.NotFound"},
			{path: "referencedSecurityGroupId", to: SecurityGroup, missing: "InvalidGroup.NotFound", inUse: violation},
		},
		check: oneSource,
		prepare: func(c *call) error {
			for _, other := range c.store.List(token) {
				if other.ID != c.object.ID && sameRule(other.Inputs, c.object.Inputs) {
					return apiError("InvalidPermission.Duplicate", "the specified rule already exists in %s", c.object.Text("securityGroupId"))
				}
			}
			return nil
		},
		outputs: func(c *call) map[string]any {
			return map[string]any{"securityGroupRuleId": c.object.ID, "arn": c.arn("ec2", c.region, "security-group-rule/"+c.object.ID)}
		},
		createTakes: time.Second,
	}
}

func sameRule(a, b map[string]any) bool {
	for _, key := range []string{"securityGroupId", "ipProtocol", "fromPort", "toPort", "referencedSecurityGroupId", "cidrIpv4"} {
		if a[key] != b[key] {
			return false
		}
	}
	return true
}

// oneSource: a rule names exactly one of a range, a prefix list and a group.
func oneSource(inputs map[string]any) []schema.Failure {
	return exactlyOne(inputs, "referencedSecurityGroupId", "cidrIpv4", "cidrIpv6", "prefixListId")
}

func oneTarget(inputs map[string]any) []schema.Failure {
	return exactlyOne(inputs, "gatewayId", "natGatewayId", "networkInterfaceId", "transitGatewayId", "vpcEndpointId", "vpcPeeringConnectionId")
}

func exactlyOne(inputs map[string]any, names ...string) []schema.Failure {
	set := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return inputs[name] == nil })
	if len(set) == 1 {
		return nil
	}
	return []schema.Failure{{Property: names[0], Reason: "exactly one must be set of " + strings.Join(names, ", ")}}
}

func checkCIDR(property string, widest, narrowest int) func(map[string]any) []schema.Failure {
	return func(inputs map[string]any) []schema.Failure {
		text, ok := inputs[property].(string)
		if !ok {
			return nil
		}
		prefix, err := netip.ParsePrefix(text)
		if err != nil || prefix.Masked() != prefix || prefix.Bits() < widest || prefix.Bits() > narrowest {
			return []schema.Failure{{Property: property, Reason: text + " is not a valid range: InvalidVpc.Range"}}
		}
		return nil
	}
}

func subnetFits(c *call) error {
	network, err := netip.ParsePrefix(c.store.Get(VPC, c.object.Text("vpcId")).Text("cidrBlock"))
	if err != nil {
		return err
	}
	own, err := netip.ParsePrefix(c.object.Text("cidrBlock"))
	if err != nil {
		return err
	}
	if !network.Contains(own.Addr()) || own.Bits() < network.Bits() {
		return apiError("InvalidSubnet.Range", "the CIDR '%s' is invalid: it is outside the VPC", own)
	}
	for _, other := range c.store.List(Subnet) {
		taken, err := netip.ParsePrefix(other.Text("cidrBlock"))
		if err == nil && other.ID != c.object.ID && other.Text("vpcId") == c.object.Text("vpcId") && taken.Overlaps(own) {
			return apiError("InvalidSubnet.Conflict", "the CIDR '%s' conflicts with another subnet", own)
		}
	}
	if zone := c.object.Text("availabilityZone"); zone != "" && !slices.Contains(zonesOf(c.region), zone) {
		return apiError("InvalidParameterValue", "Value (%s) for parameter availabilityZone is invalid", zone)
	}
	return nil
}

func checkEndpoint(inputs map[string]any) []schema.Failure {
	kind := inputs["vpcEndpointType"]
	switch {
	case kind == "Gateway" && !isEmpty(inputs["subnetIds"]):
		return []schema.Failure{{Property: "subnetIds", Reason: "a Gateway endpoint takes route tables"}}
	case kind == "Interface" && !isEmpty(inputs["routeTableIds"]):
		return []schema.Failure{{Property: "routeTableIds", Reason: "an Interface endpoint takes subnets"}}
	}
	return nil
}

// endpointIsNew: two endpoints of one service cannot both have its private name.
func endpointIsNew(c *call) error {
	for _, other := range c.store.List(VPCEndpoint) {
		if other.ID != c.object.ID && other.Inputs["privateDnsEnabled"] == true && c.object.Inputs["privateDnsEnabled"] == true &&
			other.Inputs["vpcId"] == c.object.Inputs["vpcId"] && other.Inputs["serviceName"] == c.object.Inputs["serviceName"] {
			return apiError("InvalidParameter", "private-dns-enabled cannot be set because there is already a conflicting DNS domain for %s in the VPC", c.object.Text("serviceName"))
		}
	}
	return nil
}

func zonesOf(region string) []string {
	var zones []string
	for _, letter := range zoneLetters {
		zones = append(zones, region+letter)
	}
	return zones
}

// noMappedAddress: a gateway cannot be detached while an address of the VPC is mapped through it.
func noMappedAddress(c *call) error {
	for _, nat := range c.store.List(natGateway) {
		subnet := c.store.Get(Subnet, nat.Text("subnetId"))
		if subnet != nil && subnet.Text("vpcId") == c.object.Text("vpcId") {
			return apiError(violation, "network %s has some mapped public address(es)", subnet.Text("vpcId"))
		}
	}
	return nil
}

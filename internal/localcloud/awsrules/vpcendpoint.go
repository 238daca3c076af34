package awsrules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
)

// VPCEndpoint is the type token of VPC endpoints.
const VPCEndpoint = "aws:ec2/vpcEndpoint:VpcEndpoint"

var vpcEndpoint = &rule{
	token: VPCEndpoint, args: (*ec2.VpcEndpointArgs)(nil), resource: (*ec2.VpcEndpoint)(nil), id: randomID("vpce-", 17),
	replace: []string{"vpcId", "serviceName", "vpcEndpointType"}, defaults: properties{"vpcEndpointType": "Gateway"},
	refs: []ref{
		inVPC,
		{path: "subnetIds[]", to: Subnet, missing: "InvalidSubnetId.NotFound", inUse: violation},
		{path: "securityGroupIds[]", to: SecurityGroup, missing: "InvalidGroup.NotFound", inUse: violation},
		{path: "routeTableIds[]", to: routeTableType, missing: "InvalidRouteTableId.NotFound", inUse: violation},
	},
	check: checkEndpoint, prepare: endpointFits, outputs: vpcEndpointOutputs,
	pending: "pending", ready: "available", createTakes: 60 * time.Second, deleteTakes: 60 * time.Second,
	// A gateway is an entry in route tables; an interface is one in each subnet.
	quick: func(in properties) bool { return in["vpcEndpointType"] == "Gateway" },
}

func checkEndpoint(in properties) []schema.Failure {
	kind := in["vpcEndpointType"]
	switch {
	case kind == "Gateway" && in.Has("subnetIds"):
		return wrong("subnetIds", "a Gateway endpoint takes route tables")
	case kind == "Interface" && in.Has("routeTableIds"):
		return wrong("routeTableIds", "an Interface endpoint takes subnets")
	}
	return nil
}

// chinese are services whose interface endpoints in China have names that begin with cn.com.amazonaws:
// https://docs.amazonaws.cn/en_us/aws/latest/userguide/endpoints-Ningxia.html
var chinese = []string{"autoscaling", "ec2", "ecr.api", "ecr.dkr", "eks", "execute-api", "sts"}

func endpointFits(c *call) error {
	name := c.text("serviceName")
	prefix, service, _ := strings.Cut(name, "."+c.region+".")
	wanted := "com.amazonaws"
	if Partition(c.region) == "aws-cn" && c.text("vpcEndpointType") == "Interface" && slices.Contains(chinese, service) {
		wanted = "cn.com.amazonaws"
	}
	if prefix != wanted {
		return apiError("InvalidServiceName", "The Vpc Endpoint Service '%s' does not exist", name)
	}
	return endpointIsNew(c)
}

// endpointIsNew: two endpoints of one service cannot both have its private name.
func endpointIsNew(c *call) error {
	for _, other := range c.store.List(VPCEndpoint) {
		if other.ID != c.object.ID && other.Inputs.True("privateDnsEnabled") && c.object.Inputs.True("privateDnsEnabled") &&
			sameInputs(other, c.object, "vpcId", "serviceName") {
			return apiError("InvalidParameter", "private-dns-enabled cannot be set because there is already a conflicting DNS domain for %s "+
				"in the VPC", c.text("serviceName"))
		}
	}
	return nil
}

func vpcEndpointOutputs(c *call) properties {
	return properties{"arn": c.regional("ec2", "vpc-endpoint/"+c.object.ID), "ownerId": Account, "state": c.object.Status, "dnsEntries": []any{
		map[string]any{"dnsName": fmt.Sprintf("%s-%s.%s.vpce.amazonaws.com", c.object.ID, lowerHash(c.object.ID, 8), c.region),
			"hostedZoneId": "Z7HUB22UULQXV"},
	}}
}

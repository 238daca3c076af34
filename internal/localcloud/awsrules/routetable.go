package awsrules

import (
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
)

const routeTableType = "aws:ec2/routeTable:RouteTable"

var routeTable = &rule{
	token: routeTableType, args: (*ec2.RouteTableArgs)(nil), resource: (*ec2.RouteTable)(nil), id: randomID("rtb-", 17),
	replace: []string{"vpcId"}, refs: []ref{inVPC}, outputs: ec2Outputs("route-table"), createTakes: time.Second,
}

var route = &rule{
	token: "aws:ec2/route:Route", args: (*ec2.RouteArgs)(nil), resource: (*ec2.Route)(nil), id: randomID("r-", 20),
	replace: []string{"routeTableId", "destinationCidrBlock"},
	refs: []ref{
		{path: "routeTableId", to: routeTableType, missing: "InvalidRouteTableID.NotFound"},
		{path: "gatewayId", to: internetGatewayType, missing: "InvalidGatewayID.NotFound"},
		{path: "natGatewayId", to: natGatewayType, missing: "InvalidNatGatewayID.NotFound"},
	},
	check: oneTarget, createTakes: time.Second,
}

func oneTarget(in properties) []schema.Failure {
	return exactlyOne(in, "gatewayId", "natGatewayId", "networkInterfaceId", "transitGatewayId", "vpcEndpointId", "vpcPeeringConnectionId")
}

var routeTableAssociation = &rule{
	token: "aws:ec2/routeTableAssociation:RouteTableAssociation",
	args:  (*ec2.RouteTableAssociationArgs)(nil), resource: (*ec2.RouteTableAssociation)(nil), id: randomID("rtbassoc-", 17),
	replace: []string{"subnetId"},
	refs: []ref{
		{path: "routeTableId", to: routeTableType, missing: "InvalidRouteTableID.NotFound", inUse: violation},
		{path: "subnetId", to: Subnet, missing: "InvalidSubnetID.NotFound"},
	},
	createTakes: time.Second,
}

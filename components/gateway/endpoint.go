package gateway

import (
	"fmt"
	"slices"

	"github.com/apigateway-ingress/apigateway-ingress/components/network"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const httpsPort = 443

// vpcEndpoints are the endpoints through which a private API is called; none for any other.
func (g *Gateway) vpcEndpoints(ctx *pulumi.Context) (pulumi.StringArrayOutput, error) {
	ids := pulumi.StringArray{}.ToStringArrayOutput()
	if given := g.args.Endpoint.VPCEndpointIDs; given != nil {
		ids = given.ToStringArrayOutput()
	}
	if g.VPCEndpointID = pulumi.String("").ToStringOutput(); !g.args.Endpoint.CreateVPCEndpoint {
		return ids, nil
	}
	group, err := ec2.NewSecurityGroup(ctx, g.name+"-endpoint", &ec2.SecurityGroupArgs{
		VpcId: g.vpcID(), Description: pulumi.String("VPC endpoint for calls of an API"), Tags: g.tags(),
	}, pulumi.Parent(g))
	if err != nil {
		return pulumi.StringArrayOutput{}, err
	}
	for i, cidr := range g.args.Network.Ranges() {
		name := g.name + "-endpoint"
		if i > 0 {
			name = fmt.Sprintf("%s-%d", name, i)
		}
		if _, err := vpc.NewSecurityGroupIngressRule(ctx, name, &vpc.SecurityGroupIngressRuleArgs{
			SecurityGroupId: group.ID(), CidrIpv4: ptr(cidr),
			IpProtocol: pulumi.String("tcp"), FromPort: pulumi.Int(httpsPort), ToPort: pulumi.Int(httpsPort),
			Description: pulumi.String("HTTPS from the VPC"), Tags: g.tags(),
		}, pulumi.Parent(g)); err != nil {
			return pulumi.StringArrayOutput{}, err
		}
	}
	endpoint, err := ec2.NewVpcEndpoint(ctx, g.name, &ec2.VpcEndpointArgs{
		VpcId:             g.args.Network.ID,
		ServiceName:       pulumi.String(network.InterfaceService(g.args.Location.Region, "execute-api")),
		VpcEndpointType:   pulumi.String("Interface"),
		SubnetIds:         g.args.Network.PrivateSubnetIDs,
		SecurityGroupIds:  pulumi.StringArray{group.ID()},
		PrivateDnsEnabled: pulumi.Bool(true),
		Tags:              g.tags(),
	}, pulumi.Parent(g))
	if err != nil {
		return pulumi.StringArrayOutput{}, err
	}
	g.VPCEndpointID = endpoint.ID().ToStringOutput()
	return pulumi.All(ids, endpoint.ID()).ApplyT(func(values []any) []string {
		return append(slices.Clone(values[0].([]string)), string(values[1].(pulumi.ID)))
	}).(pulumi.StringArrayOutput), nil
}

func (g *Gateway) vpcID() pulumi.StringPtrInput { return ptr(g.args.Network.ID) }

// ptr is a text where a resource may have one; nil stays none.
func ptr(text pulumi.StringInput) pulumi.StringPtrInput {
	if text == nil {
		return nil
	}
	return text.ToStringOutput().ToStringPtrOutput()
}

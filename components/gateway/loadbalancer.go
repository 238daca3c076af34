package gateway

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigateway"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lb"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

type nlb struct {
	*lb.LoadBalancer
	targets   *lb.TargetGroup
	listeners []pulumi.Resource
}

// loadBalancer needs the VPC alone, so that it builds while the cluster does;
// the nodes join afterwards through their security group and Auto Scaling group.
func (g *Gateway) loadBalancer(ctx *pulumi.Context) (nlb, error) {
	group, err := ec2.NewSecurityGroup(ctx, g.name+"-nlb", &ec2.SecurityGroupArgs{
		VpcId: g.vpcID(), Description: pulumi.String("load balancer of an API"), Tags: g.tags(),
	}, pulumi.Parent(g))
	if err != nil {
		return nlb{}, err
	}
	balancer, err := lb.NewLoadBalancer(ctx, g.name, &lb.LoadBalancerArgs{
		LoadBalancerType: pulumi.String("network"),
		Internal:         pulumi.Bool(true),
		SecurityGroups:   pulumi.StringArray{group.ID()},
		Subnets:          g.args.Network.PrivateSubnetIDs,
		// A VPC link comes through PrivateLink, which the group's inbound rules cannot name.
		EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic: pulumi.String("off"),
		// Every zone of the VPC link must reach every node.
		EnableCrossZoneLoadBalancing: pulumi.Bool(true),
		EnableDeletionProtection:     pulumi.Bool(g.args.Balancer.DeletionProtection),
		Tags:                         g.tags(),
	}, pulumi.Parent(g))
	if err != nil {
		return nlb{}, err
	}
	targets, err := lb.NewTargetGroup(ctx, g.name, &lb.TargetGroupArgs{
		VpcId:      g.vpcID(),
		TargetType: pulumi.String(g.args.Balancer.TargetType),
		Protocol:   pulumi.String("TCP"),
		Port:       g.targetPort(),
		// Through PrivateLink the client's address is the link's; API Gateway passes the real one on.
		PreserveClientIp:    pulumi.String("false"),
		DeregistrationDelay: pulumi.Int(30),
		HealthCheck: lb.TargetGroupHealthCheckArgs{
			Protocol: pulumi.String("TCP"), Interval: pulumi.Int(10), HealthyThreshold: pulumi.Int(2), UnhealthyThreshold: pulumi.Int(2),
		},
		Tags: g.tags(),
	}, pulumi.Parent(g))
	if err != nil {
		return nlb{}, err
	}
	listeners, err := g.listeners(ctx, balancer, targets)
	if err != nil {
		return nlb{}, err
	}
	return nlb{balancer, targets, listeners}, g.admitNodes(ctx, group, targets)
}

// tlsPolicy accepts TLS 1.3 and 1.2.
const tlsPolicy = "ELBSecurityPolicy-TLS13-1-2-2021-06"

func (g *Gateway) listeners(ctx *pulumi.Context, balancer *lb.LoadBalancer, targets *lb.TargetGroup) ([]pulumi.Resource, error) {
	var listeners []pulumi.Resource
	for _, port := range g.args.Routes.BackendPorts() {
		args := &lb.ListenerArgs{
			LoadBalancerArn: balancer.Arn,
			Protocol:        pulumi.String("TCP"),
			Port:            pulumi.Int(port),
			DefaultActions: lb.ListenerDefaultActionArray{lb.ListenerDefaultActionArgs{
				Type: pulumi.String("forward"), TargetGroupArn: targets.Arn,
			}},
			Tags: g.tags(),
		}
		if arn := g.args.Balancer.CertificateARN; arn != nil {
			args.Protocol, args.CertificateArn, args.SslPolicy = pulumi.String("TLS"), ptr(arn), pulumi.String(tlsPolicy)
		}
		listener, err := lb.NewListener(ctx, fmt.Sprintf("%s-%d", g.name, port), args, pulumi.Parent(g))
		if err != nil {
			return nil, err
		}
		listeners = append(listeners, listener)
	}
	return listeners, nil
}

// admitNodes lets the load balancer reach its targets, and nobody else through it.
func (g *Gateway) admitNodes(ctx *pulumi.Context, group *ec2.SecurityGroup, targets *lb.TargetGroup) error {
	port := g.targetPort()
	if _, err := vpc.NewSecurityGroupEgressRule(ctx, g.name+"-nlb-to-nodes", &vpc.SecurityGroupEgressRuleArgs{
		SecurityGroupId:           group.ID(),
		ReferencedSecurityGroupId: ptr(g.args.Target.Nodes.SecurityGroupID),
		IpProtocol:                pulumi.String("tcp"), FromPort: port, ToPort: port,
		Description: pulumi.String("to the proxy on the nodes"), Tags: g.tags(),
	}, pulumi.Parent(g)); err != nil {
		return err
	}
	if _, err := vpc.NewSecurityGroupIngressRule(ctx, g.name+"-nodes-from-nlb", &vpc.SecurityGroupIngressRuleArgs{
		SecurityGroupId:           g.args.Target.Nodes.SecurityGroupID,
		ReferencedSecurityGroupId: group.ID(),
		IpProtocol:                pulumi.String("tcp"), FromPort: port, ToPort: port,
		Description: pulumi.String("to the proxy from " + g.name), Tags: g.tags(),
	}, pulumi.Parent(g)); err != nil {
		return err
	}
	return g.register(ctx, targets)
}

func (g *Gateway) vpcLink(ctx *pulumi.Context, balancer nlb) (*apigateway.VpcLink, error) {
	return apigateway.NewVpcLink(ctx, g.name, &apigateway.VpcLinkArgs{
		TargetArn:   balancer.Arn,
		Description: pulumi.String("to the load balancer of " + g.name),
		Tags:        g.tags(),
		// A link made before its balancer has a listener can fail for good.
	}, pulumi.Parent(g), pulumi.DependsOn(balancer.listeners))
}

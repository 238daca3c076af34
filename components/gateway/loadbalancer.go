package gateway

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigateway"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lb"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

type nlb struct {
	*lb.LoadBalancer
	targets  *lb.TargetGroup
	listener pulumi.Resource
	// ready is there when the targets are healthy.
	ready pulumi.Resource
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
		// AWS binds a target group to one load balancer.
	}, pulumi.Parent(g), pulumi.ReplaceWith([]pulumi.Resource{balancer}))
	if err != nil {
		return nlb{}, err
	}
	listener, err := g.listener(ctx, balancer, targets)
	if err != nil {
		return nlb{}, err
	}
	if err := g.admitNodes(ctx, group); err != nil {
		return nlb{}, err
	}
	ready, err := g.register(ctx, targets, listener)
	return nlb{balancer, targets, listener, ready}, err
}

// tlsPolicy accepts TLS 1.3 and 1.2.
const tlsPolicy = "ELBSecurityPolicy-TLS13-1-2-2021-06"

// listenerPort is the balancer's. It tells where a listener leads and how it speaks, so that a listener never changes either:
// other targets, or TLS, get another listener on another port, the stage moves to it when the targets are healthy, and the
// old one goes last.
func (g *Gateway) listenerPort() pulumi.IntOutput {
	encrypted := g.args.Balancer.CertificateARN != nil
	return g.targetPort().ApplyT(func(port int) int {
		switch {
		case !encrypted:
			return port
		case port > lastPort-tlsPorts:
			return port - tlsPorts
		}
		return port + tlsPorts
	}).(pulumi.IntOutput)
}

const lastPort, tlsPorts = 65535, 10000

func (g *Gateway) listener(ctx *pulumi.Context, balancer *lb.LoadBalancer, targets *lb.TargetGroup) (*lb.Listener, error) {
	name := g.portName(g.name)
	args := &lb.ListenerArgs{
		LoadBalancerArn: balancer.Arn,
		Protocol:        pulumi.String("TCP"),
		Port:            g.listenerPort(),
		DefaultActions: lb.ListenerDefaultActionArray{lb.ListenerDefaultActionArgs{
			Type: pulumi.String("forward"), TargetGroupArn: targets.Arn,
		}},
		Tags: g.tags(),
	}
	if arn := g.args.Balancer.CertificateARN; arn != nil {
		name += "-tls"
		args.Protocol, args.CertificateArn, args.SslPolicy = pulumi.String("TLS"), ptr(arn), pulumi.String(tlsPolicy)
	}
	return lb.NewListener(ctx, name, args, pulumi.Parent(g))
}

// admitNodes lets the load balancer reach its targets, and nobody else through it. Rules for another port are others, so
// that the old port stays open until nothing goes there.
func (g *Gateway) admitNodes(ctx *pulumi.Context, group *ec2.SecurityGroup) error {
	port, egress, ingress := g.targetPort(), g.name+"-nlb-to-nodes", g.name+"-nodes-from-nlb"
	if _, err := vpc.NewSecurityGroupEgressRule(ctx, g.portName(egress), &vpc.SecurityGroupEgressRuleArgs{
		SecurityGroupId:           group.ID(),
		ReferencedSecurityGroupId: ptr(g.args.Target.Nodes.SecurityGroupID),
		IpProtocol:                pulumi.String("tcp"), FromPort: port, ToPort: port,
		Description: pulumi.String("to the proxy on the nodes"), Tags: g.tags(),
	}, pulumi.Parent(g), formerly(egress)); err != nil {
		return err
	}
	_, err := vpc.NewSecurityGroupIngressRule(ctx, g.portName(ingress), &vpc.SecurityGroupIngressRuleArgs{
		SecurityGroupId:           g.args.Target.Nodes.SecurityGroupID,
		ReferencedSecurityGroupId: group.ID(),
		IpProtocol:                pulumi.String("tcp"), FromPort: port, ToPort: port,
		Description: pulumi.String("to the proxy from " + g.name), Tags: g.tags(),
	}, pulumi.Parent(g), formerly(ingress))
	return err
}

// formerly is a name that a resource had before ports and node groups were part of it.
func formerly(name string) pulumi.ResourceOption {
	return pulumi.Aliases([]pulumi.Alias{{Name: pulumi.String(name)}})
}

func (g *Gateway) vpcLink(ctx *pulumi.Context, balancer nlb) (*apigateway.VpcLink, error) {
	return apigateway.NewVpcLink(ctx, g.name, &apigateway.VpcLinkArgs{
		TargetArn:   balancer.Arn,
		Description: pulumi.String("to the load balancer of " + g.name),
		Tags:        g.tags(),
		// A link made before its balancer has a listener can fail for good.
	}, pulumi.Parent(g), pulumi.DependsOn([]pulumi.Resource{balancer.listener}))
}

package network

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	awsvpc "github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// nodeEndpoints are the services without which a node in a VPC without internet cannot join a cluster, pull images,
// or hand out roles: https://docs.aws.amazon.com/eks/latest/userguide/private-clusters.html
var nodeEndpoints = []string{"autoscaling", "ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "elasticloadbalancing", "logs", "sts"}

var serviceName = regexp.MustCompile(`^[a-z0-9]+([.-][a-z0-9]+)*$`)

func (s Settings) checkEndpoints(p *settings.Problems) {
	for i, name := range s.InterfaceEndpoints {
		p.When(!serviceName.MatchString(name), "{InterfaceEndpoints[%d]}: %q is not the name of a service such as ecr.api", i, name)
		p.When(slices.Contains(s.InterfaceEndpoints[:i], name), "{InterfaceEndpoints[%d]}: %s is named twice", i, name)
	}
}

func (s Settings) interfaceEndpoints() []string {
	names := slices.Clone(s.InterfaceEndpoints)
	if s.NAT == NATNone {
		names = append(names, nodeEndpoints...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// endpoints: that for S3, where ECR keeps images' layers, costs nothing and is always there.
func (n *Network) endpoints(ctx *pulumi.Context, vpc *ec2.Vpc, tables []*ec2.RouteTable) error {
	var ids pulumi.StringArray
	for _, table := range tables {
		ids = append(ids, table.ID())
	}
	gateway, err := ec2.NewVpcEndpoint(ctx, n.name+"-s3", &ec2.VpcEndpointArgs{
		VpcId: vpc.ID(), ServiceName: pulumi.String(fmt.Sprintf("com.amazonaws.%s.s3", n.args.Location.Region)),
		VpcEndpointType: pulumi.String("Gateway"),
		RouteTableIds:   ids, Tags: n.tags("s3", nil),
	}, pulumi.Parent(n))
	if err != nil {
		return err
	}
	n.ready = append(n.ready, gateway)
	names := n.args.interfaceEndpoints()
	if len(names) == 0 {
		return nil
	}
	group, err := n.endpointGroup(ctx, vpc)
	if err != nil {
		return err
	}
	for _, name := range names {
		endpoint, err := ec2.NewVpcEndpoint(ctx, n.name+"-"+name, &ec2.VpcEndpointArgs{
			VpcId: vpc.ID(), ServiceName: pulumi.String(InterfaceService(n.args.Location.Region, name)), VpcEndpointType: pulumi.String("Interface"),
			SubnetIds: n.PrivateSubnetIDs, SecurityGroupIds: pulumi.StringArray{group.ID()}, PrivateDnsEnabled: pulumi.Bool(true),
			Tags: n.tags(name, nil),
		}, pulumi.Parent(n))
		if err != nil {
			return err
		}
		n.ready = append(n.ready, endpoint)
	}
	return nil
}

func (n *Network) endpointGroup(ctx *pulumi.Context, vpc *ec2.Vpc) (*ec2.SecurityGroup, error) {
	group, err := ec2.NewSecurityGroup(ctx, n.name+"-endpoints", &ec2.SecurityGroupArgs{
		VpcId: vpc.ID(), Description: pulumi.String("VPC endpoints"), Tags: n.tags("endpoints", nil),
	}, pulumi.Parent(n))
	if err != nil {
		return nil, err
	}
	_, err = awsvpc.NewSecurityGroupIngressRule(ctx, n.name+"-endpoints", &awsvpc.SecurityGroupIngressRuleArgs{
		SecurityGroupId: group.ID(), CidrIpv4: vpc.CidrBlock, IpProtocol: pulumi.String("tcp"), FromPort: pulumi.Int(443),
		ToPort:      pulumi.Int(443),
		Description: pulumi.String("HTTPS from the VPC"), Tags: n.tags("endpoints", nil),
	}, pulumi.Parent(n))
	return group, err
}

// chinese are the services whose interface endpoints in China have names that begin with cn. Others are named as elsewhere:
// https://github.com/aws/aws-cdk/blob/main/packages/aws-cdk-lib/aws-ec2/lib/vpc-endpoint.ts
var chinese = []string{
	"application-autoscaling", "autoscaling", "cloudformation", "ebs", "ec2", "ecr.api", "ecr.dkr", "eks", "elasticache", "elasticfilesystem",
	"execute-api", "kinesis-streams", "lambda", "monitoring", "rds", "s3", "sqs", "states", "sts", "synthetics", "xray",
}

// InterfaceService is the name of an AWS service for an interface endpoint in a region, for example of ecr.api.
func InterfaceService(region, service string) string {
	prefix := "com.amazonaws"
	if strings.HasPrefix(region, "cn-") && slices.Contains(chinese, service) {
		prefix = "cn.com.amazonaws"
	}
	return fmt.Sprintf("%s.%s.%s", prefix, region, service)
}

// EndpointOf finds the interface endpoint of an AWS service in a VPC, with its tags. The id is empty where there is none.
func EndpointOf(ctx *pulumi.Context, vpcID, region, service string, opts ...pulumi.InvokeOption) (id string, tags map[string]string,
	err error) {
	name := InterfaceService(region, service)
	found, err := ec2.LookupVpcEndpoint(ctx, &ec2.LookupVpcEndpointArgs{VpcId: &vpcID, ServiceName: &name}, opts...)
	switch {
	case err == nil:
		return found.Id, found.Tags, nil
	case strings.Contains(err.Error(), "no matching EC2 VPC Endpoint found"):
		return "", nil, nil
	}
	return "", nil, fmt.Errorf("endpoints for %s of VPC %s: %w", service, vpcID, err)
}

// flowLogTrust is for flow logs of this account: the service could be asked to use the role on behalf of another one.
// https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
func flowLogTrust(account string) pulumi.String {
	return pulumi.String(fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",`+
		`"Principal":{"Service":"vpc-flow-logs.amazonaws.com"},"Condition":{"StringEquals":{"aws:SourceAccount":%q}}}]}`, account))
}

// flowLogs keep what was rejected: the question after an outage is who could not get through.
func (n *Network) flowLogs(ctx *pulumi.Context, vpc *ec2.Vpc) error {
	if n.args.FlowLogDays == 0 {
		return nil
	}
	args := &cloudwatch.LogGroupArgs{RetentionInDays: pulumi.Int(n.args.FlowLogDays), Tags: n.tags("flow", nil)}
	if n.args.LogKMSKeyARN != nil {
		args.KmsKeyId = n.args.LogKMSKeyARN.ToStringOutput().ToStringPtrOutput()
	}
	logs, err := cloudwatch.NewLogGroup(ctx, n.name+"-flow", args, pulumi.Parent(n))
	if err != nil {
		return err
	}
	role, err := n.args.IAM.Role(ctx, n.name+"-flow", &iam.RoleArgs{AssumeRolePolicy: flowLogTrust(n.args.Location.Account),
		Tags: n.tags("flow", nil)}, pulumi.Parent(n))
	if err != nil {
		return err
	}
	policy := logs.Arn.ApplyT(func(arn string) (string, error) {
		encoded, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
			"Effect": "Allow", "Action": []string{"logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"},
			"Resource": []string{arn, arn + ":*"},
		}}})
		return string(encoded), err
	}).(pulumi.StringOutput)
	permission, err := iam.NewRolePolicy(ctx, n.name+"-flow", &iam.RolePolicyArgs{Role: role.Name, Policy: policy}, pulumi.Parent(n))
	if err != nil {
		return err
	}
	// Without its permission the log would lose what happens first.
	_, err = ec2.NewFlowLog(ctx, n.name, &ec2.FlowLogArgs{
		VpcId: vpc.ID(), TrafficType: pulumi.String("REJECT"), LogDestination: logs.Arn, IamRoleArn: role.Arn, Tags: n.tags("flow", nil),
	}, pulumi.Parent(n), pulumi.DependsOn([]pulumi.Resource{permission}))
	return err
}

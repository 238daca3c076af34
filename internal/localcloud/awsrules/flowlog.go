package awsrules

import (
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
)

var flowLog = &rule{
	token: "aws:ec2/flowLog:FlowLog", args: (*ec2.FlowLogArgs)(nil), resource: (*ec2.FlowLog)(nil), id: randomID("fl-", 17),
	replace: []string{"vpcId", "trafficType", "logDestination", "iamRoleArn"},
	refs: []ref{
		{path: "vpcId", to: VPC, missing: "InvalidVpcId.NotFound"},
		{path: "iamRoleArn", to: Role, attr: "arn", missing: "InvalidParameter"},
		{path: "logDestination", to: LogGroup, attr: "arn", missing: "InvalidParameter"},
	},
	check:   func(in properties) []schema.Failure { return exactlyOne(in, "vpcId", "subnetId", "eniId") },
	outputs: func(c *call) properties { return properties{"arn": c.regional("ec2", "vpc-flow-log/"+c.object.ID)} },
}

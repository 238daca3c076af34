package awsrules

import (
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
)

// Type tokens of security groups and their rules.
const (
	SecurityGroup            = "aws:ec2/securityGroup:SecurityGroup"
	SecurityGroupIngressRule = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
	SecurityGroupEgressRule  = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
)

var securityGroup = &rule{
	token: SecurityGroup, args: (*ec2.SecurityGroupArgs)(nil), resource: (*ec2.SecurityGroup)(nil), id: randomID("sg-", 17),
	autoName: "name", maxName: 255, replace: []string{"name", "description", "vpcId"},
	check:    reservedPrefix("name", "sg-"),
	defaults: properties{"description": "Managed by Pulumi"}, refs: []ref{inVPC}, outputs: ec2Outputs("security-group"),
	createTakes: 2 * time.Second,
}

var ingressRule = &rule{
	token: SecurityGroupIngressRule,
	args:  (*vpc.SecurityGroupIngressRuleArgs)(nil), resource: (*vpc.SecurityGroupIngressRule)(nil), id: randomID("sgr-", 17),
	replace: []string{"securityGroupId"}, refs: groupsOfRule, check: oneSource, prepare: ruleIsNew, outputs: groupRuleOutputs,
	createTakes: time.Second,
}

var egressRule = &rule{
	token: SecurityGroupEgressRule,
	args:  (*vpc.SecurityGroupEgressRuleArgs)(nil), resource: (*vpc.SecurityGroupEgressRule)(nil), id: randomID("sgr-", 17),
	replace: []string{"securityGroupId"}, refs: groupsOfRule, check: oneSource, prepare: ruleIsNew, outputs: groupRuleOutputs,
	createTakes: time.Second,
}

var groupsOfRule = []ref{
	{path: "securityGroupId", to: SecurityGroup, missing: "InvalidGroup.NotFound"},
	{path: "referencedSecurityGroupId", to: SecurityGroup, missing: "InvalidGroup.NotFound", inUse: violation},
}

// oneSource: a rule names exactly one of a range, a prefix list and a group.
func oneSource(in properties) []schema.Failure {
	return exactlyOne(in, "referencedSecurityGroupId", "cidrIpv4", "cidrIpv6", "prefixListId")
}

func ruleIsNew(c *call) error {
	for _, other := range c.store.List(c.rule.token) {
		if other.ID != c.object.ID && sameInputs(other, c.object, "securityGroupId", "ipProtocol", "fromPort", "toPort",
			"referencedSecurityGroupId", "cidrIpv4") {
			return apiError("InvalidPermission.Duplicate", "the specified rule already exists in %s", c.text("securityGroupId"))
		}
	}
	return nil
}

func groupRuleOutputs(c *call) properties {
	return properties{"securityGroupRuleId": c.object.ID, "arn": c.regional("ec2", "security-group-rule/"+c.object.ID)}
}

package gateway

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigateway"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// The types of package wafv2 are written out here: it alone takes a minute and more than 4 GB to compile,
// and everybody who imports this component would have to.
const (
	webACLType            = "aws:wafv2/webAcl:WebAcl"
	webACLAssociationType = "aws:wafv2/webAclAssociation:WebAclAssociation"
)

type webACL struct {
	pulumi.CustomResourceState
	ARN pulumi.StringOutput `pulumi:"arn"`
}

type webACLAssociation struct{ pulumi.CustomResourceState }

// managedRules are groups that AWS maintains, for any web service.
// https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html
var managedRules = []string{"AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet"}

func (g *Gateway) webACL(ctx *pulumi.Context, stage *apigateway.Stage) error {
	var arn pulumi.StringInput = pulumi.String(g.args.WebACL.ARN)
	switch {
	case g.args.WebACL.Managed:
		acl := &webACL{}
		if err := ctx.RegisterResource(webACLType, g.name, g.managedACL(), acl, pulumi.Parent(g)); err != nil {
			return err
		}
		arn = acl.ARN
	case g.args.WebACL.ARN == "":
		return nil
	}
	return ctx.RegisterResource(webACLAssociationType, g.name, pulumi.Map{"resourceArn": stage.Arn, "webAclArn": arn}, &webACLAssociation{}, pulumi.Parent(g))
}

func (g *Gateway) managedACL() pulumi.Map {
	visible := func(name string) pulumi.Map {
		return pulumi.Map{"cloudwatchMetricsEnabled": pulumi.Bool(true), "sampledRequestsEnabled": pulumi.Bool(true), "metricName": pulumi.String(g.name + "-" + name)}
	}
	rules := pulumi.Array{pulumi.Map{
		"name": pulumi.String("RateLimit"), "priority": pulumi.Int(0), "visibilityConfig": visible("RateLimit"),
		"action":    pulumi.Map{"block": pulumi.Map{}},
		"statement": pulumi.Map{"rateBasedStatement": pulumi.Map{"limit": pulumi.Int(g.args.WebACL.RateLimit), "aggregateKeyType": pulumi.String("IP")}},
	}}
	for i, group := range managedRules {
		rules = append(rules, pulumi.Map{
			"name": pulumi.String(group), "priority": pulumi.Int(i + 1), "visibilityConfig": visible(group),
			"overrideAction": pulumi.Map{"none": pulumi.Map{}},
			"statement":      pulumi.Map{"managedRuleGroupStatement": pulumi.Map{"vendorName": pulumi.String("AWS"), "name": pulumi.String(group)}},
		})
	}
	return pulumi.Map{
		"scope": pulumi.String("REGIONAL"), "defaultAction": pulumi.Map{"allow": pulumi.Map{}},
		"visibilityConfig": visible("WebACL"), "rules": rules, "tags": g.tags(),
	}
}

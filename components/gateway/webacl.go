package gateway

import (
	"fmt"
	"maps"
	"slices"

	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigateway"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// WebACL is the web application firewall. The zero value is none.
type WebACL struct {
	// ARN is an existing regional WAF web ACL.
	ARN pulumi.StringInput `pulumi:"arn,optional" config:"webAclArn"`
	// Managed makes a web ACL with AWS's common rules, known bad inputs, a rate limit, and a limit for bodies.
	Managed bool `pulumi:"managed,optional" config:"webAclManaged" hardened:"true" unless:"ARN"`
	// RateLimit is the managed web ACL's limit, in requests of one client address in five minutes.
	RateLimit int `pulumi:"rateLimit,optional" config:"webAclRateLimit" default:"2000" range:"10..2000000000"`
	// BodyLimit is how many KB of a body the managed web ACL inspects, 16, 32, 48 or 64; more than 16 costs more. Longer
	// bodies are refused by the rule BodySize, unless it is made to count: then what is beyond is not inspected.
	BodyLimit int `pulumi:"bodyLimit,optional" config:"webAclBodyLimit" default:"16"`
	// Overrides are what single rules of the managed web ACL do instead, by their names: count, allow or block.
	Overrides map[string]string `pulumi:"overrides,optional" config:"webAclOverrides"`
	// Logs keeps what the managed web ACL blocks or counts, for as long as access logs. Credentials are left out.
	Logs bool `pulumi:"logs,optional" config:"webAclLogs" hardened:"true" when:"Managed"`
}

// The types of package wafv2 are written out here: it alone takes a minute and more than 4 GB to compile,
// and everybody who imports this component would have to.
const (
	webACLType            = "aws:wafv2/webAcl:WebAcl"
	webACLAssociationType = "aws:wafv2/webAclAssociation:WebAclAssociation"
	webACLLoggingType     = "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration"
)

type webACL struct {
	pulumi.CustomResourceState
	ARN pulumi.StringOutput `pulumi:"arn"`
}

type (
	webACLAssociation struct{ pulumi.CustomResourceState }
	webACLLogging     struct{ pulumi.CustomResourceState }
)

// ruleGroup is one that AWS maintains, with the names of its rules. AWS ignores an override whose rule does not exist
// without a word, so the names must be known here.
type ruleGroup struct {
	name  string
	rules []string
}

// https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html
var managedGroups = []ruleGroup{
	{"AWSManagedRulesCommonRuleSet", []string{
		"NoUserAgent_HEADER", "UserAgent_BadBots_HEADER", "SizeRestrictions_QUERYSTRING", "SizeRestrictions_Cookie_HEADER", sizeRestrictionsBody,
		"SizeRestrictions_URIPATH", "EC2MetaDataSSRF_BODY", "EC2MetaDataSSRF_COOKIE", "EC2MetaDataSSRF_URIPATH", "EC2MetaDataSSRF_QUERYARGUMENTS",
		"GenericLFI_QUERYARGUMENTS", "GenericLFI_URIPATH", "GenericLFI_BODY", "RestrictedExtensions_URIPATH",
		"RestrictedExtensions_QUERYARGUMENTS",
		"GenericRFI_QUERYARGUMENTS", "GenericRFI_BODY", "GenericRFI_URIPATH", "CrossSiteScripting_COOKIE", "CrossSiteScripting_QUERYARGUMENTS",
		"CrossSiteScripting_BODY", "CrossSiteScripting_URIPATH",
	}},
	{"AWSManagedRulesKnownBadInputsRuleSet", []string{
		"JavaDeserializationRCE_HEADER", "JavaDeserializationRCE_BODY", "JavaDeserializationRCE_URIPATH", "JavaDeserializationRCE_QUERYSTRING",
		"Host_localhost_HEADER", "PROPFIND_METHOD", "ExploitablePaths_URIPATH", "Log4JRCE_HEADER", "Log4JRCE_QUERYSTRING", "Log4JRCE_BODY",
		"Log4JRCE_URIPATH", "ReactJSRCE_BODY",
	}},
}

const (
	// sizeRestrictionsBody blocks bodies of more than 8 KB whatever is inspected, so it only counts, and bodySize blocks.
	sizeRestrictionsBody = "SizeRestrictions_BODY"
	bodySize             = "BodySize"
	rateLimit            = "RateLimit"
)

var (
	bodyLimits  = []int{16, 32, 48, 64}
	ruleActions = []string{"allow", "block", "count"}
)

func (w WebACL) check() error {
	var p settings.Problems
	p.Malformed("ARN", w.ARN, webACLARN, webACLExample)
	p.When(w.ARN != nil && w.Managed, "{ARN} and {Managed}: choose one")
	p.When(!slices.Contains(bodyLimits, w.BodyLimit), "{BodyLimit} %d is not one of %v: AWS inspects that many KB of a body", w.BodyLimit,
		bodyLimits)
	p.When(!w.Managed && (len(w.Overrides) > 0 || w.Logs), "{Overrides} and {Logs} are for {Managed}")
	known := []string{bodySize, rateLimit}
	for _, group := range managedGroups {
		known = append(known, group.rules...)
	}
	for _, name := range slices.Sorted(maps.Keys(w.Overrides)) {
		p.When(!slices.Contains(known, name), "{Overrides}: there is no rule %s: there are %v", name, known)
		p.When(!slices.Contains(ruleActions, w.Overrides[name]), "{Overrides}: %s: %q is not one of %v", name, w.Overrides[name], ruleActions)
	}
	return p.Err()
}

// action is what a rule does.
func (w WebACL) action(rule, otherwise string) pulumi.Map {
	if chosen := w.Overrides[rule]; chosen != "" {
		otherwise = chosen
	}
	return pulumi.Map{otherwise: pulumi.Map{}}
}

func (g *Gateway) webACL(ctx *pulumi.Context, stage *apigateway.Stage) error {
	arn := g.args.WebACL.ARN
	switch {
	case g.args.WebACL.Managed:
		acl := &webACL{}
		if err := ctx.RegisterResource(webACLType, g.name, g.managedACL(), acl, pulumi.Parent(g)); err != nil {
			return err
		}
		arn = acl.ARN
		if err := g.webACLLogs(ctx, acl); err != nil {
			return err
		}
	case arn == nil:
		return nil
	}
	// An association belongs to the stage alone: deleting the old one after the new one was made would leave the stage
	// without any. https://github.com/pulumi/pulumi-aws/issues/4782
	return ctx.RegisterResource(webACLAssociationType, g.name, pulumi.Map{"resourceArn": stage.Arn, "webAclArn": arn}, &webACLAssociation{},
		pulumi.Parent(g), pulumi.DeleteBeforeReplace(true))
}

func (g *Gateway) managedACL() pulumi.Map {
	w := g.args.WebACL
	visible := func(name string) pulumi.Map {
		return pulumi.Map{
			"cloudwatchMetricsEnabled": pulumi.Bool(true), "sampledRequestsEnabled": pulumi.Bool(true),
			"metricName": pulumi.String(g.name + "-" + name),
		}
	}
	var rules pulumi.Array
	add := func(name string, rule pulumi.Map) {
		rule["name"], rule["priority"], rule["visibilityConfig"] = pulumi.String(name), pulumi.Int(len(rules)), visible(name)
		rules = append(rules, rule)
	}
	add(rateLimit, pulumi.Map{
		"action":    w.action(rateLimit, "block"),
		"statement": pulumi.Map{"rateBasedStatement": pulumi.Map{"limit": pulumi.Int(w.RateLimit), "aggregateKeyType": pulumi.String("IP")}},
	})
	add(bodySize, pulumi.Map{
		"action": w.action(bodySize, "block"),
		"statement": pulumi.Map{"sizeConstraintStatement": pulumi.Map{
			// Of a body beyond the limit nothing more is known than that it is, which counts as a match.
			"fieldToMatch":       pulumi.Map{"body": pulumi.Map{"oversizeHandling": pulumi.String("MATCH")}},
			"comparisonOperator": pulumi.String("GT"), "size": pulumi.Int(w.BodyLimit << 10),
			"textTransformations": pulumi.Array{pulumi.Map{"priority": pulumi.Int(0), "type": pulumi.String("NONE")}},
		}},
	})
	for _, group := range managedGroups {
		statement := pulumi.Map{"vendorName": pulumi.String("AWS"), "name": pulumi.String(group.name)}
		if overrides := w.overrides(group); len(overrides) > 0 {
			statement["ruleActionOverrides"] = overrides
		}
		add(group.name, pulumi.Map{"overrideAction": pulumi.Map{"none": pulumi.Map{}},
			"statement": pulumi.Map{"managedRuleGroupStatement": statement}})
	}
	return pulumi.Map{
		"scope": pulumi.String("REGIONAL"), "defaultAction": pulumi.Map{"allow": pulumi.Map{}},
		"visibilityConfig": visible("WebACL"), "rules": rules, "tags": g.tags(),
		"associationConfig": pulumi.Map{"requestBodies": pulumi.Array{pulumi.Map{"apiGateways": pulumi.Array{pulumi.Map{
			"defaultSizeInspectionLimit": pulumi.String(fmt.Sprintf("KB_%d", w.BodyLimit)),
		}}}}},
	}
}

func (w WebACL) overrides(group ruleGroup) pulumi.Array {
	var overrides pulumi.Array
	for _, rule := range group.rules {
		action := w.Overrides[rule]
		if action == "" && rule == sizeRestrictionsBody {
			action = "count"
		}
		if action != "" {
			overrides = append(overrides, pulumi.Map{"name": pulumi.String(rule), "actionToUse": pulumi.Map{action: pulumi.Map{}}})
		}
	}
	return overrides
}

// secretHeaders do not go into logs.
var secretHeaders = []string{"authorization", "cookie", "x-amz-security-token", "x-api-key"}

func (g *Gateway) webACLLogs(ctx *pulumi.Context, acl *webACL) error {
	if !g.args.WebACL.Logs {
		return nil
	}
	// WAF writes to groups with this prefix alone: https://docs.aws.amazon.com/waf/latest/developerguide/logging-cw-logs.html
	group, err := cloudwatch.NewLogGroup(ctx, "aws-waf-logs-"+g.name, &cloudwatch.LogGroupArgs{
		RetentionInDays: pulumi.Int(g.args.Stage.LogRetentionDays), KmsKeyId: ptr(g.args.Stage.LogKMSKeyARN), Tags: g.tags(),
	}, pulumi.Parent(g))
	if err != nil {
		return err
	}
	kept := func(action string) pulumi.Map {
		return pulumi.Map{"actionCondition": pulumi.Map{"action": pulumi.String(action)}}
	}
	redacted := pulumi.Array{}
	for _, name := range secretHeaders {
		redacted = append(redacted, pulumi.Map{"singleHeader": pulumi.Map{"name": pulumi.String(name)}})
	}
	return ctx.RegisterResource(webACLLoggingType, g.name, pulumi.Map{
		"resourceArn": acl.ARN, "logDestinationConfigs": pulumi.StringArray{group.Arn}, "redactedFields": redacted,
		"loggingFilter": pulumi.Map{"defaultBehavior": pulumi.String("DROP"), "filters": pulumi.Array{pulumi.Map{
			"behavior": pulumi.String("KEEP"), "requirement": pulumi.String("MEETS_ANY"),
			"conditions": pulumi.Array{kept("BLOCK"), kept("COUNT"), kept("EXCLUDED_AS_COUNT")},
		}}},
	}, &webACLLogging{}, pulumi.Parent(g))
}

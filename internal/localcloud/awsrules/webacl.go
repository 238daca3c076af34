package awsrules

import (
	"reflect"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	webACLType            = "aws:wafv2/webAcl:WebAcl"
	webACLAssociationType = "aws:wafv2/webAclAssociation:WebAclAssociation"
	webACLLoggingType     = "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration"
)

// webACL keeps the object and its references; requests are not inspected.
var webACL = &rule{
	token: webACLType, args: (*webACLArgs)(nil), resource: (*webACLState)(nil), id: randomID("", 36),
	autoName: "name", maxName: 128, unique: "name", required: []string{"scope", "defaultAction", "visibilityConfig"},
	replace: []string{"name", "scope"}, check: checkWebACL, mayDelete: webACLIsUnused,
	outputs: func(c *call) properties {
		return properties{"arn": c.regional("wafv2", "regional/webacl/"+c.text("name")+"/"+c.object.ID)}
	},
}

func webACLIsUnused(c *call) error {
	inUse := map[string]string{}
	for _, association := range c.store.List(webACLAssociationType) {
		// The newest has taken the place of those before.
		inUse[association.Text("resourceArn")] = association.Text("webAclArn")
	}
	for _, arn := range inUse {
		if arn == c.text("arn") {
			return apiError("WAFAssociatedItemException", "AWS WAF couldn't perform the operation because your resource is being used by "+
				"another resource")
		}
	}
	return nil
}

func checkWebACL(in properties) []schema.Failure {
	for _, limit := range in.Texts("associationConfig.requestBodies[].apiGateways[].defaultSizeInspectionLimit") {
		if !slices.Contains([]string{"KB_16", "KB_32", "KB_48", "KB_64"}, limit) {
			return wrong("associationConfig", "%s is not KB_16, KB_32, KB_48 or KB_64", limit)
		}
	}
	seen := map[any]bool{}
	for _, r := range in.Objects("rules[]") {
		if (r["action"] == nil) == (r["overrideAction"] == nil) || seen[r["priority"]] {
			return wrong("rules", "rule %v needs a priority of its own, and either action or overrideAction", r["name"])
		}
		seen[r["priority"]] = true
	}
	return nil
}

var webACLAssociation = &rule{
	token: webACLAssociationType, args: (*webACLAssociationArgs)(nil), resource: (*webACLAssociationState)(nil),
	id:       func(c *call) string { return c.text("webAclArn") + "," + c.text("resourceArn") },
	required: []string{"resourceArn", "webAclArn"}, replace: []string{"resourceArn", "webAclArn"},
	refs:    []ref{{path: "resourceArn", to: Stage, attr: "arn", missing: "WAFNonexistentItemException"}},
	prepare: webACLExists, deleted: disassociate,
}

// disassociate: a stage has one web ACL or none, that of the newest association. To disassociate names the stage alone:
// whichever association is deleted, the stage ends without a web ACL.
// https://docs.aws.amazon.com/waf/latest/APIReference/API_DisassociateWebACL.html, https://github.com/pulumi/pulumi-aws/issues/4782
func disassociate(c *call) error {
	for _, other := range c.store.List(webACLAssociationType) {
		if sameInputs(other, c.object, "resourceArn") {
			if err := c.store.Delete(other); err != nil {
				return err
			}
		}
	}
	return nil
}

func webACLExists(c *call) error {
	// An ARN of another account is taken for good.
	if arn := c.text("webAclArn"); strings.Contains(arn, ":"+Account+":") && c.findBy(webACLType, "arn", arn) == nil {
		return apiError("WAFNonexistentItemException", "AWS WAF couldn't perform the operation because your resource doesn't exist: %s", arn)
	}
	return nil
}

var webACLLogging = &rule{
	token: webACLLoggingType, args: (*webACLLoggingArgs)(nil), resource: (*webACLLoggingState)(nil),
	id: func(c *call) string { return c.text("resourceArn") }, required: []string{"resourceArn", "logDestinationConfigs"},
	replace: []string{"resourceArn"},
	refs: []ref{
		{path: "resourceArn", to: webACLType, attr: "arn", missing: "WAFNonexistentItemException", inUse: "WAFAssociatedItemException"},
		{path: "logDestinationConfigs[]", to: LogGroup, attr: "arn", missing: "WAFLogDestinationPermissionIssueException"},
	},
	check: checkWebACLLogging,
}

// checkWebACLLogging: https://docs.aws.amazon.com/waf/latest/developerguide/logging-cw-logs.html
func checkWebACLLogging(in properties) []schema.Failure {
	for _, destination := range in.Texts("logDestinationConfigs[]") {
		if !strings.Contains(destination, ":log-group:aws-waf-logs-") {
			return wrong("logDestinationConfigs", "the name of a log group for AWS WAF begins with aws-waf-logs-")
		}
	}
	return nil
}

// The types of package wafv2, as far as the program uses them: to compile the package takes a minute and 4.5 GB.
type (
	webACLArgs struct {
		Name              *string                  `pulumi:"name"`
		Description       *string                  `pulumi:"description"`
		Scope             string                   `pulumi:"scope"`
		DefaultAction     map[string]any           `pulumi:"defaultAction"`
		VisibilityConfig  webACLVisibility         `pulumi:"visibilityConfig"`
		Rules             []webACLRule             `pulumi:"rules"`
		AssociationConfig *webACLAssociationConfig `pulumi:"associationConfig"`
		Tags              map[string]string        `pulumi:"tags"`
	}
	webACLAssociationConfig struct {
		RequestBodies []struct {
			APIGateways []struct {
				Limit string `pulumi:"defaultSizeInspectionLimit"`
			} `pulumi:"apiGateways"`
		} `pulumi:"requestBodies"`
	}
	webACLRule struct {
		Name             string           `pulumi:"name"`
		Priority         int              `pulumi:"priority"`
		Action           *webACLAction    `pulumi:"action"`
		OverrideAction   *webACLOverride  `pulumi:"overrideAction"`
		Statement        map[string]any   `pulumi:"statement"`
		VisibilityConfig webACLVisibility `pulumi:"visibilityConfig"`
	}
	webACLAction struct {
		Allow map[string]any `pulumi:"allow"`
		Block map[string]any `pulumi:"block"`
		Count map[string]any `pulumi:"count"`
	}
	webACLOverride struct {
		Count *struct{} `pulumi:"count"`
		None  *struct{} `pulumi:"none"`
	}
	webACLVisibility struct {
		CloudwatchMetricsEnabled bool   `pulumi:"cloudwatchMetricsEnabled"`
		MetricName               string `pulumi:"metricName"`
		SampledRequestsEnabled   bool   `pulumi:"sampledRequestsEnabled"`
	}
	webACLState struct {
		pulumi.CustomResourceState
		ARN               pulumi.StringOutput    `pulumi:"arn"`
		Name              pulumi.StringOutput    `pulumi:"name"`
		Scope             pulumi.StringOutput    `pulumi:"scope"`
		DefaultAction     pulumi.MapOutput       `pulumi:"defaultAction"`
		VisibilityConfig  pulumi.MapOutput       `pulumi:"visibilityConfig"`
		Rules             pulumi.ArrayOutput     `pulumi:"rules"`
		AssociationConfig pulumi.MapOutput       `pulumi:"associationConfig"`
		Tags              pulumi.StringMapOutput `pulumi:"tags"`
		TagsAll           pulumi.StringMapOutput `pulumi:"tagsAll"`
	}
	webACLLoggingArgs struct {
		ResourceARN           string           `pulumi:"resourceArn"`
		LogDestinationConfigs []string         `pulumi:"logDestinationConfigs"`
		LoggingFilter         map[string]any   `pulumi:"loggingFilter"`
		RedactedFields        []map[string]any `pulumi:"redactedFields"`
	}
	webACLLoggingState struct {
		pulumi.CustomResourceState
		ResourceARN           pulumi.StringOutput      `pulumi:"resourceArn"`
		LogDestinationConfigs pulumi.StringArrayOutput `pulumi:"logDestinationConfigs"`
		LoggingFilter         pulumi.MapOutput         `pulumi:"loggingFilter"`
		RedactedFields        pulumi.ArrayOutput       `pulumi:"redactedFields"`
	}
	webACLAssociationArgs struct {
		ResourceARN string `pulumi:"resourceArn"`
		WebACLARN   string `pulumi:"webAclArn"`
	}
	webACLAssociationState struct {
		pulumi.CustomResourceState
		ResourceARN pulumi.StringOutput `pulumi:"resourceArn"`
		WebACLARN   pulumi.StringOutput `pulumi:"webAclArn"`
	}
)

// ElementType names the inputs as the SDK's own types do.
func (webACLArgs) ElementType() reflect.Type { return reflect.TypeFor[webACLArgs]() }

// ElementType names the inputs as the SDK's own types do.
func (webACLLoggingArgs) ElementType() reflect.Type { return reflect.TypeFor[webACLLoggingArgs]() }

// ElementType names the inputs as the SDK's own types do.
func (webACLAssociationArgs) ElementType() reflect.Type {
	return reflect.TypeFor[webACLAssociationArgs]()
}

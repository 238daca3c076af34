package awsrules

import (
	"reflect"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	webACLType            = "aws:wafv2/webAcl:WebAcl"
	webACLAssociationType = "aws:wafv2/webAclAssociation:WebAclAssociation"
)

// webACL keeps the object and its references; requests are not inspected.
var webACL = &rule{
	token: webACLType, args: (*webACLArgs)(nil), resource: (*webACLState)(nil), id: randomID("", 36),
	autoName: "name", maxName: 128, unique: "name", required: []string{"scope", "defaultAction", "visibilityConfig"},
	replace: []string{"name", "scope"}, check: checkWebACL,
	outputs: func(c *call) properties {
		return properties{"arn": c.regional("wafv2", "regional/webacl/"+c.text("name")+"/"+c.object.ID)}
	},
}

func checkWebACL(in properties) []schema.Failure {
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
	prepare: webACLExists,
}

func webACLExists(c *call) error {
	// An ARN of another account is taken for good.
	if arn := c.text("webAclArn"); strings.Contains(arn, ":"+Account+":") && c.findBy(webACLType, "arn", arn) == nil {
		return apiError("WAFNonexistentItemException", "AWS WAF couldn't perform the operation because your resource doesn't exist: %s", arn)
	}
	return nil
}

// The types of package wafv2, as far as the program uses them: to compile the package takes a minute and 4.5 GB.
type (
	webACLArgs struct {
		Name             *string           `pulumi:"name"`
		Description      *string           `pulumi:"description"`
		Scope            string            `pulumi:"scope"`
		DefaultAction    map[string]any    `pulumi:"defaultAction"`
		VisibilityConfig webACLVisibility  `pulumi:"visibilityConfig"`
		Rules            []webACLRule      `pulumi:"rules"`
		Tags             map[string]string `pulumi:"tags"`
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
		ARN              pulumi.StringOutput    `pulumi:"arn"`
		Name             pulumi.StringOutput    `pulumi:"name"`
		Scope            pulumi.StringOutput    `pulumi:"scope"`
		DefaultAction    pulumi.MapOutput       `pulumi:"defaultAction"`
		VisibilityConfig pulumi.MapOutput       `pulumi:"visibilityConfig"`
		Rules            pulumi.ArrayOutput     `pulumi:"rules"`
		Tags             pulumi.StringMapOutput `pulumi:"tags"`
		TagsAll          pulumi.StringMapOutput `pulumi:"tagsAll"`
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
func (webACLAssociationArgs) ElementType() reflect.Type {
	return reflect.TypeFor[webACLAssociationArgs]()
}

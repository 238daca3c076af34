package awsrules

import (
	"fmt"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
)

const webACL = "aws:wafv2/webAcl:WebAcl"

// firewallRules keep the objects and their references; requests are not inspected.
var firewallRules = []*rule{
	{
		token: webACL, autoName: "name", maxName: 128, unique: "name", required: []string{"scope", "defaultAction", "visibilityConfig"}, replace: []string{"name", "scope"},
		id: randomID("", 36),
		check: func(inputs map[string]any) []schema.Failure {
			seen := map[any]bool{}
			for _, r := range items(inputs["rules"]) {
				if (r["action"] == nil) == (r["overrideAction"] == nil) || seen[r["priority"]] {
					return []schema.Failure{{Property: "rules", Reason: fmt.Sprintf("rule %v needs a priority of its own, and either action or overrideAction", r["name"])}}
				}
				seen[r["priority"]] = true
			}
			return nil
		},
		outputs: func(c *call) map[string]any {
			return map[string]any{"arn": c.arn("wafv2", c.region, "regional/webacl/"+c.object.Text("name")+"/"+c.object.ID)}
		},
	},
	{
		token: "aws:wafv2/webAclAssociation:WebAclAssociation", required: []string{"resourceArn", "webAclArn"}, replace: []string{"resourceArn", "webAclArn"},
		id: func(c *call) string { return c.object.Text("webAclArn") + "," + c.object.Text("resourceArn") },
		refs: []ref{
			{path: "resourceArn", to: Stage, attr: "arn", missing: "WAFNonexistentItemException"},
		},
		prepare: func(c *call) error {
			// An ARN of another account or an ACL that the stack did not make is taken for good.
			if arn := c.object.Text("webAclArn"); strings.Contains(arn, ":"+Account+":") && c.findBy(webACL, "arn", arn) == nil {
				return apiError("WAFNonexistentItemException", "AWS WAF couldn't perform the operation because your resource doesn't exist: %s", arn)
			}
			return nil
		},
	},
}

package awsrules

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
)

// Type tokens that other rooms of the local cloud ask for.
const (
	User           = "aws:iam/user:User"
	UserPolicy     = "aws:iam/userPolicy:UserPolicy"
	AccessKey      = "aws:iam/accessKey:AccessKey"
	Role           = "aws:iam/role:Role"
	RolePolicy     = "aws:iam/rolePolicy:RolePolicy"
	OIDCProvider   = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
	deleteConflict = "DeleteConflict"
)

var (
	ofRole = ref{path: "role", to: Role, missing: "NoSuchEntity", inUse: deleteConflict}
	ofUser = ref{path: "user", to: User, missing: "NoSuchEntity", inUse: deleteConflict}
)

var iamRules = []*rule{
	{
		token: Role, args: (*iam.RoleArgs)(nil), id: byName,
		autoName: "name", maxName: 64, unique: "name", replace: []string{"name", "path"},
		defaults: map[string]any{"path": "/", "maxSessionDuration": 3600.0},
		check:    policyAt("assumeRolePolicy"), prepare: principalExists,
		outputs: func(c *call) map[string]any {
			return map[string]any{"arn": c.arn("iam", "", "role"+c.object.Text("path")+c.object.ID), "uniqueId": "AROA" + upperHash(c.object.ID, 17)}
		},
		createTakes: 2 * time.Second,
	},
	{
		token: RolePolicy, args: (*iam.RolePolicyArgs)(nil), autoName: "name",
		id:      func(c *call) string { return c.object.Text("role") + ":" + c.object.Text("name") },
		replace: []string{"name", "role"}, refs: []ref{ofRole}, check: policyAt("policy"),
	},
	{
		token: "aws:iam/rolePolicyAttachment:RolePolicyAttachment", args: (*iam.RolePolicyAttachmentArgs)(nil),
		id:      func(c *call) string { return c.object.Text("role") + "-" + randomHex(26) },
		replace: []string{"role", "policyArn"}, refs: []ref{ofRole},
		prepare: func(c *call) error {
			if arn := c.object.Text("policyArn"); !slices.Contains(managedPolicies, arn[strings.Index(arn, "/")+1:]) {
				return apiError("NoSuchEntity", "policy %s does not exist or is not attachable", arn)
			}
			return nil
		},
	},
	{
		token: User, args: (*iam.UserArgs)(nil), id: byName,
		autoName: "name", maxName: 64, unique: "name", replace: []string{"name"}, defaults: map[string]any{"path": "/"},
		outputs: func(c *call) map[string]any {
			return map[string]any{"arn": c.arn("iam", "", "user"+c.object.Text("path")+c.object.ID), "uniqueId": "AIDA" + upperHash(c.object.ID, 17)}
		},
		createTakes: 2 * time.Second,
	},
	{
		token: UserPolicy, args: (*iam.UserPolicyArgs)(nil), autoName: "name",
		id:      func(c *call) string { return c.object.Text("user") + ":" + c.object.Text("name") },
		replace: []string{"name", "user"}, refs: []ref{ofUser}, check: policyAt("policy"),
	},
	{
		token: AccessKey, args: (*iam.AccessKeyArgs)(nil),
		id:      func(*call) string { return "AKIA" + upperHash(randomHex(32), 16) },
		replace: []string{"user", "pgpKey"}, refs: []ref{ofUser}, defaults: map[string]any{"status": "Active"},
		prepare: atMostTwoKeys, outputs: secretKey,
	},
	{
		token: OIDCProvider, args: (*iam.OpenIdConnectProviderArgs)(nil), unique: "url", required: []string{"url", "clientIdLists"},
		id: func(c *call) string {
			return c.arn("iam", "", "oidc-provider/"+strings.TrimPrefix(c.object.Text("url"), "https://"))
		},
		replace: []string{"url"},
		outputs: func(c *call) map[string]any { return map[string]any{"arn": c.object.ID} },
	},
}

// managedPolicies of AWS that exist, by the part of the ARN after "policy/".
var managedPolicies = []string{
	"AmazonEKSClusterPolicy",
	"AmazonEKSWorkerNodePolicy",
	"AmazonEKS_CNI_Policy",
	"AmazonEC2ContainerRegistryPullOnly",
	"service-role/AmazonAPIGatewayPushToCloudWatchLogs",
}

// maxAccessKeys is IAM's quota for a user.
const maxAccessKeys = 2

func atMostTwoKeys(c *call) error {
	keys := 0
	for _, key := range c.store.List(AccessKey) {
		if key.Text("user") == c.object.Text("user") && key.ID != c.object.ID {
			keys++
		}
	}
	if keys >= maxAccessKeys {
		return apiError("LimitExceeded", "cannot exceed quota for AccessKeysPerUser: %d", maxAccessKeys)
	}
	return nil
}

func secretKey(c *call) map[string]any {
	if existing, ok := c.object.Outputs["secret"]; ok {
		return map[string]any{"secret": existing}
	}
	buffer := make([]byte, 30)
	_, _ = rand.Read(buffer) // never fails: https://pkg.go.dev/crypto/rand#Read
	return map[string]any{"secret": base64.StdEncoding.EncodeToString(buffer)}
}

// policyAt checks that a policy is a JSON document with statements.
func policyAt(property string) func(map[string]any) []schema.Failure {
	return func(inputs map[string]any) []schema.Failure {
		text, ok := inputs[property].(string)
		if !ok {
			return nil
		}
		var document struct {
			Version   string
			Statement []map[string]any
		}
		if err := json.Unmarshal([]byte(text), &document); err != nil {
			return []schema.Failure{{Property: property, Reason: fmt.Sprintf("MalformedPolicyDocument: %s", err)}}
		}
		if document.Version != "2012-10-17" || len(document.Statement) == 0 {
			return []schema.Failure{{Property: property, Reason: "MalformedPolicyDocument: a Version of 2012-10-17 and a Statement are required"}}
		}
		for i, statement := range document.Statement {
			if effect := statement["Effect"]; effect != "Allow" && effect != "Deny" {
				return []schema.Failure{{Property: property, Reason: fmt.Sprintf("MalformedPolicyDocument: statement %d has no Effect of Allow or Deny", i+1)}}
			}
		}
		return nil
	}
}

// principalExists: IAM refuses a trust policy that names a role of this account which is not there.
func principalExists(c *call) error {
	var trust struct {
		Statement []struct{ Principal map[string]any }
	}
	if err := json.Unmarshal([]byte(c.object.Text("assumeRolePolicy")), &trust); err != nil {
		return apiError("MalformedPolicyDocument", "%s", err)
	}
	for _, statement := range trust.Statement {
		arn, _ := statement.Principal["AWS"].(string)
		if name, own := strings.CutPrefix(arn, c.arn("iam", "", "role/")); own && c.store.Get(Role, name) == nil {
			return apiError("MalformedPolicyDocument", "invalid principal in policy: %s", arn)
		}
	}
	return nil
}

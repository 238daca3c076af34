package awsrules

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
)

// Type tokens of roles, their policies, and OIDC providers.
const (
	Role           = "aws:iam/role:Role"
	RolePolicy     = "aws:iam/rolePolicy:RolePolicy"
	OIDCProvider   = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
	deleteConflict = "DeleteConflict"
)

var ofRole = ref{path: "role", to: Role, missing: "NoSuchEntity", inUse: deleteConflict}

var role = &rule{
	token: Role, args: (*iam.RoleArgs)(nil), resource: (*iam.Role)(nil), id: byName,
	autoName: "name", maxName: 64, unique: "name", replace: []string{"name", "path"},
	defaults: properties{"path": "/", "maxSessionDuration": 3600.0},
	check:    checkPolicy("assumeRolePolicy"), prepare: principalExists, outputs: roleOutputs, createTakes: 2 * time.Second,
}

func roleOutputs(c *call) properties {
	return properties{"arn": c.arn("iam", "", "role"+c.text("path")+c.object.ID), "uniqueId": "AROA" + upperHash(c.object.ID, 17)}
}

// principalExists: IAM refuses a trust policy that names a role of this account which is not there.
func principalExists(c *call) error {
	var trust struct {
		Statement []struct{ Principal properties }
	}
	if err := json.Unmarshal([]byte(c.text("assumeRolePolicy")), &trust); err != nil {
		return apiError("MalformedPolicyDocument", "%s", err)
	}
	for _, statement := range trust.Statement {
		arn := statement.Principal.Text("AWS")
		if path, own := strings.CutPrefix(arn, c.arn("iam", "", "role/")); own &&
			c.store.Get(Role, path[strings.LastIndex(path, "/")+1:]) == nil {
			return apiError("MalformedPolicyDocument", "invalid principal in policy: %s", arn)
		}
	}
	return nil
}

var rolePolicy = &rule{
	token: RolePolicy, args: (*iam.RolePolicyArgs)(nil), resource: (*iam.RolePolicy)(nil), autoName: "name",
	id:      func(c *call) string { return c.text("role") + ":" + c.text("name") },
	replace: []string{"name", "role"}, refs: []ref{ofRole}, check: checkPolicy("policy"),
}

var rolePolicyAttachment = &rule{
	token: "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
	args:  (*iam.RolePolicyAttachmentArgs)(nil), resource: (*iam.RolePolicyAttachment)(nil),
	id:      func(c *call) string { return c.text("role") + "-" + randomHex(26) },
	replace: []string{"role", "policyArn"}, refs: []ref{ofRole}, prepare: policyIsManaged,
}

// managedPolicies of AWS that exist, by the part of the ARN after "policy/".
var managedPolicies = []string{
	"AmazonEKSClusterPolicy",
	"AmazonEKSWorkerNodePolicy",
	"AmazonEKS_CNI_Policy",
	"AmazonEC2ContainerRegistryPullOnly",
	"service-role/AmazonAPIGatewayPushToCloudWatchLogs",
}

func policyIsManaged(c *call) error {
	arn := c.text("policyArn")
	ofPartition := strings.HasPrefix(arn, "arn:"+Partition(c.region)+":iam::aws:policy/")
	if !ofPartition || !slices.Contains(managedPolicies, arn[strings.Index(arn, "/")+1:]) {
		return apiError("NoSuchEntity", "policy %s does not exist or is not attachable", arn)
	}
	return nil
}

var oidcProvider = &rule{
	token: OIDCProvider, args: (*iam.OpenIdConnectProviderArgs)(nil), resource: (*iam.OpenIdConnectProvider)(nil),
	id: func(c *call) string {
		return c.arn("iam", "", "oidc-provider/"+strings.TrimPrefix(c.text("url"), "https://"))
	},
	unique: "url", required: []string{"url", "clientIdLists"}, replace: []string{"url"}, outputs: byARN,
}

package apigateway

import rego.v1

# The property that holds the permissions of an identity, for each type that has one.
identity_property := {
	"aws:iam/policy:Policy": "policy",
	"aws:iam/rolePolicy:RolePolicy": "policy",
	"aws:iam/userPolicy:UserPolicy": "policy",
	"aws:iam/groupPolicy:GroupPolicy": "policy",
	"aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy": "inlinePolicy",
}

identity_documents contains property([identity_property[input.type]])

identity_documents contains inline.policy if {
	input.type == "aws:iam/role:Role"
	some inline in list(property(["inlinePolicies"]))
}

deny contains violation("readable-policies", "a policy is not JSON") if {
	some text in identity_documents
	is_string(text)
	not unknown(text)
	not json.is_valid(text)
}

deny contains violation("no-wildcard-actions", sprintf("a statement allows %s", [action])) if {
	some text in identity_documents
	some statement in allows(text)
	some action in texts(statement.Action)
	broad_action(action)
}

deny contains violation("no-wildcard-actions", "a statement allows everything but some actions: NotAction") if {
	some text in identity_documents
	some statement in allows(text)
	statement.NotAction
}

deny contains violation("no-wildcard-actions", sprintf("its trust policy allows %s", [action])) if {
	input.type == "aws:iam/role:Role"
	some statement in allows(property(["assumeRolePolicy"]))
	some action in texts(statement.Action)
	contains(action, "*")
}

deny contains violation("named-resources", "a statement allows actions on everything but some resources: NotResource") if {
	some text in identity_documents
	some statement in allows(text)
	statement.NotResource
}

deny contains violation("named-resources", sprintf("a statement allows %s on every resource", [action])) if {
	some text in identity_documents
	some statement in allows(text)
	object.get(statement, "Condition", {}) == {}
	some resource in texts(statement.Resource)
	every_resource(resource)
	some action in texts(statement.Action)
	hands_out_permissions(lower(action))
}

# A wildcard may stand for the rest of a name that only reads. Names of actions do not count in case.
broad_action(action) if {
	matches := regex.find_n(`[*?]`, action, 1)
	count(matches) > 0
	not regex.match(`^[a-z0-9-]+:(get|list|describe|batchget|head|search|lookup|view)[a-z0-9*?]*$`, lower(action))
}

# Secrets are read by names that look harmless.
broad_action(action) if lower(action) in {"secretsmanager:get*", "secretsmanager:getsecret*", "ssm:get*", "ssm:getparameter*", "s3:get*:*"}

every_resource("*")

every_resource(arn) if regex.match(`^arn:[^:]*:iam::[^:]*:(\*|role/\*|user/\*|\*/\*)$`, arn)

# Actions by which an identity gets permissions that it does not have.
hands_out_permissions(action) if regex.match(`^iam:(pass|attach|put|create(accesskey|loginprofile|policy|role|user)|update(assumerole|login|accesskey)|addusertogroup|setdefault|delete(role|user)permissionsboundary)`, action)

hands_out_permissions(action) if startswith(action, "sts:assumerole")

deny contains violation("no-broad-managed-policies", sprintf("%s is attached", [arn])) if {
	endswith(split(input.type, ":")[1], "ttachment")
	some arn in texts(property(["policyArn"])) | texts(property(["managedPolicyArn"]))
	broad_policy(arn)
}

deny contains violation("no-broad-managed-policies", sprintf("%s is attached", [arn])) if {
	input.type in {
		"aws:iam/role:Role", "aws:iam/policyAttachment:PolicyAttachment", "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive",
		"aws:iam/userPolicyAttachmentsExclusive:UserPolicyAttachmentsExclusive", "aws:iam/groupPolicyAttachmentsExclusive:GroupPolicyAttachmentsExclusive",
	}
	some arn in texts(property(["managedPolicyArns"])) | texts(property(["policyArns"])) | texts(property(["policyArn"]))
	broad_policy(arn)
}

# https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_job-functions.html
broad_policy(arn) if regex.match(`^arn:[^:]*:iam::aws:policy/(.*/)?(AdministratorAccess.*|PowerUserAccess|SystemAdministrator|NetworkAdministrator|DatabaseAdministrator|.*FullAccess.*|.*_Full_?Access.*)$`, arn)

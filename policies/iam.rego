package apigateway

import rego.v1

# The property that holds a policy document, for each type that has one.
permission_documents := {
	"aws:iam/policy:Policy": "policy",
	"aws:iam/rolePolicy:RolePolicy": "policy",
	"aws:iam/userPolicy:UserPolicy": "policy",
	"aws:iam/groupPolicy:GroupPolicy": "policy",
}

deny contains violation("no-wildcard-actions", sprintf("a statement allows %s", [action])) if {
	text := input.properties[permission_documents[input.type]]
	some statement in statements(text)
	statement.Effect == "Allow"
	some action in list(statement.Action)
	wildcard(action)
}

deny contains violation("no-wildcard-actions", "a statement allows everything but some actions: NotAction") if {
	text := input.properties[permission_documents[input.type]]
	some statement in statements(text)
	statement.Effect == "Allow"
	statement.NotAction
}

deny contains violation("no-broad-managed-policies", sprintf("%s is attached", [arn])) if {
	input.type in {"aws:iam/rolePolicyAttachment:RolePolicyAttachment", "aws:iam/userPolicyAttachment:UserPolicyAttachment", "aws:iam/groupPolicyAttachment:GroupPolicyAttachment"}
	arn := input.properties.policyArn
	broad(arn)
}

deny contains violation("no-broad-managed-policies", sprintf("%s is attached", [arn])) if {
	input.type == "aws:iam/role:Role"
	some arn in input.properties.managedPolicyArns
	broad(arn)
}

deny contains violation("no-open-roles", "everybody may assume it") if {
	input.type == "aws:iam/role:Role"
	some statement in statements(input.properties.assumeRolePolicy)
	statement.Effect == "Allow"
	everybody(statement.Principal)
}

wildcard("*")

wildcard(action) if endswith(action, ":*")

broad(arn) if endswith(arn, ":aws:policy/AdministratorAccess")

broad(arn) if endswith(arn, "FullAccess")

everybody("*")

everybody(principal) if "*" in list(principal.AWS)

# A document may be text or, in some resources, an object; one statement may stand without a list around it.
statements(document) := list(json.unmarshal(document).Statement) if {
	is_string(document)
	json.is_valid(document)
}

statements(document) := list(document.Statement) if is_object(document)

list(value) := value if is_array(value)

list(value) := [value] if not is_array(value)

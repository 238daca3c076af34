package apigateway

import rego.v1

deny contains violation("no-open-roles", "everybody may assume it") if {
	input.type == "aws:iam/role:Role"
	some statement in allows(property(["assumeRolePolicy"]))
	everybody(statement)
	not narrowed(statement)
}

# The provider signs tokens for all its users, other organizations' as well:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
deny contains violation("federated-subjects", sprintf("every identity of %s may assume it: add conditions on %s", [provider, concat(" and ", missing)])) if {
	input.type == "aws:iam/role:Role"
	some statement in allows(property(["assumeRolePolicy"]))
	some provider in texts(object.get(principal(statement), "Federated", []))
	missing := [suffix | some suffix in demanded_claims(provider); not claimed(statement, suffix)]
	count(missing) > 0
}

demanded_claims(provider) := ["SAML:aud"] if contains(provider, ":saml-provider/")

demanded_claims(provider) := ["aud"] if provider in {"cognito-identity.amazonaws.com", "www.amazon.com", "graph.facebook.com"}

demanded_claims(provider) := ["aud", "sub"] if {
	not contains(provider, ":saml-provider/")
	not provider in {"cognito-identity.amazonaws.com", "www.amazon.com", "graph.facebook.com"}
}

# A condition holds a claim to a value only if it fails when the claim is missing.
claimed(statement, claim) if {
	some operator in {"StringEquals", "StringLike", "StringEqualsIgnoreCase", "ForAnyValue:StringEquals", "ForAnyValue:StringLike"}
	some key, values in object.get(object.get(statement, "Condition", {}), operator, {})
	endswith(lower(key), lower(claim))
	count(texts(values)) > 0
	every value in texts(values) {
		names_somebody(value, operator)
	}
}

# What stands before the first wildcard must name somebody: an owner of repositories, a namespace of service accounts.
names_somebody(value, operator) if not endswith(operator, "Like")

names_somebody(value, operator) if {
	endswith(operator, "Like")
	not regex.match(`[*?]`, value)
}

names_somebody(value, operator) if {
	endswith(operator, "Like")
	not startswith(value, "system:serviceaccount:")
	regex.match(`^[^*?:]+:[^*?:/]+[:/]`, value)
}

names_somebody(value, operator) if {
	endswith(operator, "Like")
	regex.match(`^system:serviceaccount:[^*?:]+:`, value)
}

principal(statement) := statement.Principal if is_object(statement.Principal)

everybody(statement) if statement.Principal == "*"

everybody(statement) if "*" in texts(principal(statement)[_])

# Allowing all but some is allowing all others.
everybody(statement) if statement.NotPrincipal

# narrowed: a condition names who, or from where, and fails for others.
narrowed(statement) if {
	some operator, keys in object.get(statement, "Condition", {})
	narrowing_operator(operator)
	some key, values in keys
	regex.match(`^(aws:(principal(arn|account|orgid|orgpaths)|userid|source(ip|vpc|vpce|vpcarn|arn|account|orgid|owner)|vpcsourceip)|kms:(calleraccount|viaservice)|s3:dataaccesspointaccount|sts:externalid|lambda:.*|aws:principaltag/.*)$`, lower(key))
	count(list(values)) > 0
	every value in list(values) {
		not everything(value)
	}
}

narrowing_operator(operator) if operator in {
	"StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike", "IpAddress",
	"ForAnyValue:StringEquals", "ForAnyValue:StringLike", "ForAnyValue:ArnEquals", "ForAnyValue:ArnLike",
}

everything(value) if regex.match(`^[*?]*$`, sprintf("%v", [value]))

everything(value) if regex.match(`^arn:[*:?]*$`, sprintf("%v", [value]))

everything(value) if wide_range(value)

# Types with a policy about who may use them, and the property that holds it.
resource_property := {
	"aws:s3/bucketPolicy:BucketPolicy": "policy",
	"aws:s3/bucket:Bucket": "policy",
	"aws:s3/bucketV2:BucketV2": "policy",
	"aws:sqs/queue:Queue": "policy",
	"aws:sqs/queuePolicy:QueuePolicy": "policy",
	"aws:sns/topic:Topic": "policy",
	"aws:sns/topicPolicy:TopicPolicy": "policy",
	"aws:kms/key:Key": "policy",
	"aws:kms/keyPolicy:KeyPolicy": "policy",
	"aws:kms/replicaKey:ReplicaKey": "policy",
	"aws:kms/externalKey:ExternalKey": "policy",
	"aws:ecr/repositoryPolicy:RepositoryPolicy": "policy",
	"aws:ecr/registryPolicy:RegistryPolicy": "policy",
	"aws:secretsmanager/secret:Secret": "policy",
	"aws:secretsmanager/secretPolicy:SecretPolicy": "policy",
	"aws:cloudwatch/logResourcePolicy:LogResourcePolicy": "policyDocument",
	"aws:cloudwatch/logDestinationPolicy:LogDestinationPolicy": "accessPolicy",
	"aws:cloudwatch/eventBusPolicy:EventBusPolicy": "policy",
	"aws:dynamodb/resourcePolicy:ResourcePolicy": "policy",
	"aws:efs/fileSystemPolicy:FileSystemPolicy": "policy",
	"aws:backup/vaultPolicy:VaultPolicy": "policy",
}

deny contains violation("no-open-resource-policies", "its policy lets in everybody: name principals, or add a condition on whom or from where") if {
	some statement in allows(property([resource_property[input.type]]))
	everybody(statement)
	not narrowed(statement)
}

# An invocation that a service makes could be on anybody's behalf:
# https://docs.aws.amazon.com/lambda/latest/dg/permissions-function-services.html
deny contains violation("no-open-resource-policies", "set sourceArn or sourceAccount: any account could make the service call the function") if {
	input.type == "aws:lambda/permission:Permission"
	caller := property(["principal"])
	is_string(caller)
	not unknown(caller)
	not regex.match(`^([0-9]{12}|arn:.*)$`, caller)
	every key in ["sourceArn", "sourceAccount", "principalOrgId"] {
		empty(property([key]))
	}
}

deny contains violation("no-open-resource-policies", "principal * lets every account call the function") if {
	input.type == "aws:lambda/permission:Permission"
	property(["principal"]) == "*"
	empty(property(["principalOrgId"]))
}

empty(value) if value in {null, "", "*"}

deny contains violation("no-open-resource-policies", sprintf("acl is %s", [acl])) if {
	input.type in {"aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2", "aws:s3/bucketAclV2:BucketAclV2", "aws:s3/bucketAcl:BucketAcl", "aws:s3/bucketObject:BucketObject", "aws:s3/bucketObjectv2:BucketObjectv2"}
	acl := property(["acl"])
	acl in {"public-read", "public-read-write", "authenticated-read"}
}

deny contains violation("no-open-resource-policies", sprintf("a grant is for %s", [uri])) if {
	some grants in [property(["grants"]), property(["accessControlPolicy", "grants"])]
	some grant in list(grants)
	some uri in [object.get(grant, "uri", ""), object.get(grant, ["grantee", "uri"], "")]
	regex.match(`/groups/global/(AllUsers|AuthenticatedUsers)$`, uri)
}

deny contains violation("no-open-resource-policies", sprintf("set %s to true: the bucket could be made public", [key])) if {
	input.type in {"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock"}
	some key in ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"]
	not_yes(property([key]))
}

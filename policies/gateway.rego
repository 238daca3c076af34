package apigateway

import rego.v1

rest_api if input.type == "aws:apigateway/restApi:RestApi"

deny contains violation("rest-api-policy", "it has no resource policy: any identity of the account with execute-api permissions could call it") if {
	rest_api
	property(["policy"]) in {null, ""}
}

deny contains violation("rest-api-policy", "its policy lets in everybody: name callers, or deny all others") if {
	some policy in api_policies
	some statement in allows(policy)
	everybody(statement)
	not narrowed(statement)
	not unsigned_only(statement)
	not others_denied(policy)
}

deny contains violation("rest-api-policy", "the policy is not JSON") if {
	some policy in api_policies
	is_string(policy)
	not policy == ""
	not unknown(policy)
	not json.is_valid(policy)
}

api_policies contains property(["policy"]) if {
	input.type in {"aws:apigateway/restApi:RestApi", "aws:apigateway/restApiPolicy:RestApiPolicy", "aws:apigateway/domainName:DomainName"}
}

# Requests without an identity come only to methods that take them: those with IAM refuse them before.
unsigned_only(statement) if "true" in {lower(sprintf("%v", [value])) | some value in list(object.get(statement, ["Condition", "Null", "aws:PrincipalArn"], null))}

# A Deny for all whom its conditions do not name.
others_denied(policy) if {
	some statement in statements(policy)
	statement.Effect == "Deny"
	everybody(statement)
	some action in texts(statement.Action)
	lower(action) in {"*", "execute-api:*", "execute-api:invoke"}
	some resource in texts(statement.Resource)
	regex.match(`^(\*|execute-api:/\*|arn:[^:]*:execute-api:[^:]*:[^:]*:[^/]*/\*)$`, resource)
	some operator, keys in object.get(statement, "Condition", {})
	regex.match(`^(StringNot(Equals|EqualsIgnoreCase|Like)|ArnNot(Equals|Like)|NotIpAddress)$`, operator)
	some _, values in keys
	every value in list(values) {
		not everything(value)
	}
}

# An import of the body drops a policy that a second resource has set:
# https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-create-attach.html
deny contains violation("rest-api-policy", "set the policy of the REST API instead: importing a definition drops this one") if {
	input.type == "aws:apigateway/restApiPolicy:RestApiPolicy"
}

definition := document(property(["body"])) if rest_api

deny contains violation("rest-api-policy", "x-amazon-apigateway-policy in the body: set the policy of the REST API instead") if {
	definition["x-amazon-apigateway-policy"]
}

operations contains {"place": sprintf("%s %s", [verb, path]), "operation": operation} if {
	some path, item in definition.paths
	some verb, operation in item
	verb in {"get", "put", "post", "delete", "patch", "head", "options", "x-amazon-apigateway-any-method"}
	is_object(operation)
}

# What a definition does not say is NONE. An empty list says it.
deny contains violation("methods-authenticate", sprintf("%s says nothing of authentication: write security, an empty list for none", [found.place])) if {
	some found in operations
	not startswith(found.place, "options ")
	not found.operation.security
	not definition.security
	not found.operation["x-amazon-apigateway-auth"]
}

deny contains violation("api-keys-authenticate-nobody", sprintf("%s asks for an API key and for nothing else", [found.place])) if {
	some found in operations
	some required in object.get(found.operation, "security", object.get(definition, "security", []))
	count(required) > 0
	every scheme, _ in required {
		is_api_key(scheme)
	}
}

# An authorizer has the type apiKey as well, and says so.
is_api_key(scheme) if {
	described := object.get(definition, ["components", "securitySchemes", scheme], object.get(definition, ["securityDefinitions", scheme], {}))
	object.get(described, "type", "") == "apiKey"
	not described["x-amazon-apigateway-authtype"]
	not described["x-amazon-apigateway-authorizer"]
}

deny contains violation("methods-authenticate", "set authorization: everybody may call it") if {
	input.type == "aws:apigateway/method:Method"
	not property(["httpMethod"]) == "OPTIONS"
	property(["authorization"]) in {null, "", "NONE"}
}

deny contains violation("methods-authenticate", "set authorizationType: everybody may call it") if {
	input.type in {"aws:apigatewayv2/route:Route", "aws:lambda/functionUrl:FunctionUrl"}
	not startswith(sprintf("%v", [property(["routeKey"])]), "OPTIONS ")
	property(["authorizationType"]) in {null, "", "NONE"}
}

deny contains violation("access-logs", "set accessLogSettings: nobody would know who called") if {
	input.type in {"aws:apigateway/stage:Stage", "aws:apigatewayv2/stage:Stage"}
	settings := property(["accessLogSettings"])
	not unknown(settings)
	object.get(object_or_empty(settings), "destinationArn", "") in {null, ""}
}

object_or_empty(value) := value if is_object(value)

object_or_empty(value) := {} if not is_object(value)

deny contains violation("no-bodies-in-logs", "turn dataTraceEnabled off: requests are written down with what is secret in them") if {
	input.type == "aws:apigateway/methodSettings:MethodSettings"
	yes(property(["settings", "dataTraceEnabled"]))
}

deny contains violation("encrypted-cache", "set cacheDataEncrypted") if {
	input.type == "aws:apigateway/methodSettings:MethodSettings"
	yes(property(["settings", "cachingEnabled"]))
	not_yes(property(["settings", "cacheDataEncrypted"]))
}

deny contains violation("modern-tls", sprintf("securityPolicy is %s", [policy])) if {
	input.type in {"aws:apigateway/domainName:DomainName", "aws:apigatewayv2/domainName:DomainName"}
	some policy in [property(["securityPolicy"]), property(["domainNameConfiguration", "securityPolicy"])]
	policy == "TLS_1_0"
}

deny contains violation("modern-tls", sprintf("sslPolicy is %s", [policy])) if {
	input.type in {"aws:lb/listener:Listener", "aws:alb/listener:Listener", "aws:elasticloadbalancingv2/listener:Listener"}
	policy := property(["sslPolicy"])
	is_string(policy)
	regex.match(`(TLS-1-0|TLS-1-1|TLS13-1-0|TLS13-1-1|FS-2018-06|ELBSecurityPolicy-2015-05|ELBSecurityPolicy-2016-08)`, policy)
}

# A browser would hand every site what the user may see.
deny contains violation("no-credentials-for-all-origins", "CORS allows credentials, and every origin") if {
	some headers in cors_headers
	lower(trim(headers.credentials, "'\"")) == "true"
	trim(headers.origin, "'\"") == "*"
}

cors_headers contains headers if {
	rest_api
	[_, value] := walk(definition)
	is_object(value)
	headers := headers_of(value)
}

cors_headers contains headers if {
	input.type in {"aws:apigateway/integrationResponse:IntegrationResponse", "aws:apigateway/response:Response"}
	headers := headers_of(object_or_empty(property(["responseParameters"])))
}

headers_of(parameters) := {"origin": origin, "credentials": credentials} if {
	some key, origin in parameters
	endswith(lower(key), "header.access-control-allow-origin")
	some other, credentials in parameters
	endswith(lower(other), "header.access-control-allow-credentials")
	is_string(origin)
	is_string(credentials)
}

deny contains violation("no-credentials-for-all-origins", "CORS allows credentials, and every origin") if {
	input.type in {"aws:apigatewayv2/api:Api", "aws:lambda/functionUrl:FunctionUrl"}
	some cors in array.concat(list(property(["corsConfiguration"])), list(property(["cors"])))
	yes(cors.allowCredentials)
	some origin in texts(cors.allowOrigins)
	origin in {"*", "https://*", "http://*"}
}

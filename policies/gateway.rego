package apigateway

import rego.v1

deny contains violation("rest-api-policy", "it has no resource policy: any identity of the account with execute-api permissions could call it") if {
	input.type == "aws:apigateway/restApi:RestApi"
	object.get(input.properties, "policy", "") == ""
}

# An import of the body drops a policy that a second resource has set:
# https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-create-attach.html
deny contains violation("rest-api-policy", "set the policy of the REST API instead: importing a definition drops this one") if {
	input.type == "aws:apigateway/restApiPolicy:RestApiPolicy"
}

deny contains violation("rest-api-policy", "x-amazon-apigateway-policy in the body: set the policy of the REST API instead") if {
	input.type == "aws:apigateway/restApi:RestApi"
	json.is_valid(input.properties.body)
	json.unmarshal(input.properties.body)["x-amazon-apigateway-policy"]
}

deny contains violation("access-logs", "set accessLogSettings: nobody would know who called") if {
	input.type == "aws:apigateway/stage:Stage"
	not input.properties.accessLogSettings
}

deny contains violation("modern-tls", sprintf("securityPolicy is %s", [input.properties.securityPolicy])) if {
	input.type == "aws:apigateway/domainName:DomainName"
	input.properties.securityPolicy == "TLS_1_0"
}

deny contains violation("private-balancer", "set internal: it would be reachable past the API") if {
	input.type == "aws:lb/loadBalancer:LoadBalancer"
	object.get(input.properties, "internal", false) == false
}

deny contains violation("private-balancer", "type LoadBalancer makes a public load balancer: publish the service by an Ingress") if {
	input.type == "kubernetes:core/v1:Service"
	input.properties.spec.type == "LoadBalancer"
}

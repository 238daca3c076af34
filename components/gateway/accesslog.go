package gateway

import "encoding/json"

// logField is a field of the access log.
type logField struct {
	name, variable string
	// meaning is for docs/reference/access-log.md.
	meaning string
}

// accessLogFields are one JSON line a request:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html
var accessLogFields = []logField{
	{"requestId", "$context.requestId",
		"The id of the request. The client gets it as `x-amzn-RequestId`, NGINX logs it, and the service gets it as `X-Request-Id`"},
	{"requestTime", "$context.requestTime", "When the request came, as `01/Dec/2026:03:20:00 +0000`"},
	{"httpMethod", "$context.httpMethod", "The method of the request"},
	{"path", "$context.path", "The path of the request with the stage, without the query"},
	{"resourcePath", "$context.resourcePath", "The path of the route as in the OpenAPI document. Empty or `-` when no route was found"},
	{"status", "$context.status", "The status that the client got"},
	{"error", "$context.error.message", "What API Gateway answers when it is API Gateway that refuses. `-` when the answer is the service's"},
	{"errorType", "$context.error.responseType",
		"The class of that refusal, as `THROTTLED`: the first field to look at. The page on troubleshooting lists them"},
	{"integrationStatus", "$context.integration.status",
		"The status that NGINX answered. `-` when the request did not reach it, or NGINX did not answer"},
	{"integrationLatency", "$context.integration.latency", "Milliseconds until NGINX had answered, without API Gateway's own part"},
	{"integrationError", "$context.integration.error", "What went wrong between API Gateway and NGINX"},
	{"responseLatency", "$context.responseLatency", "Milliseconds from the request to the answer, API Gateway's own part included"},
	{"responseLength", "$context.responseLength", "The bytes of the answer's body"},
	{"caller", "$context.identity.userArn", "The ARN of the IAM user or role that signed the request. `-` without a valid signature"},
	{"principalId", "$context.authorizer.principalId", "Who is calling, as a Lambda authorizer says it"},
	{"authorizerError", "$context.authorizer.error", "Why an authorizer refused, or failed"},
	{"apiKeyId", "$context.identity.apiKeyId", "The id of the API key; never its value"},
	{"sourceIp", "$context.identity.sourceIp", "The address from which the request came"},
	{"domainName", "$context.domainName", "The host name that was called"},
	{"protocol", "$context.protocol", "The protocol of the request, as `HTTP/1.1`"},
	{"deploymentId", "$context.deploymentId", "The deployment that served the request: the output `deploymentId` of some update"},
	{"canary", "$context.isCanaryRequest", "`true` when the canary's deployment served the request"},
	{"traceId", "$context.xrayTraceId", "The X-Ray trace, with the config key `tracing`"},
	{"wafStatus", "$context.waf.status", "200 when the web ACL let the request pass, 403 when it was blocked"},
	{"wafError", "$context.waf.error", "What went wrong when the web ACL was asked"},
}

// accessLogFormat is what a stage writes of each request.
func accessLogFormat() (string, error) {
	fields := map[string]string{}
	for _, f := range accessLogFields {
		fields[f.name] = f.variable
	}
	format, err := json.Marshal(fields)
	return string(format), err
}

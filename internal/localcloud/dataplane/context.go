package dataplane

import (
	"strconv"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/restapi"
)

// value evaluates the right-hand side of a parameter mapping:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/request-response-data-mappings.html
func (x *exchange) value(source string) string {
	if literal, ok := strings.CutPrefix(source, "'"); ok {
		return strings.TrimSuffix(literal, "'")
	}
	if name, ok := strings.CutPrefix(source, "method.request.path."); ok {
		return x.variables[name]
	}
	if name, ok := strings.CutPrefix(source, "method.request.header."); ok {
		return x.r.Header.Get(name)
	}
	if name, ok := strings.CutPrefix(source, "method.request.querystring."); ok {
		return x.r.URL.Query().Get(name)
	}
	if name, ok := strings.CutPrefix(source, "stageVariables."); ok {
		return x.stage.variables[name]
	}
	return x.context(strings.TrimPrefix(source, "context."))
}

// context is a $context variable; empty when it has no value.
func (x *exchange) context(name string) string {
	switch name {
	case "requestId", "extendedRequestId":
		return x.requestID
	case "apiId":
		return x.api.id
	case "stage":
		return x.stage.name
	case "domainName":
		return x.domain()
	case "httpMethod":
		return x.r.Method
	case "path":
		return x.r.URL.EscapedPath()
	case "protocol":
		return x.r.Proto
	case "resourcePath":
		if x.method != nil {
			return x.method.ResourcePath
		}
	case "identity.sourceIp":
		return x.sourceIP
	case "identity.userAgent":
		return x.r.UserAgent()
	case "identity.userArn", "identity.caller":
		return x.principal.ARN
	case "authorizer.principalId":
		return x.principalID
	case "identity.accountId":
		return x.principal.Account
	case "authorizer.claims.sub":
		if x.method.Authorizer != nil && x.method.Authorizer.Type == restapi.Cognito {
			return x.principalID
		}
	case "identity.apiKeyId":
		return x.apiKeyID
	case "identity.vpceId":
		return x.vpcEndpoint
	case "deploymentId":
		if x.release != nil {
			return x.release.deployment
		}
	case "requestTime":
		return x.started.UTC().Format("02/Jan/2006:15:04:05 -0700")
	case "requestTimeEpoch":
		return strconv.FormatInt(x.started.UnixMilli(), 10)
	case "status":
		return strconv.Itoa(x.status)
	case "responseLength":
		return strconv.FormatInt(x.written, 10)
	case "responseLatency":
		return strconv.FormatInt(x.front.d.now().Sub(x.started).Milliseconds(), 10)
	case "integration.status":
		if x.integrationStatus != 0 {
			return strconv.Itoa(x.integrationStatus)
		}
	case "integration.latency":
		if x.integrationStatus != 0 {
			return strconv.FormatInt(x.integrationTook.Milliseconds(), 10)
		}
	case "isCanaryRequest":
		return strconv.FormatBool(x.stage != nil && x.release == x.stage.canary && x.release != nil)
	case "error.responseType":
		return x.kind
	case "error.message":
		return x.problem
	}
	return ""
}

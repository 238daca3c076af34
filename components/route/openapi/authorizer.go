package openapi

import (
	"fmt"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
)

// lambdaInvoking is how API Gateway addresses a function: by partition, region and ARN.
const lambdaInvoking = "arn:%s:apigateway:%s:lambda:path/2015-03-31/functions/%s/invocations"

// schemeOf is an authorizer as an OpenAPI security scheme.
func schemeOf(a route.Authorizer) securityScheme {
	first := strings.TrimPrefix(a.IdentitySources[0], "header.")
	if a.Type == route.AuthorizerCognito {
		return securityScheme{Type: "apiKey", In: "header", Name: first, AuthType: "cognito_user_pools", Authorizer: &authorizerExtension{
			Type: "cognito_user_pools", ProviderARNs: a.UserPoolARNs,
		}}
	}
	parts := strings.SplitN(a.FunctionARN, ":", 5)
	extension := &authorizerExtension{
		Type: string(a.Type), TTL: a.TTLSeconds, URI: fmt.Sprintf(lambdaInvoking, parts[1], parts[3], a.FunctionARN),
	}
	if a.Type == route.AuthorizerToken {
		return securityScheme{Type: "apiKey", In: "header", Name: first, AuthType: "custom", Authorizer: extension}
	}
	sources := make([]string, len(a.IdentitySources))
	for i, source := range a.IdentitySources {
		sources[i] = "method.request." + source
	}
	extension.IdentitySource = strings.Join(sources, ", ")
	return securityScheme{Type: "apiKey", In: "header", Name: "Unused", AuthType: "custom", Authorizer: extension}
}

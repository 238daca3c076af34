package dataplane

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/awsrules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/identity"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/restapi"
)

// decisions remember what Lambda authorizers said, for as long as each wants.
type decisions struct {
	mu    sync.Mutex
	known map[string]decision
}

type decision struct {
	until     time.Time
	principal string
	policy    *identity.Policy
}

// verdict is what a Lambda authorizer answers:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html
type verdict struct {
	PrincipalID    string         `json:"principalId"`
	PolicyDocument map[string]any `json:"policyDocument"`
}

const defaultAuthorizerTTL = 300

// maxRemembered keeps a stream of new tokens from filling the memory.
const maxRemembered = 10000

func (x *exchange) askFunction(a *restapi.Authorizer) *answer {
	var identities []string
	for _, source := range a.Sources() {
		value := x.value(source)
		if value == "" {
			return &unauthorized
		}
		identities = append(identities, value)
	}
	key := strings.Join(append([]string{x.api.id, x.stage.name, a.URI}, identities...), "\x00")
	said, ok := x.front.d.decisions.find(key, x.front.d.now())
	if !ok {
		var refusal *answer
		if said, refusal = x.invoke(a, identities); refusal != nil {
			return refusal
		}
		ttl := defaultAuthorizerTTL
		if a.TTL != nil {
			ttl = *a.TTL
		}
		said.until = x.front.d.now().Add(time.Duration(ttl) * time.Second)
		x.front.d.decisions.remember(key, said)
	}
	x.principalID = said.principal
	request := identity.Request{Action: "execute-api:Invoke", Resource: x.methodARN(), Context: x.conditionKeys()}
	if said.policy.Decide(request) != identity.Allow {
		return &answer{"ACCESS_DENIED", http.StatusForbidden, accessDenied, "User is not authorized to access this resource"}
	}
	return nil
}

func (x *exchange) invoke(a *restapi.Authorizer, identities []string) (decision, *answer) {
	if !x.mayInvoke(a) {
		x.w.Header().Set("X-Local-Target-Reason", "no permission lets API Gateway invoke the function "+a.FunctionARN+
			" as an authorizer of this API")
		return decision{}, &authorizerMisconfigured
	}
	var said verdict
	if err := x.front.d.functions.Invoke(x.r.Context(), a.Function(), x.authorizerEvent(a, identities), &said); err != nil {
		x.front.d.log.Warn("authorizer failed", "requestId", x.requestID, "error", err.Error())
		x.w.Header().Set("X-Local-Target-Reason", headerSafe.ReplaceAllString(err.Error(), " "))
		if strings.Contains(err.Error(), "Unauthorized") {
			// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
			return decision{}, &unauthorized
		}
		return decision{}, &authorizerOut
	}
	policy, err := identity.PolicyOf(said.PolicyDocument)
	if err != nil || said.PrincipalID == "" {
		x.w.Header().Set("X-Local-Target-Reason", headerSafe.ReplaceAllString(fmt.Sprintf("the authorizer's answer has no principalId or "+
			"no policy: %v", err), " "))
		return decision{}, &authorizerOut
	}
	return decision{principal: said.PrincipalID, policy: policy}, nil
}

// mayInvoke asks the function's policy. An authorizer of an imported definition has an id that nobody knows before, so
// that permissions are given for all authorizers of an API: https://github.com/hashicorp/terraform-provider-aws/issues/28145
func (x *exchange) mayInvoke(a *restapi.Authorizer) bool {
	source := fmt.Sprintf("arn:%s:execute-api:%s:%s:%s/authorizers/%s", awsrules.Partition(x.api.region), x.api.region, awsrules.Account,
		x.api.id, a.ID())
	policy := x.snapshot.functionPolicies[functionKey{a.FunctionARN, a.Qualifier}]
	return policy != nil && policy.Decide(identity.Request{
		Principal: identity.Principal{Service: "apigateway.amazonaws.com"}, Action: "lambda:InvokeFunction", Resource: a.FunctionARN,
		Context: map[string][]string{"aws:sourcearn": {source}, "aws:sourceaccount": {awsrules.Account}},
	}) == identity.Allow
}

// authorizerEvent is the input that API Gateway sends:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html
func (x *exchange) authorizerEvent(a *restapi.Authorizer, identities []string) map[string]any {
	if a.Type == restapi.Token {
		return map[string]any{"type": "TOKEN", "methodArn": x.methodARN(), "authorizationToken": identities[0]}
	}
	event := map[string]any{
		"type": "REQUEST", "methodArn": x.methodARN(), "resource": x.method.ResourcePath, "path": x.path, "httpMethod": x.r.Method,
		"pathParameters": x.variables, "stageVariables": x.stage.variables, "requestContext": x.requestContext(),
	}
	event["headers"], event["multiValueHeaders"] = lastAndAll(x.r.Header)
	event["queryStringParameters"], event["multiValueQueryStringParameters"] = lastAndAll(x.r.URL.Query())
	return event
}

func lastAndAll(values map[string][]string) (last map[string]string, all map[string][]string) {
	last = map[string]string{}
	for name, each := range values {
		last[name] = each[len(each)-1]
	}
	return last, values
}

// requestContext is that of an authorizer's event; null where there is nothing to say.
func (x *exchange) requestContext() map[string]any {
	caller := map[string]any{"sourceIp": x.sourceIP, "userAgent": x.r.UserAgent()}
	for _, name := range []string{"accessKey", "accountId", "caller", "cognitoAuthenticationProvider", "cognitoAuthenticationType",
		"cognitoIdentityId", "cognitoIdentityPoolId", "principalOrgId", "user", "userArn", "apiKey", "apiKeyId"} {
		caller[name] = nil
	}
	if key := x.r.Header.Get("X-Api-Key"); key != "" {
		caller["apiKey"] = key
	}
	return map[string]any{
		"accountId": awsrules.Account, "apiId": x.api.id, "domainName": x.domain(), "domainPrefix": strings.Split(x.domain(), ".")[0],
		"extendedRequestId": x.requestID, "httpMethod": x.r.Method, "identity": caller, "path": x.r.URL.EscapedPath(), "protocol": x.r.Proto,
		"requestId": x.requestID, "requestTime": x.context("requestTime"), "requestTimeEpoch": x.started.UnixMilli(),
		"resourcePath": x.method.ResourcePath, "stage": x.stage.name,
	}
}

func (d *decisions) find(key string, now time.Time) (decision, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	found, ok := d.known[key]
	return found, ok && now.Before(found.until)
}

func (d *decisions) remember(key string, said decision) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known == nil || len(d.known) >= maxRemembered {
		d.known = map[string]decision{}
	}
	d.known[key] = said
}

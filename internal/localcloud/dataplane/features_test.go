package dataplane

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/awsrules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/kuberules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
	"github.com/stretchr/testify/require"
)

const (
	pool     = "arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_abc"
	everyone = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*"}]}`
)

// publish deploys another definition: paths get "SECURITY" and "EXTRA" filled in.
func (w *world) publish(policy string, document map[string]any) {
	w.t.Helper()
	document["openapi"] = "3.0.1"
	body, err := json.Marshal(document)
	require.NoError(w.t, err)
	w.change("api", map[string]any{"body": string(body), "policy": policy})
	w.deploy()
}

func (w *world) deploy() string {
	w.t.Helper()
	made := w.make("deployment2", awsrules.Deployment, map[string]any{"restApi": w.ids["api"].ID,
		"triggers": map[string]any{"at": time.Now().String()}})
	w.change("stage", map[string]any{"deployment": made.ID})
	return made.ID
}

// operation is the definition of /hello with more in it.
func (w *world) operation(more map[string]any) map[string]any {
	op := map[string]any{"x-amazon-apigateway-integration": map[string]any{
		"type": "http_proxy", "httpMethod": "ANY", "uri": "http://nlb/hello", "connectionType": "VPC_LINK", "connectionId": w.ids["link"].ID,
		"timeoutInMillis": patience,
	}}
	for key, value := range more {
		op[key] = value
	}
	return op
}

func (w *world) hello(verb string, more, components map[string]any) map[string]any {
	return map[string]any{"paths": map[string]any{"/hello": map[string]any{verb: w.operation(more)}}, "components": components}
}

func (w *world) with(header, value string) answered {
	w.t.Helper()
	return w.send(http.MethodGet, "/hello", "", map[string]string{header: value})
}

func (w *world) send(method, path, body string, headers map[string]string) answered {
	w.t.Helper()
	request, err := http.NewRequest(method, w.ids["stage"].Text("invokeUrl")+path, strings.NewReader(body))
	require.NoError(w.t, err)
	for name, value := range headers {
		if request.Header.Set(name, value); name == "Host" {
			request.Host = value
		}
	}
	return w.do(request)
}

const anyMethodKey = "x-amazon-apigateway-any-method"

func TestPublicMethodsAskTheResourcePolicy(t *testing.T) {
	w := newWorld(t)
	w.publish(policyFor("Allow", "arn:aws:iam::111122223333:user/alice"), w.hello(anyMethodKey, nil, nil))
	refused := w.call(http.MethodGet, "/hello", "", false)
	require.Equal(t, http.StatusForbidden, refused.status, "no statement allows a request without an identity")
	require.Contains(t, refused.body, "User: anonymous is not authorized")
	w.publish(everyone, w.hello(anyMethodKey, nil, nil))
	require.Equal(t, http.StatusTeapot, w.call(http.MethodGet, "/hello", "", false).status)
}

func TestCognitoAuthorizer(t *testing.T) {
	w := newWorld(t)
	scheme := map[string]any{"securitySchemes": map[string]any{"pool": map[string]any{"type": "apiKey", "name": "Authorization",
		"in":                           "header",
		"x-amazon-apigateway-authtype": "cognito_user_pools", "x-amazon-apigateway-authorizer": map[string]any{"type": "cognito_user_pools",
			"providerARNs": []string{pool}}}}}
	token := func(pool string, scopes []string, age time.Duration) string {
		text, err := w.pools.Token(pool, "alice", scopes, time.Now().Add(-age), time.Hour)
		require.NoError(t, err)
		return text
	}
	w.publish(everyone, w.hello(anyMethodKey, map[string]any{"security": []any{map[string]any{"pool": []string{}}}}, scheme))
	require.Equal(t, http.StatusTeapot, w.with("Authorization", "Bearer "+token(pool, nil, 0)).status)
	for name, value := range map[string]string{
		"none": "", "garbage": "a.b.c", "another pool": token(pool+"d", nil, 0), "an access token": token(pool, []string{"books/read"}, 0),
		"unsigned": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.",
	} {
		refused := w.with("Authorization", value)
		require.Equal(t, http.StatusUnauthorized, refused.status, name)
		require.JSONEq(t, `{"message":"Unauthorized"}`, refused.body, name)
	}
	require.JSONEq(t, `{"message":"The incoming token has expired"}`, w.with("Authorization", token(pool, nil, 2*time.Hour)).body)

	w.publish(everyone, w.hello(anyMethodKey, map[string]any{"security": []any{map[string]any{"pool": []string{"books/read"}}}}, scheme))
	require.Equal(t, http.StatusTeapot, w.with("Authorization", token(pool, []string{"books/write", "books/read"}, 0)).status)
	require.Equal(t, http.StatusUnauthorized, w.with("Authorization", token(pool, []string{"books/write"}, 0)).status, "another scope")
	require.Equal(t, http.StatusUnauthorized, w.with("Authorization", token(pool, nil, 0)).status, "an ID token has no scope")
}

func (w *world) lambda(kind string, ttl int) map[string]any {
	authorizer := map[string]any{"type": kind, "authorizerResultTtlInSeconds": ttl,
		"authorizerUri": "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:111122223333:function:gate/invocations"}
	if kind == "request" {
		authorizer["identitySource"] = "method.request.header.X-Who, method.request.querystring.door"
	}
	return map[string]any{"securitySchemes": map[string]any{"gate": map[string]any{"type": "apiKey", "name": "X-Who", "in": "header",
		"x-amazon-apigateway-authtype": "custom", "x-amazon-apigateway-authorizer": authorizer}}}
}

func TestLambdaAuthorizers(t *testing.T) {
	w := newWorld(t)
	calls := filepath.Join(t.TempDir(), "calls")
	script := `cat >>` + calls + `; echo >>` + calls + `
case "$(tail -n 1 ` + calls + `)" in
*alice*) effect=Allow;;
*bob*) effect=Deny;;
*nobody*) echo Unauthorized >&2; exit 1;;
*) exit 1;;
esac
echo '{"principalId":"p","policyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"'$effect'","Action":"execute-api:Invoke","Resource":"*"}]}}'`
	require.NoError(t, w.functions.Add(map[string][]string{"gate": {"sh", "-c", script}}))
	secured := map[string]any{"security": []any{map[string]any{"gate": []string{}}}}
	w.publish(everyone, w.hello(anyMethodKey, secured, w.lambda("token", 60)))

	forbidden := w.with("X-Who", "alice")
	require.Equal(t, http.StatusInternalServerError, forbidden.status, "nobody lets API Gateway invoke the function")
	require.Contains(t, forbidden.header.Get("X-Local-Target-Reason"), "no permission")
	permission := map[string]any{
		"function": "arn:aws:lambda:us-east-1:111122223333:function:gate", "action": "lambda:InvokeFunction",
		"principal": "apigateway.amazonaws.com",
		"sourceArn": w.ids["api"].Text("executionArn") + "/*/GET/hello",
	}
	w.make("wrong permission", awsrules.LambdaPermission, permission)
	require.Equal(t, http.StatusInternalServerError, w.with("X-Who", "alice").status, "a permission for methods is none for authorizers")
	permission["sourceArn"] = w.ids["api"].Text("executionArn") + "/authorizers/*"
	w.make("permission", awsrules.LambdaPermission, permission)

	for range 2 {
		require.Equal(t, http.StatusTeapot, w.with("X-Who", "alice").status)
	}
	content, err := os.ReadFile(calls)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(content), "alice"), "the second answer is remembered")
	require.Contains(t, string(content), `"authorizationToken":"alice"`)
	require.Contains(t, string(content), `"methodArn":"arn:aws:execute-api:us-east-1:111122223333:`+w.ids["api"].ID+`/prod/GET/hello"`)

	require.Equal(t, http.StatusUnauthorized, w.with("X-Other", "x").status, "without its identity source the function is not asked")
	denied := w.with("X-Who", "bob")
	require.Equal(t, http.StatusForbidden, denied.status)
	require.JSONEq(t, `{"Message":"User is not authorized to access this resource"}`, denied.body)
	require.Equal(t, http.StatusUnauthorized, w.with("X-Who", "nobody").status)
	broken := w.with("X-Who", "mallory")
	require.Equal(t, http.StatusInternalServerError, broken.status)
	require.JSONEq(t, `{"message":null}`, broken.body)

	w.publish(everyone, w.hello(anyMethodKey, secured, w.lambda("request", 0)))
	require.Equal(t, http.StatusTeapot, w.send(http.MethodGet, "/hello?door=1", "", map[string]string{"X-Who": "alice"}).status)
	require.Equal(t, http.StatusUnauthorized, w.send(http.MethodGet, "/hello", "", map[string]string{"X-Who": "alice"}).status)
	require.NoError(t, w.functions.Add(map[string][]string{"gate": {}}))
	require.Contains(t, w.send(http.MethodGet, "/hello?door=2", "",
		map[string]string{"X-Who": "alice"}).header.Get("X-Local-Target-Reason"), "localFunctions")
}

func TestAPIKeysAndUsagePlans(t *testing.T) {
	w := newWorld(t)
	keyed := map[string]any{"securitySchemes": map[string]any{"apikey": map[string]any{"type": "apiKey", "name": "x-api-key", "in": "header"}}}
	w.publish(everyone, w.hello(anyMethodKey, map[string]any{"security": []any{map[string]any{"apikey": []string{}}}}, keyed))
	stage := []any{map[string]any{"apiId": w.ids["api"].ID, "stage": "prod"}}
	plan := w.make("plan", awsrules.UsagePlan, map[string]any{"name": "p", "apiStages": stage,
		"quotaSettings": map[string]any{"limit": 2.0, "period": "DAY"}})
	slow := w.make("slow plan", awsrules.UsagePlan, map[string]any{"name": "s", "apiStages": stage,
		"throttleSettings": map[string]any{"rateLimit": 0.001, "burstLimit": 1.0}})
	give := func(name, planID string) string {
		key := w.make(name, awsrules.APIKey, map[string]any{"name": name})
		w.make(name+" link", awsrules.UsagePlanKey, map[string]any{"keyId": key.ID, "keyType": "API_KEY", "usagePlanId": planID})
		return key.Text("value")
	}
	quota, throttle := give("a", plan.ID), give("b", slow.ID)
	stray := w.make("stray", awsrules.APIKey, map[string]any{"name": "stray"}).Text("value")
	require.Equal(t, http.StatusForbidden, w.with("X-Api-Key", quota).status, "the key is not deployed")
	w.deploy()

	for name, value := range map[string]string{"none": "", "unknown": "x", "of no plan": stray} {
		refused := w.with("X-Api-Key", value)
		require.Equal(t, http.StatusForbidden, refused.status, name)
		require.JSONEq(t, `{"message":"Forbidden"}`, refused.body, name)
	}
	for range 2 {
		require.Equal(t, http.StatusTeapot, w.with("X-Api-Key", quota).status)
	}
	over := w.with("X-Api-Key", quota)
	require.Equal(t, http.StatusTooManyRequests, over.status)
	require.JSONEq(t, `{"message":"Limit Exceeded"}`, over.body)
	require.Equal(t, http.StatusTeapot, w.with("X-Api-Key", throttle).status, "each key has its own meter")
	require.JSONEq(t, `{"message":"Too Many Requests"}`, w.with("X-Api-Key", throttle).body)
	require.ErrorContains(t, w.rules.Delete(t.Context(), awsrules.Stage, "us-east-1", w.ids["stage"].ID), "is in usage plan")
}

func TestRequestValidation(t *testing.T) {
	w := newWorld(t)
	document := w.hello("post", map[string]any{
		"x-amazon-apigateway-request-validator": "all",
		"parameters":                            []any{map[string]any{"name": "page", "in": "query", "required": true}},
		"requestBody": map[string]any{"required": true,
			"content": map[string]any{"application/json": map[string]any{"schema": map[string]any{"$ref": "#/components/schemas/Book"}}}},
	}, map[string]any{"schemas": map[string]any{"Book": map[string]any{"type": "object", "required": []string{"title"},
		"properties": map[string]any{"title": map[string]any{"type": "string"}}}}})
	document["x-amazon-apigateway-request-validators"] = map[string]any{"all": map[string]bool{"validateRequestBody": true,
		"validateRequestParameters": true}}
	w.publish(everyone, document)
	jsonBody := map[string]string{"Content-Type": "application/json; charset=utf-8"}
	require.Equal(t, http.StatusTeapot, w.send(http.MethodPost, "/hello?page=1", `{"title":"Dune"}`, jsonBody).status)
	require.Equal(t, http.StatusTeapot, w.send(http.MethodPost, "/hello?page=1", "title",
		map[string]string{"Content-Type": "text/plain"}).status, "no model for this type")
	missing := w.send(http.MethodPost, "/hello", `{"title":"Dune"}`, jsonBody)
	require.Equal(t, http.StatusBadRequest, missing.status)
	require.JSONEq(t, `{"message":"Missing required request parameters: [page]"}`, missing.body)
	for _, body := range []string{`{"title":1}`, `{}`, `{`, ``, `[]`} {
		refused := w.send(http.MethodPost, "/hello?page=1", body, jsonBody)
		require.Equal(t, http.StatusBadRequest, refused.status, body)
		require.JSONEq(t, `{"message":"Invalid request body"}`, refused.body, body)
	}
}

func TestGatewayResponses(t *testing.T) {
	w := newWorld(t)
	document := w.hello(anyMethodKey, nil, nil)
	document["x-amazon-apigateway-gateway-responses"] = map[string]any{
		"ACCESS_DENIED": map[string]any{"statusCode": "404", "responseTemplates": map[string]string{"application/json": `{"id":"$context.requestId","why":$context.error.messageString}`}},
		"DEFAULT_4XX":   map[string]any{"responseParameters": map[string]string{"gatewayresponse.header.Access-Control-Allow-Origin": "'*'"}},
	}
	w.publish(policyFor("Deny", "x"), document)
	denied := w.call(http.MethodGet, "/hello", "", false)
	require.Equal(t, http.StatusNotFound, denied.status)
	require.JSONEq(t, fmt.Sprintf(`{"id":%q,"why":"AccessDeniedException"}`, denied.header.Get("X-Amzn-Requestid")), denied.body)
	require.Empty(t, denied.header.Get("Access-Control-Allow-Origin"), "the default is for those without a response of their own")
	unknown := w.call(http.MethodGet, "/other", "", false)
	require.Equal(t, http.StatusForbidden, unknown.status)
	require.Equal(t, "*", unknown.header.Get("Access-Control-Allow-Origin"))
}

func TestCanaryTakesItsShare(t *testing.T) {
	w := newWorld(t)
	stable := w.ids["deployment"].ID
	w.publish(everyone, w.hello(anyMethodKey, nil, nil))
	newest := w.ids["deployment2"].ID
	w.change("stage", map[string]any{"deployment": stable, "canarySettings": map[string]any{"deploymentId": newest, "percentTraffic": 50.0}})
	open, refused := 0, 0
	for range 200 {
		if w.call(http.MethodGet, "/hello", "", false).status == http.StatusTeapot {
			open++
		} else {
			refused++
		}
	}
	require.Greater(t, open, 50)
	require.Greater(t, refused, 50)
	require.ErrorContains(t, w.rules.Delete(t.Context(), awsrules.Deployment, "us-east-1", newest), "still used",
		"a canary keeps its deployment")
}

func TestStageThrottleIsEachMethodsOwn(t *testing.T) {
	w := newWorld(t)
	w.make("settings", awsrules.MethodSettings, map[string]any{
		"restApi": w.ids["api"].ID, "stageName": "prod", "methodPath": "*/*",
		"settings": map[string]any{"throttlingRateLimit": 0.001, "throttlingBurstLimit": 1.0},
	})
	require.Equal(t, http.StatusTeapot, w.call(http.MethodGet, "/hello", "", true).status)
	require.Equal(t, http.StatusTooManyRequests, w.call(http.MethodGet, "/hello", "", true).status)
	require.Equal(t, http.StatusTeapot, w.call(http.MethodGet, "/hello/other", "", true).status)
}

func TestPrivateAPIsAndDomains(t *testing.T) {
	w := newWorld(t)
	w.publish(everyone, w.hello(anyMethodKey, nil, nil))
	certificate := "arn:aws:acm:us-east-1:111122223333:certificate/0"
	w.make("domain", awsrules.DomainName, map[string]any{"domainName": "api.example.com", "regionalCertificateArn": certificate,
		"endpointConfiguration": map[string]any{"types": "REGIONAL"}})
	w.make("mapping", awsrules.BasePathMapping, map[string]any{"domainName": "api.example.com", "restApi": w.ids["api"].ID,
		"stageName": "prod", "basePath": "v1"})
	root := strings.TrimSuffix(w.ids["stage"].Text("invokeUrl"), "/prod")
	byDomain := func(path string) int {
		request, err := http.NewRequest(http.MethodGet, root+path, nil)
		require.NoError(t, err)
		request.Host = "api.example.com"
		return w.do(request).status
	}
	require.Equal(t, http.StatusTeapot, byDomain("/v1/hello"))
	require.Equal(t, http.StatusForbidden, byDomain("/hello"), "outside the base path")
	require.Equal(t, http.StatusForbidden, byDomain("/v11/hello"))

	w.change("api", map[string]any{"disableExecuteApiEndpoint": true})
	require.Equal(t, http.StatusTeapot, w.call(http.MethodGet, "/hello", "", false).status, "it acts when it is deployed")
	w.deploy()
	require.Equal(t, http.StatusForbidden, w.call(http.MethodGet, "/hello", "", false).status, "only the domain answers")
	require.Equal(t, http.StatusTeapot, byDomain("/v1/hello"))

	endpoint := w.make("endpoint", awsrules.VPCEndpoint, map[string]any{"vpcId": w.ids["vpc"].ID,
		"serviceName": "com.amazonaws.us-east-1.execute-api", "vpcEndpointType": "Interface"}).ID
	w.change("api", map[string]any{"disableExecuteApiEndpoint": false,
		"endpointConfiguration": map[string]any{"types": "PRIVATE", "vpcEndpointIds": []any{endpoint}},
		"policy": strings.Replace(everyone, `"Resource"`, `"Condition":{"StringEquals":{"aws:SourceVpce":"`+endpoint+
			`"}},"Resource"`, 1)})
	w.deploy()
	require.Equal(t, http.StatusForbidden, w.call(http.MethodGet, "/hello", "", false).status, "from the internet")
	throughEndpoint := func() int { return w.with("X-Apigw-Api-Id", w.ids["api"].ID).status }
	require.Equal(t, http.StatusTeapot, throughEndpoint(), "through the endpoint")

	document := w.hello(anyMethodKey, nil, nil)
	document["openapi"] = "3.0.1"
	refusedDuringImport := func() bool {
		body, err := json.Marshal(document)
		require.NoError(t, err)
		done := make(chan struct{})
		go func() { defer close(done); w.change("api", map[string]any{"body": string(body)}) }()
		for refused := false; ; {
			select {
			case <-done:
				return refused
			default:
				refused = refused || throughEndpoint() == http.StatusForbidden
			}
		}
	}
	require.True(t, refusedDuringImport(), "an import takes away what the definition does not name")
	document["servers"] = []any{map[string]any{"url": "/", "x-amazon-apigateway-endpoint-configuration": map[string]any{"vpcEndpointIds": []string{endpoint}}}}
	require.False(t, refusedDuringImport())
	require.ErrorContains(t, w.rules.Delete(t.Context(), awsrules.VPC, "us-east-1", w.ids["vpc"].ID), "DependencyViolation")
}

func TestListenerAndIntegrationSpeakTheSame(t *testing.T) {
	w := newWorld(t)
	w.change("listener", map[string]any{"protocol": "TLS", "certificateArn": "arn:aws:acm:us-east-1:111122223333:certificate/0"})
	require.Equal(t, http.StatusInternalServerError, w.call(http.MethodGet, "/hello", "", true).status)
}

func TestPodsAsTargets(t *testing.T) {
	w := newWorld(t)
	targets := w.make("pods", awsrules.TargetGroup, map[string]any{"vpcId": w.ids["vpc"].ID, "port": 30080.0, "protocol": "TCP",
		"targetType": "ip"}).ID
	w.change("listener", map[string]any{"defaultActions": []any{map[string]any{"type": "forward", "targetGroupArn": targets}}})
	unbound := w.call(http.MethodGet, "/hello", "", true)
	require.Equal(t, http.StatusGatewayTimeout, unbound.status)
	require.Contains(t, unbound.header.Get("X-Local-Target-Reason"), "no TargetGroupBinding names it")
	binding := &store.Object{Type: kuberules.TargetGroupBinding, Scope: "c", ID: "proxy/b", Inputs: map[string]any{
		"metadata": map[string]any{"name": "b", "namespace": "proxy"},
		"spec":     map[string]any{"targetGroupARN": targets, "targetType": "ip", "serviceRef": map[string]any{"name": "nginx", "port": 80}},
	}}
	binding.Outputs = binding.Inputs
	require.NoError(t, w.objects.Put(binding))
	require.Equal(t, http.StatusTeapot, w.call(http.MethodGet, "/hello", "", true).status)
	w.drop("ingress")
	require.Equal(t, http.StatusGatewayTimeout, w.call(http.MethodGet, "/hello", "", true).status,
		"the nodes' security group counts for pods, too")
}

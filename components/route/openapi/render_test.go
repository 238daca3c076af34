package openapi

import (
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/restapi"
	"github.com/stretchr/testify/require"
)

const fragmentPaths = `
openapi: 3.0.3
info: {title: t, version: "1"}
paths:
  /a:
    post:
      parameters: [{name: page, in: query, required: true, schema: {type: integer}}]
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/Thing"}}}}
components: {schemas: {Thing: {type: object, required: [name]}}}
`

func compileWith(t *testing.T, o ingress.Options, annotations, path string) (*route.Table, error) {
	t.Helper()
	ingresses, err := ingress.Parse("x.yaml", []byte(`
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: a, annotations: {`+annotations+`}}
spec: {rules: [{http: {paths: [{path: `+path+`, pathType: Exact, backend: {service: {name: s, port: {number: 80}}}}]}}]}`))
	require.NoError(t, err)
	o.Services = []route.Service{{Namespace: "default", Name: "s", Ports: []route.ServicePort{{Number: 80}}}}
	o.Classless = true
	return ingress.Compile(ingresses, o)
}

func TestFragmentsBecomeValidators(t *testing.T) {
	fragment, err := route.ParseFragment("api.yaml", []byte(fragmentPaths))
	require.NoError(t, err)
	table, err := compileWith(t, ingress.Options{Fragments: []route.Fragment{fragment}}, ingress.AnnotationPrefix+`throttle-rate: "1"`, "/a")
	require.NoError(t, err)
	document, err := Render(table, Document{})
	require.NoError(t, err)
	require.Contains(t, string(document), `"x-amazon-apigateway-request-validators":{"all":{"validateRequestBody":true,"validateRequestParameters":true}}`)
	require.Contains(t, string(document), `"post":{"parameters":[{"name":"Content-Encoding","in":"header","required":false,"schema":{"type":"string"}},{"name":"page","in":"query","required":true,"schema":{"type":"string"}}],"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Thing"}}}}`)
	require.Contains(t, string(document), `"schemas":{"Thing":{"required":["name"],"type":"object"}}`)
	var throttled []string
	for _, m := range table.MethodSettings() {
		throttled = append(throttled, m.Path)
	}
	require.Equal(t, []string{"~1a/DELETE", "~1a/GET", "~1a/HEAD", "~1a/OPTIONS", "~1a/PATCH", "~1a/POST", "~1a/PUT"}, throttled)
}

// A fragment may keep bodies and parameters in its components; the definition has none of those.
func TestFragmentsComponentsAreWrittenOut(t *testing.T) {
	fragment, err := route.ParseFragment("api.yaml", []byte(`
openapi: 3.0.3
info: {title: t, version: "1"}
paths:
  /a:
    post:
      parameters: [{$ref: "#/components/parameters/Page"}]
      requestBody: {$ref: "#/components/requestBodies/Thing"}
components:
  parameters: {Page: {name: page, in: query, required: true, schema: {type: integer}}}
  requestBodies: {Thing: {required: true, content: {application/json: {schema: {$ref: "#/components/schemas/Thing"}, example: {name: x}}}}}
  schemas: {Thing: {type: object, required: [name]}}
`))
	require.NoError(t, err)
	table, err := compileWith(t, ingress.Options{Fragments: []route.Fragment{fragment}}, "", "/a")
	require.NoError(t, err)
	document, err := Render(table, Document{})
	require.NoError(t, err)
	require.Contains(t, string(document), `{"name":"page","in":"query","required":true,"schema":{"type":"string"}}],`+
		`"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Thing"}}},"required":true}`)
	require.NotContains(t, string(document), "#/components/requestBodies")
}

func TestBadFragments(t *testing.T) {
	for name, c := range map[string]struct{ fragment, annotations, path, want string }{
		"not a resource": {fragmentPaths, "", "/b", `path "/a" is no resource of the API: it has /b`},
		"method": {fragmentPaths, ingress.AnnotationPrefix + "methods: GET", "/a",
			"api.yaml: POST /a: the route lets only [GET] through"},
		"path parameter":   {`{openapi: 3.0.3, info: {title: t, version: "1"}, paths: {"/a": {get: {parameters: [{name: c, in: cookie, schema: {type: string}}]}}}}`, "", "/a", "parameter c is in cookie"},
		"name of a model":  {`{openapi: 3.0.3, info: {title: t, version: "1"}, paths: {"/a": {get: {}}}, components: {schemas: {a-b: {type: object}}}}`, "", "/a", "schema a-b: a model's name has letters and digits only"},
		"unchecked":        {`{openapi: 3.0.3, info: {title: t, version: "1"}, paths: {"/a": {post: {requestBody: {content: {application/json: {schema: {type: object, properties: {b: {type: array, items: {type: string, nullable: true}}}}}}}}}}}`, "", "/a", "b[]: API Gateway does not check nullable"},
		"no paths":         {`{openapi: 3.0.3, info: {title: t, version: "1"}}`, "", "/a", "api.yaml: it has no paths"},
		"broken reference": {`{openapi: 3.0.3, info: {title: t, version: "1"}, paths: {"/a": {post: {requestBody: {$ref: "#/components/requestBodies/X"}}}}}`, "", "/a", "api.yaml: "},
	} {
		t.Run(name, func(t *testing.T) {
			fragment, err := route.ParseFragment("api.yaml", []byte(c.fragment))
			if err == nil {
				_, err = compileWith(t, ingress.Options{Fragments: []route.Fragment{fragment}}, c.annotations, c.path)
			}
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestAuthorizers(t *testing.T) {
	ttl := 0
	cognito := route.Authorizer{Name: "members", Type: route.AuthorizerCognito,
		UserPoolARNs: []string{"arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_a"}}
	gate := route.Authorizer{Name: "gate", Type: route.AuthorizerRequest,
		FunctionARN: "arn:aws:lambda:us-east-1:111122223333:function:gate", IdentitySources: []string{"header.X-Who", "querystring.door"},
		TTLSeconds: &ttl}
	o := ingress.Options{Authorizers: []route.Authorizer{cognito, gate}}
	table, err := compileWith(t, o, ingress.AnnotationPrefix+"auth: members, "+ingress.AnnotationPrefix+`auth-scopes: "books/read", `+
		ingress.AnnotationPrefix+`api-key-required: "true"`, "/a")
	require.NoError(t, err)
	document, err := Render(table, Document{})
	require.NoError(t, err)
	require.Contains(t, string(document), `"security":[{"apikey":[],"members":["books/read"]}]`)
	require.Contains(t, string(document), `"members":{"type":"apiKey","name":"Authorization","in":"header","x-amazon-apigateway-authtype":"cognito_user_pools","x-amazon-apigateway-authorizer":{"type":"cognito_user_pools","providerARNs":["arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_a"]}}`)
	require.NotContains(t, string(document), `"gate"`, "an authorizer that nobody uses is left out")

	table, err = compileWith(t, o, ingress.AnnotationPrefix+"auth: gate", "/a")
	require.NoError(t, err)
	document, err = Render(table, Document{})
	require.NoError(t, err)
	require.Contains(t, string(document), `"x-amazon-apigateway-authorizer":{"type":"request","authorizerUri":"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:111122223333:function:gate/invocations","identitySource":"method.request.header.X-Who, method.request.querystring.door","authorizerResultTtlInSeconds":0}`)

	_, err = compileWith(t, o, ingress.AnnotationPrefix+"auth: gate, "+ingress.AnnotationPrefix+"auth-scopes: a", "/a")
	require.ErrorContains(t, err, "auth-scopes are for Cognito authorizers")
	for want, bad := range map[string]route.Authorizer{
		"the name \"iam\" is not possible": {Name: "iam", Type: route.AuthorizerToken, FunctionARN: gate.FunctionARN},
		"userPoolArns is empty":            {Name: "a", Type: route.AuthorizerCognito},
		`the type "jwt" is not one of`:     {Name: "a", Type: "jwt"},
		`"x" is not the ARN of a Lambda`:   {Name: "a", Type: route.AuthorizerToken, FunctionARN: "x"},
		"takes one header": {Name: "a", Type: route.AuthorizerToken, FunctionARN: gate.FunctionARN,
			IdentitySources: []string{"querystring.a"}},
		`"a" is not header.NAME`: {Name: "a", Type: route.AuthorizerRequest, FunctionARN: gate.FunctionARN,
			IdentitySources: []string{"a"}},
		"authorizer members is declared twice":  cognito,
		"functionArn and ttlSeconds are for La": {Name: "a", Type: route.AuthorizerCognito, UserPoolARNs: cognito.UserPoolARNs, TTLSeconds: &ttl},
	} {
		_, err := compileWith(t, ingress.Options{Authorizers: []route.Authorizer{cognito, bad}}, "", "/a")
		require.ErrorContains(t, err, want)
	}
}

func TestBrowsersMayReadGatewayResponses(t *testing.T) {
	policy := func(credentials bool, origins ...string) route.Route {
		return route.Route{Behavior: route.Behavior{CORS: &route.CORS{Origins: origins, Credentials: credentials}}}
	}
	for name, c := range map[string]struct {
		routes []route.Route
		want   map[string]string
	}{
		"no policy": {[]route.Route{{}}, nil},
		"one origin": {[]route.Route{{}, policy(false, "https://a.example.com")},
			map[string]string{"Access-Control-Allow-Origin": "https://a.example.com"}},
		"with credentials": {[]route.Route{policy(true, "https://a.example.com")},
			map[string]string{"Access-Control-Allow-Origin": "https://a.example.com", "Access-Control-Allow-Credentials": "true"}},
		"one without": {[]route.Route{policy(true, "https://a.example.com"), policy(false, "https://a.example.com")},
			map[string]string{"Access-Control-Allow-Origin": "https://a.example.com"}},
		"two origins": {[]route.Route{policy(true, "https://a.example.com", "https://b.example.com")},
			map[string]string{"Access-Control-Allow-Origin": "*"}},
		"two policies": {[]route.Route{policy(true, "https://a.example.com"), policy(true, "https://b.example.com")},
			map[string]string{"Access-Control-Allow-Origin": "*"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := withCORS(&route.Table{Routes: c.routes}, []GatewayResponse{{Type: "THROTTLED", Headers: map[string]string{"Retry-After": "1"}}})
			require.Equal(t, "1", got[0].Headers["Retry-After"])
			if c.want == nil {
				require.Len(t, got, 1)
				return
			}
			require.Equal(t, []string{"THROTTLED", "DEFAULT_4XX", "DEFAULT_5XX"}, []string{got[0].Type, got[1].Type, got[2].Type})
			require.Equal(t, c.want, got[1].Headers)
			require.Equal(t, c.want["Access-Control-Allow-Origin"], got[0].Headers["Access-Control-Allow-Origin"])
		})
	}
}

// What was compressed for one client is given only to those that ask in the same words.
func TestCachesKnowEncodings(t *testing.T) {
	prefix := ingress.AnnotationPrefix
	table, err := compileWith(t, ingress.Options{}, prefix+`cache-ttl: 60s, `+prefix+`methods: GET, `+prefix+`cache-key-query: page`, "/a")
	require.NoError(t, err)
	document, err := Render(table, Document{Link: PrivateLink{ConnectionID: "l", Host: "nlb"}})
	require.NoError(t, err)
	definition, err := restapi.Parse(document)
	require.NoError(t, err)
	method, _ := definition.Match("GET", "/a")
	require.Equal(t, []string{"method.request.header.Accept-Encoding", "method.request.querystring.page"},
		method.Integration.CacheKeyParameters)
}

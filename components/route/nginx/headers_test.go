package nginx_test

import (
	"cmp"
	"net/http"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/nginx"
	"github.com/apigateway-ingress/apigateway-ingress/internal/routetest"
	"github.com/stretchr/testify/require"
)

// Whatever a client writes into headers by which services are told who called, from where or for what: no service sees it.
func TestClientsWriteNoHeaderOfOurs(t *testing.T) {
	function := "arn:aws:lambda:us-east-1:111122223333:function:f"
	routes := []route.Route{
		{Path: "/iam", Match: route.Prefix, Backend: routetest.Backends[0]},
		{Path: "/open", Match: route.Prefix, Backend: routetest.Backends[0], Behavior: route.Behavior{Auth: route.AuthNone}},
		{Path: "/key", Match: route.Prefix, Backend: routetest.Backends[0], Behavior: route.Behavior{Auth: route.AuthNone, APIKeyRequired: true}},
		{Path: "/cognito", Match: route.Prefix, Backend: routetest.Backends[0], Behavior: route.Behavior{Auth: "pool"}},
		{Path: "/lambda", Match: route.Prefix, Backend: routetest.Backends[0], Behavior: route.Behavior{Auth: "function"}},
	}
	table, err := route.New(route.Table{Routes: routes, Authorizers: []route.Authorizer{
		{Name: "pool", Type: route.AuthorizerCognito, UserPoolARNs: []string{"arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_abc"}},
		{Name: "function", Type: route.AuthorizerToken, FunctionARN: function},
	}}, route.Options{})
	require.NoError(t, err)
	chain := routetest.Start(t, table, table, routetest.Echoes(t))
	forged := map[string]string{"X-Forwarded-Prefix": "forged", "X-Apigw-Verified": "iam,cognito,lambda,key", "X-Api-Key": "forged"}
	for _, name := range append([]string{"X-Apigw-Origin", "X-Apigw-Path", "X-Apigw-Access", "X-Apigw-Backends", "X-Apigw-Client-Ip"},
		nginx.Cleared...) {
		forged[name] = "forged"
	}
	for _, identity := range route.Identities {
		forged[identity.Header] = "forged"
	}
	verified := map[string]string{"/iam": route.VerifiedIAM, "/open": "", "/key": route.VerifiedKey, "/cognito": route.VerifiedCognito,
		"/lambda": route.VerifiedLambda}
	for path, what := range verified {
		answer := chain.Send(http.MethodGet, "x.example.com", path+"/x", forged)
		require.Equal(t, http.StatusOK, answer.Status, path)
		require.Equal(t, "/stage", answer.Seen.Get("X-Forwarded-Prefix"))
		for name := range forged {
			if name == "X-Api-Key" {
				// Where API Gateway asks for none, a key is between client and service.
				require.Equal(t, what != route.VerifiedKey, answer.Seen.Get(name) == "forged", path)
				continue
			}
			// Here API Gateway has no value for what it has verified, which it always has otherwise.
			if !isIdentity(name, what) {
				require.NotEqual(t, "forged", answer.Seen.Get(name), "%s at %s", name, path)
			}
		}
	}
	// What API Gateway says is passed on.
	said := chain.Direct(http.MethodGet, "/iam/x", map[string]string{"X-Apigw-Backends": "=default.one.80", "X-Apigw-Access": "0*",
		"X-Apigw-Verified": "iam,key", "X-Apigw-Caller": "arn", "X-Apigw-Key-Id": "id", "X-Apigw-Subject": "s",
		"X-Apigw-Client-Ip": "192.0.2.7", "X-Forwarded-For": "203.0.113.1", "X-Forwarded-Host": "a.example.com", "X-Forwarded-Port": "8443"}).Seen
	for name, want := range map[string]string{"X-Apigw-Caller": "arn", "X-Apigw-Key-Id": "id", "X-Apigw-Subject": "",
		"X-Forwarded-For": "192.0.2.7", "X-Apigw-Verified": "iam,key", "Host": "a.example.com:8443"} {
		require.Equal(t, want, said.Get(name), name)
	}
}

func isIdentity(name, verified string) bool {
	for _, identity := range route.Identities {
		if identity.Header == name && identity.Verified == verified {
			return true
		}
	}
	return false
}

// Who needs a header that is cleared names it.
func TestHeadersArePassedOnRequest(t *testing.T) {
	table, err := route.New(route.Table{Routes: []route.Route{{Path: "/", Match: route.Prefix, Backend: routetest.Backends[0]}}},
		route.Options{})
	require.NoError(t, err)
	chain := routetest.StartWith(t, table, table, routetest.Echoes(t), nginx.Options{PassHeaders: []string{"x-http-method-override"}})
	seen := chain.Send(http.MethodGet, "x.example.com", "/", map[string]string{"X-Http-Method-Override": "PUT",
		"X-Original-Url": "/admin"}).Seen
	require.Equal(t, "PUT", seen.Get("X-Http-Method-Override"))
	require.Empty(t, seen.Get("X-Original-Url"))
}

// A name with a dot or an underscore is one that somebody else takes for another. Those that a service needs reach it, and no
// alias of a header of ours does.
func TestOddHeadersArePassedOnRequest(t *testing.T) {
	table, err := route.New(route.Table{Routes: []route.Route{{Path: "/", Match: route.Prefix, Backend: routetest.Backends[0]}}},
		route.Options{})
	require.NoError(t, err)
	names := []string{"api_key", "Tenant.Id"}
	require.NoError(t, nginx.CheckPassHeaders(names))
	chain := routetest.StartWith(t, table, table, routetest.Echoes(t), nginx.Options{PassHeaders: names})
	sent := map[string]string{"api_key": "k", "Tenant.Id": "t", "other_header": "x", "X_Apigw_Caller": "forged", "X-Apigw_Verified": "iam",
		"X.Apigw.Caller": "forged", "Api-Key": "own"}
	seen := chain.Send(http.MethodGet, "x.example.com", "/", sent).Seen
	for name, want := range map[string]string{"Api_key": "k", "Tenant.id": "t", "Other_header": "", "X_apigw_caller": "",
		"X-Apigw_verified": "", "X.apigw.caller": "", "Api-Key": "own"} {
		require.Equal(t, want, seen.Get(name), name)
	}
	require.Equal(t, "iam", seen.Get("X-Apigw-Verified"))
	require.Empty(t, seen.Get("X-Apigw-Caller"))
	for name := range seen {
		require.NotContains(t, name, "X-Apigw-Pass")
	}
	require.Empty(t, chain.Send(http.MethodGet, "x.example.com", "/", nil).Seen.Get("Api_key"))
	for _, name := range []string{"X_Apigw_Caller", "x.apigw.verified", "X-Apigw_Origin", "Content_Length", "X_Forwarded_For",
		"X_Original_Url", "X_Request_Id", "a b_c", "_", "a_\"", "X-Other"} {
		require.Error(t, nginx.CheckPassHeaders([]string{name}), name)
	}
}

// NGINX's own answers have API Gateway's form and the request's id; those of services stay as they are.
func TestFailuresHaveOneForm(t *testing.T) {
	lost := route.Backend{Namespace: "default", Service: "two", Port: 80}
	table, err := route.New(route.Table{Routes: []route.Route{
		{Path: "/", Match: route.Prefix, Backend: routetest.Backends[0]}, {Path: "/lost", Match: route.Prefix, Backend: lost},
		{Path: "/missing", Match: route.Prefix, Backend: route.Backend{Namespace: "default", Service: "nobody", PortName: "http", Missing: true}},
		{Path: "/small", Match: route.Prefix, Backend: routetest.Backends[0], Behavior: route.Behavior{MaxBodySize: 10}},
	}}, route.Options{})
	require.NoError(t, err)
	addresses := routetest.Echoes(t)
	addresses["two.default.svc.cluster.local:80"] = "127.0.0.1:9"
	chain := routetest.Start(t, table, table, addresses)
	ask := func(target string) routetest.Answer {
		claims := map[string]string{"lost": "=default.two.80", "missing": "=default.nobody.0"}
		claimed := cmp.Or(claims[strings.Split(target, "/")[1]], "=default.one.80")
		return chain.Direct(http.MethodGet, target, map[string]string{"X-Apigw-Backends": claimed, "X-Apigw-Access": "0*",
			"X-Request-Id": "id-1"})
	}
	require.JSONEq(t, `{"message":"Service Unavailable","requestId":"id-1"}`, ask("/lost/x").Body, "no pod answers")
	require.Equal(t, http.StatusServiceUnavailable, ask("/lost/x").Status)
	require.Equal(t, http.StatusServiceUnavailable, ask("/missing/x").Status, "there is no such service")
	require.JSONEq(t, `{"message":"Service Unavailable","requestId":"id-1"}`, ask("/missing/x").Body)
	require.Equal(t, http.StatusBadGateway, ask("/x?do=close").Status)
	require.JSONEq(t, `{"message":"Bad Gateway","requestId":"id-1"}`, ask("/x?do=close").Body)
	require.Contains(t, ask("/x?do=fail").Body, "the service's own")
	require.Equal(t, http.StatusBadGateway, ask("/x?do=fail").Status)
	require.Equal(t, http.StatusOK, ask("/x?do=headers").Status, "as many headers as API Gateway takes")
}

// A presigned request's signature is in its query.
func TestLogsHoldNoQuery(t *testing.T) {
	table, err := route.New(route.Table{Routes: []route.Route{{Path: "/", Match: route.Prefix, Backend: routetest.Backends[0]}}},
		route.Options{})
	require.NoError(t, err)
	config := string(nginx.Render(table, nginx.Options{Port: 8080}))
	format := config[strings.Index(config, "log_format"):]
	format = format[:strings.Index(format, ";")]
	for _, variable := range []string{"$request_uri", "$args", "$query_string", "$request\"", "$http_authorization", "$http_referer"} {
		require.NotContains(t, format, variable)
	}
	require.Contains(t, format, `"path":"$asked"`)
}

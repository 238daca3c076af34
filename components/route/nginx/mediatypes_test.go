package nginx_test

import (
	"net/http"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/internal/routetest"
	"github.com/stretchr/testify/require"
)

const describedBodies = `{"openapi":"3.0.1","info":{"title":"x","version":"1"},"paths":{
"/order":{"post":{"requestBody":{"content":{"application/json":{"schema":{"type":"object"}}}},"responses":{"default":{"description":""}}}},
"/thing":{"put":{"requestBody":{"content":{"application/vnd.order+json":{"schema":{"type":"object"}}}},"responses":{"default":{"description":""}}}}}}`

// API Gateway looks at bodies of the types that a fragment describes, and would pass all others.
func TestTypesWithoutAModelAreRefused(t *testing.T) {
	fragment, err := route.ParseFragment("x", []byte(describedBodies))
	require.NoError(t, err)
	table, err := route.New(route.Table{
		Routes: []route.Route{{Path: "/order", Match: route.Prefix, Backend: routetest.Backends[0]},
			{Path: "/thing", Match: route.Exact, Backend: routetest.Backends[0]},
			{Path: "/other", Match: route.Prefix, Backend: routetest.Backends[0]}},
		Fragments: []route.Fragment{fragment},
	}, route.Options{})
	require.NoError(t, err)
	chain := routetest.Start(t, table, table, routetest.Echoes(t))
	for _, c := range []struct {
		verb, path, contentType string
		want                    int
	}{
		{http.MethodPost, "/order", "application/json", 200}, {http.MethodPost, "/order", "application/json; charset=utf-8", 200},
		{http.MethodPost, "/order", "", 200},
		{http.MethodPost, "/order", "text/plain", 415}, {http.MethodPost, "/order", "application/jsonx", 415},
		{http.MethodPost, "/order", "Application/JSON", 415},
		{http.MethodPost, "/order", "text/plain; application/json", 415}, {http.MethodPost, "/order", "application/xml", 415},
		{http.MethodGet, "/order", "text/plain", 200}, {http.MethodPut, "/thing", "application/vnd.order+json", 200},
		{http.MethodPut, "/thing", "application/json", 415},
		{http.MethodPut, "/thing", "", 415}, {http.MethodPost, "/order/1", "text/plain", 200}, {http.MethodPost, "/other", "text/plain", 200},
	} {
		headers := map[string]string{}
		if c.contentType != "" {
			headers["Content-Type"] = c.contentType
		}
		answer := chain.Send(c.verb, "x.example.com", c.path, headers)
		require.Equal(t, c.want, answer.Status, "%s %s %q", c.verb, c.path, c.contentType)
		if c.want != http.StatusOK {
			require.Contains(t, answer.Body, `{"message":"Unsupported Media Type","requestId":`)
		}
	}
}

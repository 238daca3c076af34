package nginx_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/nginx"
	"github.com/apigateway-ingress/apigateway-ingress/internal/routetest"
	"github.com/stretchr/testify/require"
)

// A service that knows nothing of the stage redirects and sets cookies below it all the same.
func TestRedirectsAndCookiesKeepTheStage(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", r.Header.Get("X-To"))
		w.Header().Set("Set-Cookie", "a=b; Path="+r.Header.Get("X-Cookie-Path")+"; HttpOnly")
		w.WriteHeader(http.StatusFound)
	}))
	defer server.Close()
	table, err := route.New(route.Table{Routes: []route.Route{{Path: "/", Match: route.Prefix, Backend: routetest.Backends[0]}}},
		route.Options{})
	require.NoError(t, err)
	addresses := map[string]string{"one.default.svc.cluster.local:80": server.Listener.Addr().String()}
	for redirects, cases := range map[nginx.Redirects]map[string]string{
		"": {
			"/login": "/stage/login", "/": "/stage/", "/stage/login": "/stage/login", "/stagecoach": "/stage/stagecoach", "next?a=b": "next?a=b",
			"//evil.example.com/": "//evil.example.com/", "https://other.example.com/a": "https://other.example.com/a",
			"http://x.example.com/a": "http://x.example.com/stage/a", "https://x.example.com/stage/a": "https://x.example.com/stage/a",
			"https://x.example.com.evil.org/a": "https://x.example.com.evil.org/a",
		},
		nginx.RedirectsPassed: {"/login": "/login", "http://x.example.com/a": "http://x.example.com/a"},
	} {
		chain := routetest.StartWith(t, table, table, addresses, nginx.Options{Redirects: redirects})
		for to, want := range cases {
			answer := chain.Send(http.MethodGet, "x.example.com", "/a", map[string]string{"X-To": to, "X-Cookie-Path": "/"})
			require.Equal(t, http.StatusFound, answer.Status)
			require.Equal(t, want, answer.Header.Get("Location"), to)
		}
		for path, want := range map[string]string{"/": "/stage/", "/app": "/stage/app", "/stage/app": "/stage/app"} {
			if redirects == nginx.RedirectsPassed {
				want = path
			}
			answer := chain.Send(http.MethodGet, "x.example.com", "/a", map[string]string{"X-To": "/", "X-Cookie-Path": path})
			require.Equal(t, "a=b; Path="+want+"; HttpOnly", answer.Header.Get("Set-Cookie"))
		}
		// A domain without a base path has nothing in front.
		plain := chain.Direct(http.MethodGet, "/a", map[string]string{"X-Apigw-Path": "/a", "X-Apigw-Access": "0*",
			"X-Apigw-Backends": "=default.one.80", "X-To": "/login", "X-Cookie-Path": "/"})
		require.Equal(t, "/login", plain.Header.Get("Location"))
		require.Equal(t, "a=b; Path=/; HttpOnly", plain.Header.Get("Set-Cookie"))
	}
	require.ErrorContains(t, nginx.Redirects("x").Check(), `redirects "x"`)
}

package nginx_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/internal/routetest"
	"github.com/stretchr/testify/require"
)

const stage = "/stage"

func foreignChain(t *testing.T) *routetest.Chain {
	t.Helper()
	table, err := route.New(route.Table{Routes: []route.Route{
		{Path: "/", Match: route.Prefix, Backend: routetest.Backends[0]}, {Path: "/site", Match: route.Prefix, Backend: routetest.Backends[1]},
		{Path: "/app", Match: route.Prefix, Backend: routetest.Backends[2]},
	}}, route.Options{AllowOverlaps: true})
	require.NoError(t, err)
	addresses := map[string]string{}
	for i, address := range []string{routetest.RawEcho(t), routetest.Folder(t), routetest.Express(t)} {
		b := routetest.Backends[i]
		addresses[b.Host()+":"+map[int]string{80: "80", 8080: "8080"}[b.Port]] = address
	}
	return routetest.Start(t, table, table, addresses)
}

// browse follows redirects and keeps cookies as a browser does.
func browse(t *testing.T, chain *routetest.Chain, verb, path string) (answer routetest.Answer, last string) {
	t.Helper()
	cookie := ""
	for range 5 {
		headers := map[string]string{"Content-Length": "0"}
		if cookie != "" {
			headers["Cookie"] = cookie
		}
		answer = chain.Send(verb, "x.example.com", path, headers)
		if set := answer.Header.Get("Set-Cookie"); set != "" {
			require.Contains(t, set, "Path="+stage+"/", "a browser sends the cookie below the stage only")
			cookie, _, _ = strings.Cut(set, ";")
		}
		to := answer.Header.Get("Location")
		if to == "" {
			return answer, path
		}
		base, err := url.Parse("https://x.example.com" + stage + path)
		require.NoError(t, err)
		next, err := base.Parse(to)
		require.NoError(t, err)
		below, found := strings.CutPrefix(next.EscapedPath(), stage)
		require.True(t, found, "%s leads out of the stage", to)
		verb, path = http.MethodGet, below
	}
	t.Fatalf("%s redirects for ever", path)
	return answer, path
}

// Servers that redirect, serve folders and set cookies work below a stage of which they know nothing.
func TestBrowsersReachForeignServices(t *testing.T) {
	chain := foreignChain(t)
	for path, want := range map[string]string{"/site": "/site/", "/site/": "/site/", "/site/index.html": "/site/",
		"/site/docs": "/site/docs/"} {
		answer, last := browse(t, chain, http.MethodGet, path)
		require.Equal(t, http.StatusOK, answer.Status)
		require.Equal(t, want, last)
	}
	answer, last := browse(t, chain, http.MethodPost, "/app/login")
	require.Equal(t, http.StatusAccepted, answer.Status)
	require.Equal(t, "/app/home", last)
	require.Equal(t, "hello s%3Aabc", answer.Body)
}

// What a client asks for is what a service reads from its socket.
func TestServicesReadWhatWasAsked(t *testing.T) {
	chain := foreignChain(t)
	for _, path := range []string{"/", "/a", "/a/", "/a%2Fb", "/a+b", "/a%20b", "/caf%C3%A9/", "/a;v=1", "/a//b", "/%7Ea", "/a:b@c",
		"/a,b!$&'()*="} {
		answer := chain.Send(http.MethodGet, "x.example.com", path,
			map[string]string{"X-Twice": "1", "Accept-Encoding": "br", "Range": "bytes=0-1", "If-None-Match": `W/"a"`})
		require.Equal(t, http.StatusCreated, answer.Status, path)
		line, head, _ := strings.Cut(answer.Body, "\r\n")
		require.Equal(t, "GET "+path+" HTTP/1.1", line)
		for _, want := range []string{"Host: x.example.com\r\n", "Accept-Encoding: br\r\n", "Range: bytes=0-1\r\n",
			"If-None-Match: W/\"a\"\r\n", "X-Forwarded-Prefix: /stage\r\n"} {
			require.Equal(t, 1, strings.Count("\r\n"+head, "\r\n"+want), "%s at %s", want, path)
		}
		require.NotContains(t, head, "X-Apigw-Path")
	}
}

package route_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/nginx"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/openapi"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/restapi"
	"github.com/apigateway-ingress/apigateway-ingress/internal/routetest"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// reference decides as the Kubernetes documentation says, and knows nothing of how it is done here.
// https://kubernetes.io/docs/concepts/services-networking/ingress/
func reference(routes []route.Route, host, path string) string {
	specificity := func(r route.Route) int {
		switch {
		case r.Default:
			return 0
		case r.Host == "":
			return 1
		case strings.HasPrefix(r.Host, "*."):
			return 2
		}
		return 3
	}
	best := -1
	for i, r := range routes {
		if !hostApplies(r.Host, host) || !r.Default && !pathApplies(r, path) {
			continue
		}
		if best < 0 {
			best = i
			continue
		}
		b := routes[best]
		switch {
		case specificity(r) != specificity(b):
			if specificity(r) > specificity(b) {
				best = i
			}
		case len(elements(r.Path)) != len(elements(b.Path)):
			if len(elements(r.Path)) > len(elements(b.Path)) {
				best = i
			}
		case r.Match == route.Exact:
			best = i
		}
	}
	if best < 0 {
		return ""
	}
	return routes[best].Backend.Service
}

func hostApplies(rule, host string) bool {
	if rule == "" || rule == host {
		return true
	}
	if !strings.HasPrefix(rule, "*.") {
		return false
	}
	dot := strings.IndexByte(host, '.')
	return dot > 0 && host[dot:] == rule[1:]
}

// elements splits a path at its slashes; one at the end makes no element.
func elements(path string) []string {
	path = strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/")
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}

func pathApplies(r route.Route, path string) bool {
	if r.Match == route.Exact {
		return r.Path == path
	}
	rule, request := elements(r.Path), elements(path)
	return len(rule) <= len(request) && slices.Equal(rule, request[:len(rule)])
}

// The examples of the documentation, "Examples" under "Path types".
func TestDocumentedPathMatches(t *testing.T) {
	addresses := routetest.Echoes(t)
	for _, c := range []struct {
		match       route.Match
		rule        string
		path        string
		shouldMatch bool
	}{
		{route.Prefix, "/", "/any/path", true},
		{route.Exact, "/foo", "/foo", true},
		{route.Exact, "/foo", "/bar", false},
		{route.Exact, "/foo", "/foo/", false},
		{route.Prefix, "/foo", "/foo", true},
		{route.Prefix, "/foo", "/foo/", true},
		{route.Prefix, "/foo/", "/foo", true},
		{route.Prefix, "/foo/", "/foo/", true},
		{route.Prefix, "/aaa/bb", "/aaa/bbb", false},
		{route.Prefix, "/aaa/bbb", "/aaa/bbb", true},
		{route.Prefix, "/aaa/bbb/", "/aaa/bbb", true},
		{route.Prefix, "/aaa/bbb", "/aaa/bbb/", true},
		{route.Prefix, "/aaa/bbb", "/aaa/bbb/ccc", true},
		{route.Prefix, "/aaa/bbb", "/aaa/bbbxyz", false},
		{route.Prefix, "/aaa", "/aaa/ccc", true},
		{route.Prefix, "/aaa", "/ccc", false},
	} {
		normal, err := route.NormalPath(c.rule, c.match)
		require.NoError(t, err)
		table := newTable(t, route.Route{Path: normal, Match: c.match, Backend: routetest.Backends[0]})
		want := map[bool]string{true: routetest.Backends[0].Service}[c.shouldMatch]
		require.Equal(t, want, reference(table.Routes, "", c.path), "%+v", c)
		chain := routetest.Start(t, table, table, addresses)
		require.Equal(t, want, chain.Ask("h.example.com", c.path).Backend, "%+v", c)
		chain.Stop()
	}
}

var (
	segments = []string{"a", "b", "ab", "a.b", "A"}
	hosts    = []string{"", "", "x.example.com", "y.example.com", "*.example.com"}
)

func newTable(t require.TestingT, routes ...route.Route) *route.Table {
	table, err := route.New(route.Table{Routes: routes}, route.Options{AllowOverlaps: true})
	require.NoError(t, err)
	return table
}

func drawTable(t *rapid.T) *route.Table {
	distinct := map[string]route.Route{}
	for range rapid.IntRange(1, 8).Draw(t, "routes") {
		path := ""
		for range rapid.IntRange(0, 3).Draw(t, "depth") {
			path += "/" + rapid.SampledFrom(segments).Draw(t, "segment")
		}
		r := route.Route{
			Host: rapid.SampledFrom(hosts).Draw(t, "host"), Path: cmp.Or(path, "/"),
			Match:   rapid.SampledFrom([]route.Match{route.Exact, route.Prefix}).Draw(t, "match"),
			Backend: rapid.SampledFrom(routetest.Backends).Draw(t, "backend"),
		}
		distinct[fmt.Sprint(r.Host, r.Path, r.Match)] = r
	}
	if rapid.IntRange(0, 3).Draw(t, "default") == 0 {
		distinct["default"] = route.Route{Path: "/", Match: route.Prefix, Default: true,
			Backend: rapid.SampledFrom(routetest.Backends).Draw(t, "backend")}
	}
	return newTable(t, slices.Collect(maps.Values(distinct))...)
}

func drawPath(t *rapid.T, pieces []string) string {
	path := ""
	for range rapid.IntRange(0, 4).Draw(t, "length") {
		path += "/" + rapid.SampledFrom(pieces).Draw(t, "piece")
	}
	if path == "" || rapid.Bool().Draw(t, "slash") {
		path += "/"
	}
	return path
}

// For any routes and any request, API Gateway with NGINX behind it decides as the specification says.
func TestDecisionsAgree(t *testing.T) {
	addresses := routetest.Echoes(t)
	rapid.Check(t, func(rt *rapid.T) {
		table := drawTable(rt)
		chain := routetest.Start(t, table, table, addresses)
		defer chain.Stop()
		for range 40 {
			host := rapid.SampledFrom([]string{"x.example.com", "y.example.com", "z.example.com", "deep.z.example.com", "example.com",
				"other.org"}).Draw(rt, "called")
			path := drawPath(rt, append([]string{"c", "ba"}, segments...))
			want := reference(table.Routes, host, path)
			if got := chain.Ask(host, path).Backend; got != want {
				rt.Fatalf("%s%s: %q, but the specification says %q\n%+v", host, path, got, want, table.Routes)
			}
		}
	})
}

// However a path is written, a request gets where the specification says or nowhere: never to another backend.
func TestEncodingsDoNotLeadAstray(t *testing.T) {
	addresses := routetest.Echoes(t)
	tricks := append([]string{"..", ".", "%61", "%2e%2e", "a%2Fb", "a%2fb", "", "%2F", "a%20b", "%C3%A9", "a;b", "a%00", "A%62"}, segments...)
	rapid.Check(t, func(rt *rapid.T) {
		table := drawTable(rt)
		chain := routetest.Start(t, table, table, addresses)
		defer chain.Stop()
		for range 40 {
			path := drawPath(rt, tricks)
			// API Gateway collapses slashes in front.
			want := reference(table.Routes, "x.example.com", "/"+strings.TrimLeft(path, "/"))
			if got := chain.Ask("x.example.com", path).Backend; got != "" && got != want {
				rt.Fatalf("%s: %q, but the specification says %q\n%+v", path, got, want, table.Routes)
			}
		}
	})
}

func TestOrderOfRoutesDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		table := drawTable(rt)
		shuffled := newTable(rt, rapid.Permutation(table.Routes).Draw(rt, "shuffled")...)
		require.Equal(rt, string(nginx.Render(table, nginx.Options{Port: 80})), string(nginx.Render(shuffled, nginx.Options{Port: 80})))
		a, err := openapi.Render(table, openapi.Document{Title: "x"})
		require.NoError(rt, err)
		b, err := openapi.Render(shuffled, openapi.Document{Title: "x"})
		require.NoError(rt, err)
		require.Equal(rt, string(a), string(b))
	})
}

// What a client claims about its request does not count: API Gateway overwrites it, in each method. What it cannot
// overwrite must not be in the document.
func TestTrustedHeadersAreAllMapped(t *testing.T) {
	table := compileFiles(t, bookstore, "../../examples/bookstore/ingress.yaml")
	table.Routes[0].Behavior.CORS = &route.CORS{Origins: []string{"*"}}
	document, err := openapi.Render(table, openapi.Document{Title: "x", Link: openapi.PrivateLink{ConnectionID: "l", Host: "nlb"}})
	require.NoError(t, err)
	definition, err := restapi.Parse(document)
	require.NoError(t, err)
	for _, m := range definition.Methods() {
		for _, header := range route.TrustedHeaders {
			source := m.Integration.RequestParameters["integration.request.header."+header]
			require.NotEmpty(t, strings.Trim(source, "'"), "%s %s", m.ResourcePath, header)
		}
	}
}

package route_test

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/nginx"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/openapi"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/restapi"
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
		table := newTable(t, route.Route{Path: normal, Match: c.match, Backend: backends[0]})
		want := map[bool]string{true: backends[0].Service}[c.shouldMatch]
		require.Equal(t, want, reference(table.Routes, "", c.path), "%+v", c)
		chain := newChain(t, table)
		require.Equal(t, want, chain.ask("h.example.com", c.path), "%+v", c)
	}
}

// chain is an interpreter of our OpenAPI document in front of a real NGINX with our configuration.
type chain struct {
	t          require.TestingT
	definition *restapi.Definition
	address    string
	stop       func()
}

var backends = []route.Backend{
	{Namespace: "default", Service: "one", Port: 80}, {Namespace: "default", Service: "two", Port: 80}, {Namespace: "other", Service: "three", Port: 8080},
}

// echoes are servers that say which backend they are.
func echoes(t testing.TB) map[string]string {
	addresses := map[string]string{}
	for _, b := range backends {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, b.Service) }))
		t.Cleanup(server.Close)
		addresses[fmt.Sprintf("%s:%d", b.Host(), b.Port)] = server.Listener.Addr().String()
	}
	return addresses
}

func newChain(t *testing.T, table *route.Table) *chain {
	return startChain(t, table, echoes(t), t.TempDir())
}

// startChain runs NGINX until the test's cleanup, or until stop is called.
func startChain(t testing.TB, table *route.Table, addresses map[string]string, dir string) *chain {
	document, err := openapi.Render(table, openapi.Document{Title: "x", Link: openapi.PrivateLink{ConnectionID: "l", Host: "nlb"}})
	require.NoError(t, err)
	definition, err := restapi.Parse(document)
	require.NoError(t, err)
	c := &chain{t: t, definition: definition, address: freeAddress(t)}
	_, port, err := net.SplitHostPort(c.address)
	require.NoError(t, err)
	config := string(nginx.Render(table, 1111))
	for name, address := range addresses {
		config = strings.ReplaceAll(config, "server "+name+";", "server "+address+";")
	}
	config = strings.Replace(config, "listen 1111 ", "listen 127.0.0.1:"+port+" ", 1)
	config = strings.Replace(config, fmt.Sprintf("listen %d;", route.HealthPort), "listen unix:"+dir+"/health.sock;", 1)
	config = strings.ReplaceAll(config, " /tmp/", " "+dir+"/")
	config = strings.Replace(config, "access_log /dev/stdout json buffer=32k flush=1s;", "access_log off;", 1)
	config = strings.Replace(config, "worker_processes 2;", "worker_processes 1;", 1)
	path := filepath.Join(dir, "nginx.conf")
	require.NoError(t, os.WriteFile(path, []byte(config), 0o600))
	// One process without a master, so that nothing outlives it.
	process := exec.Command("nginx", "-p", dir, "-e", filepath.Join(dir, "error.log"), "-c", path, "-g", "daemon off; master_process off;")
	require.NoError(t, process.Start())
	c.stop = func() {
		_ = process.Process.Kill()
		_ = process.Wait()
	}
	t.Cleanup(c.stop)
	require.Eventually(t, func() bool {
		connection, err := net.Dial("tcp", c.address)
		return err == nil && connection.Close() == nil
	}, 5*time.Second, 2*time.Millisecond, "%s", config)
	return c
}

func freeAddress(t testing.TB) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

// ask sends a request the whole way and returns the backend that answered, "" for none.
func (c *chain) ask(host, path string) string {
	method, variables := c.definition.Match(http.MethodGet, path)
	if method == nil {
		return ""
	}
	target := strings.TrimPrefix(method.Integration.URI, "http://nlb")
	target = strings.TrimPrefix(target, ":8080")
	target = strings.ReplaceAll(target, "{proxy}", variables["proxy"])
	headers := map[string]string{"X-Forwarded-Host": host}
	for name, source := range method.Integration.RequestParameters {
		header := strings.TrimPrefix(name, "integration.request.header.")
		if header == route.ResourceHeader {
			headers[header] = strings.Trim(source, "'")
		}
		if header == route.PathHeader {
			require.Equal(c.t, "context.path", source)
			headers[header] = "/stage" + path
		}
	}
	return c.direct(target, headers)
}

// direct asks NGINX alone, with the target as it is.
func (c *chain) direct(target string, headers map[string]string) string {
	connection, err := net.Dial("tcp", c.address)
	require.NoError(c.t, err)
	defer connection.Close()
	request := "GET " + target + " HTTP/1.1\r\nHost: nlb\r\nConnection: close\r\n"
	for name, value := range headers {
		request += name + ": " + value + "\r\n"
	}
	_, err = io.WriteString(connection, request+"\r\n")
	require.NoError(c.t, err)
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	require.NoError(c.t, err, target)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(c.t, err)
	if response.StatusCode != http.StatusOK {
		return ""
	}
	return string(body)
}

var (
	segments = []string{"a", "b", "ab", "a.b", "A"}
	hosts    = []string{"", "", "x.example.com", "y.example.com", "*.example.com"}
)

func newTable(t require.TestingT, routes ...route.Route) *route.Table {
	table, err := route.New(route.Table{Routes: routes}, route.Options{})
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
			Backend: rapid.SampledFrom(backends).Draw(t, "backend"),
		}
		distinct[fmt.Sprint(r.Host, r.Path, r.Match)] = r
	}
	if rapid.IntRange(0, 3).Draw(t, "default") == 0 {
		distinct["default"] = route.Route{Path: "/", Match: route.Prefix, Default: true, Backend: rapid.SampledFrom(backends).Draw(t, "backend")}
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
	addresses := echoes(t)
	rapid.Check(t, func(rt *rapid.T) {
		table := drawTable(rt)
		chain := startChain(t, table, addresses, t.TempDir())
		defer chain.stop()
		for range 40 {
			host := rapid.SampledFrom([]string{"x.example.com", "y.example.com", "z.example.com", "deep.z.example.com", "example.com", "other.org"}).Draw(rt, "called")
			path := drawPath(rt, append([]string{"c", "ba"}, segments...))
			want := reference(table.Routes, host, path)
			if got := chain.ask(host, path); got != want {
				rt.Fatalf("%s%s: %q, but the specification says %q\n%+v", host, path, got, want, table.Routes)
			}
			// NGINX alone agrees as well, where the path is what it would get.
			if got := chain.direct(path, map[string]string{"X-Forwarded-Host": host}); want != "" && got != want && !strings.HasSuffix(path, "/") {
				rt.Fatalf("nginx alone: %s%s: %q, but the specification says %q\n%s", host, path, got, want, nginx.Render(table, 80))
			}
		}
	})
}

// However a path is written, a request gets where the specification says or nowhere: never to another backend.
func TestEncodingsDoNotLeadAstray(t *testing.T) {
	addresses := echoes(t)
	tricks := append([]string{"..", ".", "%61", "%2e%2e", "a%2Fb", "a%2fb", "", "%2F", "a%20b", "%C3%A9", "a;b", "a%00", "A%62"}, segments...)
	rapid.Check(t, func(rt *rapid.T) {
		table := drawTable(rt)
		chain := startChain(t, table, addresses, t.TempDir())
		defer chain.stop()
		for range 40 {
			path := drawPath(rt, tricks)
			want := reference(table.Routes, "x.example.com", path)
			if got := chain.ask("x.example.com", path); got != "" && got != want {
				rt.Fatalf("%s: %q, but the specification says %q\n%+v", path, got, want, table.Routes)
			}
		}
	})
}

func TestOrderOfRoutesDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		table := drawTable(rt)
		shuffled := newTable(rt, rapid.Permutation(table.Routes).Draw(rt, "shuffled")...)
		require.Equal(rt, string(nginx.Render(table, 80)), string(nginx.Render(shuffled, 80)))
		a, err := openapi.Render(table, openapi.Document{Title: "x"})
		require.NoError(rt, err)
		b, err := openapi.Render(shuffled, openapi.Document{Title: "x"})
		require.NoError(rt, err)
		require.Equal(rt, string(a), string(b))
	})
}

// What a client claims about host or resource does not count: API Gateway overwrites it. What it cannot
// overwrite must not be in the document.
func TestTrustedHeadersAreAllMapped(t *testing.T) {
	table := compileFiles(t, bookstore, "../../examples/bookstore/ingress.yaml")
	document, err := openapi.Render(table, openapi.Document{Title: "x", Link: openapi.PrivateLink{ConnectionID: "l", Host: "nlb"}})
	require.NoError(t, err)
	definition, err := restapi.Parse(document)
	require.NoError(t, err)
	for _, m := range definition.Methods() {
		for _, header := range []string{route.RequestIDHeader, route.ClientIPHeader, route.HostHeader, route.ResourceHeader} {
			require.NotEmpty(t, m.Integration.RequestParameters["integration.request.header."+header], "%s %s", m.ResourcePath, header)
		}
	}
}

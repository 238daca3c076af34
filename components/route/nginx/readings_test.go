package nginx_test

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/nginx"
	"github.com/apigateway-ingress/apigateway-ingress/internal/routetest"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// steps are what services do to a path, each on its own.
var steps = map[string]func(string) string{
	"decode": func(p string) string {
		// An encoding that is not valid stays.
		var b strings.Builder
		for i := 0; i < len(p); i++ {
			if p[i] == '%' && i+2 < len(p) {
				if c, err := url.PathUnescape(p[i : i+3]); err == nil {
					b.WriteString(c)
					i += 2
					continue
				}
			}
			b.WriteByte(p[i])
		}
		return b.String()
	},
	"merge": func(p string) string {
		for strings.Contains(p, "//") {
			p = strings.ReplaceAll(p, "//", "/")
		}
		return p
	},
	"dots": func(p string) string {
		var out []string
		parts := strings.Split(strings.TrimPrefix(p, "/"), "/")
		for i, s := range parts {
			switch s {
			case ".", "..":
				if s == ".." && len(out) > 0 {
					out = out[:len(out)-1]
				}
				if i == len(parts)-1 {
					out = append(out, "")
				}
			default:
				out = append(out, s)
			}
		}
		return "/" + strings.Join(out, "/")
	},
	"parameters": func(p string) string {
		return eachSegment(p, func(s string) string { s, _, _ = strings.Cut(s, ";"); return s })
	},
	"cut": func(p string) string { p, _, _ = strings.Cut(p, ";"); return p },
	"stop": func(p string) string {
		if i := strings.IndexAny(p, "\x00?#"); i >= 0 {
			p = p[:i]
		}
		return p
	},
	"backslash": func(p string) string { return strings.ReplaceAll(p, `\`, "/") },
	"trailing": func(p string) string {
		return eachSegment(p, func(s string) string { return strings.TrimRight(s, ". ") })
	},
	"overlong": func(p string) string { return strings.NewReplacer("\xc0\xaf", "/", "\xc0\xae", ".").Replace(p) },
}

func eachSegment(p string, change func(string) string) string {
	parts := strings.Split(p, "/")
	for i := range parts {
		parts[i] = change(parts[i])
	}
	return strings.Join(parts, "/")
}

// specified is the route that the Kubernetes documentation gives a path to.
func specified(routes []route.Route, path string) *route.Route {
	var best *route.Route
	for i, r := range routes {
		applies := r.Path == path
		if r.Match == route.Prefix {
			applies = r.Path == "/" || path == r.Path || strings.HasPrefix(path, r.Path+"/")
		}
		if applies && (best == nil || len(r.Path) > len(best.Path) || len(r.Path) == len(best.Path) && r.Match == route.Exact) {
			best = &routes[i]
		}
	}
	return best
}

var accesses = []route.Behavior{{Auth: route.AuthNone}, {Auth: route.AuthIAM}, {Auth: route.AuthIAM, APIKeyRequired: true}}

// names are the segments of which guarded tables are made.
var names = []string{"app", "admin", "a", "v1:do", "x.y", ".well-known"}

func drawGuarded(t *rapid.T) *route.Table {
	distinct := map[string]route.Route{}
	for range rapid.IntRange(1, 7).Draw(t, "routes") {
		path := ""
		for range rapid.IntRange(0, 3).Draw(t, "depth") {
			path += "/" + rapid.SampledFrom(names).Draw(t, "segment")
		}
		r := route.Route{
			Path: cmp.Or(path, "/"), Match: rapid.SampledFrom([]route.Match{route.Exact, route.Prefix, route.Prefix}).Draw(t, "match"),
			Backend: rapid.SampledFrom(routetest.Backends).Draw(t, "backend"), Behavior: rapid.SampledFrom(accesses).Draw(t, "access"),
		}
		distinct[r.Path+string(r.Match)] = r
	}
	table, err := route.New(route.Table{Routes: slices.Collect(maps.Values(distinct))}, route.Options{AllowOverlaps: true})
	require.NoError(t, err)
	return table
}

// describe lists the routes of a table for a failure.
func describe(table *route.Table) string {
	var b strings.Builder
	for _, r := range table.Routes {
		fmt.Fprintf(&b, "%s %s: %s, key %v\n", r.Match, r.Path, r.Behavior.Auth, r.Behavior.APIKeyRequired)
	}
	return b.String()
}

var hostilePieces = []string{
	"/", "/", "/", "name", "name", "name", "%2f", "%2F", "%252f", `\`, "%5c", "%255C", ";", "%3b", ";x", ";x=1", ".", "%2e", "..",
	"%2e%2e", "/../", "/./", "//", "%2500", "%23", "%3f", "#",
	"%20", ".", "%c0%af", "%c0%ae", "%25%32%66", "x", "%0a", "encoded", "twice", "%25", "%3a", "%C3%A9",
}

func drawHostile(t *rapid.T) string {
	var b strings.Builder
	b.WriteString("/")
	for range rapid.IntRange(1, 9).Draw(t, "pieces") {
		piece := rapid.SampledFrom(hostilePieces).Draw(t, "piece")
		if piece == "name" || piece == "encoded" || piece == "twice" {
			name := rapid.SampledFrom(names).Draw(t, "name")
			if percent := map[string]string{"encoded": "%", "twice": "%25"}[piece]; percent != "" {
				i := rapid.IntRange(0, len(name)-1).Draw(t, "at")
				name = fmt.Sprintf("%s%s%02x%s", name[:i], percent, name[i], name[i+1:])
			}
			piece = name
		}
		b.WriteString(piece)
	}
	return b.String()
}

// drawService is what some service does to paths: up to six steps in any order, decoding twice at most.
func drawService(t *rapid.T) []string {
	var service []string
	decoded := 0
	for range rapid.IntRange(1, 6).Draw(t, "steps") {
		step := rapid.SampledFrom(slices.Sorted(maps.Keys(steps))).Draw(t, "step")
		if step == "decode" {
			decoded++
		}
		if step != "decode" || decoded <= 2 {
			service = append(service, step)
		}
	}
	return service
}

// Whatever a service does to a path, it finds a route of the access class for which API Gateway let the request in.
func TestNoReadingReachesAnotherAccess(t *testing.T) {
	addresses := routetest.Echoes(t)
	passed, refused := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		table := drawGuarded(rt)
		chain := routetest.Start(t, table, table, addresses)
		defer chain.Stop()
		for range 60 {
			path := drawHostile(rt)
			answer := chain.Ask("x.example.com", path)
			if answer.Status != http.StatusOK {
				refused++
				continue
			}
			passed++
			if want := "/" + strings.TrimLeft(path, "/"); answer.Path != want {
				rt.Fatalf("asked for %s, the service saw %s", want, answer.Path)
			}
			// A segment that no route has stands for everything below a resource.
			let := specified(table.Routes, strings.Replace(answer.Method.ResourcePath, "{proxy+}", "-", 1))
			for range 12 {
				service := drawService(rt)
				reading := answer.Path
				for _, step := range service {
					reading = steps[step](reading)
				}
				got := specified(table.Routes, cmp.Or(reading, "/"))
				if got == nil {
					got = specified(table.Routes, cmp.Or(strings.TrimRight(reading, "/"), "/"))
				}
				if got == nil || got.Behavior.Auth != let.Behavior.Auth || got.Behavior.APIKeyRequired != let.Behavior.APIKeyRequired {
					rt.Fatalf("%s is let in as %s by %+v, and a service that does %v reads %q, which is of %+v\n%s", answer.Path,
						answer.Method.ResourcePath, let, service, reading, got, describe(table))
				}
			}
		}
	})
	require.Positive(t, passed)
	require.Positive(t, refused)
}

// ordinary are segments as applications and their clients write them.
var ordinary = []string{
	"group%2Fproject", "page;jsessionid=1", "caf%C3%A9", "my%20file", "a+b", "v1:undelete", "~user", "100%25", "cars;color=red;year=2012",
	"file.tar.gz", "v1...v2", "@scope%2Fpkg",
	"urn%3Aisbn%3A0451450523", "me%40example.org", "%24metadata", "Products(1)", "a,b", "it's", "x=1&y=2", "50%25%20off", "r%26d",
	"%E6%97%A5%E6%9C%AC", "-_.!~*'()", "q%3D%3D", ".env", "a.b.", "%7Euser",
	"https:", "%5B1%5D", "A%2BB", "_search", "index.html", "%28x%29", "a%2Cb", "x%3By", "%E9t%E9",
}

// What applications send reaches the service byte for byte wherever it stands, also beside routes that let others in.
func TestOrdinaryPathsPass(t *testing.T) {
	addresses := routetest.Echoes(t)
	segments := slices.Concat(names, ordinary, ordinary)
	rapid.Check(t, func(rt *rapid.T) {
		table := drawGuarded(rt)
		chain := routetest.Start(t, table, table, addresses)
		defer chain.Stop()
		for range 60 {
			path := ""
			for range rapid.IntRange(1, 4).Draw(rt, "length") {
				path += "/" + rapid.SampledFrom(segments).Draw(rt, "segment")
			}
			path += rapid.SampledFrom([]string{"", "", "", "/"}).Draw(rt, "end")
			answer := chain.Ask("x.example.com", path)
			if answer.Method != nil && answer.Status != http.StatusNotFound && (answer.Status != http.StatusOK || answer.Path != path) {
				rt.Fatalf("%s: %+v\n%s", path, answer, describe(table))
			}
		}
	})
}

// What begins with a dot segment is refused even where nothing else differs: it could lead out of what is published.
func TestDotSegmentsNeverLeadOut(t *testing.T) {
	table, err := route.New(route.Table{Routes: []route.Route{{Path: "/app", Match: route.Prefix, Backend: routetest.Backends[0]}}},
		route.Options{AllowOverlaps: true})
	require.NoError(t, err)
	chain := routetest.Start(t, table, table, routetest.Echoes(t))
	for _, segment := range []string{"..", "%2e%2e", ".%2E", "..;x", "%252e%252e", "..%2f", `..\`, `x\..`, "%c0%ae%c0%ae", "..%20",
		".%0a.", "%25%32%65%2e", "x%2f..", "..%23"} {
		require.Equal(t, http.StatusBadRequest, chain.Ask("x.example.com", "/app/"+segment+"/x").Status, segment)
	}
	for _, path := range []string{"/app/a//b", "/app/./b", "/app/group%2Fproject", "/app/x;y/z", "/app/%61"} {
		require.Equal(t, http.StatusOK, chain.Ask("x.example.com", path).Status, path)
	}
}

// A long path costs no more than its length: nginx answers 500 where a pattern gives up.
func TestLongPathsAreDecided(t *testing.T) {
	table, err := route.New(route.Table{Routes: []route.Route{
		{Path: "/", Match: route.Prefix, Backend: routetest.Backends[0], Behavior: accesses[0]},
		{Path: "/app/admin/a/app/admin", Match: route.Prefix, Backend: routetest.Backends[0], Behavior: accesses[1]},
		{Path: "/app/admin/a", Match: route.Prefix, Backend: routetest.Backends[0], Behavior: accesses[0]},
		{Path: "/app", Match: route.Exact, Backend: routetest.Backends[0], Behavior: accesses[1]},
	}}, route.Options{AllowOverlaps: true})
	require.NoError(t, err)
	chain := routetest.Start(t, table, table, routetest.Echoes(t))
	const length = 7000
	decided := []int{http.StatusOK, http.StatusBadRequest, http.StatusNotFound}
	pieces := append([]string{"/.", "/;", "/;%2f", "/%20", "%252525", "a%2f", "/app", "/app/admin", "/app%2fadmin", "/app;x",
		"/%61pp", "/app/admin/a/app;", "/.%20", "%20/", "app.", "/a;%25", "%25%32"}, hostilePieces...)
	for _, piece := range pieces {
		for _, end := range []string{"", "x", "/admin"} {
			answer := chain.Ask("x.example.com", "/"+strings.Repeat(piece, length/len(piece))+end)
			require.Contains(t, decided, answer.Status, "%s%s", piece, end)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		mixed := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 6).Draw(rt, "pieces"), "")
		path := strings.Repeat(mixed, length/len(mixed)) + strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 4).Draw(rt, "end"), "")
		require.Contains(rt, decided, chain.Ask("x.example.com", "/"+path).Status)
	})
}

// Many routes and long ones still make a configuration that nginx reads.
func TestLargeTablesAreAccepted(t *testing.T) {
	var routes []route.Route
	for i := range 120 {
		routes = append(routes,
			route.Route{Path: fmt.Sprintf("/team-%d/%s", i, strings.Repeat("long-", 12)), Match: route.Prefix, Backend: routetest.Backends[0],
				Behavior: accesses[i%3]},
			route.Route{Path: fmt.Sprintf("/%s/%d", strings.Repeat("very-long-", 40), i), Match: route.Exact, Backend: routetest.Backends[0],
				Behavior: accesses[i%2]})
	}
	table, err := route.New(route.Table{Routes: routes}, route.Options{ResourceQuota: 1000})
	require.NoError(t, err)
	chain := routetest.Start(t, table, table, routetest.Echoes(t))
	long := "/team-3/" + strings.Repeat("long-", 12)
	require.Equal(t, http.StatusOK, chain.Ask("x.example.com", long+"/caf%C3%A9").Status)
	require.Equal(t, http.StatusOK, chain.Ask("x.example.com", long+"/a//b").Status, "what stays below one route")
}

func TestStrictPathsHaveOneReading(t *testing.T) {
	table, err := route.New(route.Table{Routes: []route.Route{{Path: "/", Match: route.Prefix, Backend: routetest.Backends[0]}}},
		route.Options{AllowOverlaps: true})
	require.NoError(t, err)
	addresses := routetest.Echoes(t)
	lenient, strict := routetest.Start(t, table, table, addresses),
		routetest.StartWith(t, table, table, addresses, nginx.Options{Paths: nginx.PathsStrict})
	for _, path := range []string{"/a//b", "/a%2Fb", "/a;b", "/./a", "/a.", "/a%20", `/a\b`, "/%61", "/a%252F", "/a%3Fb", "/a%23"} {
		require.Equal(t, http.StatusOK, lenient.Ask("x.example.com", path).Status, path)
		require.Equal(t, http.StatusBadRequest, strict.Ask("x.example.com", path).Status, path)
	}
	for _, path := range []string{"/", "/a/b/", "/caf%C3%A9", "/my%20file", "/a+b", "/v1:undelete", "/~user", "/%F0%9F%98%80",
		"/%E2%82%AC", "/a,b=(c)"} {
		require.Equal(t, http.StatusOK, strict.Ask("x.example.com", path).Status, path)
	}
}

package nginx_test

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/internal/routetest"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// drawChange makes two tables that differ by what people change in a day: routes come, go, or let others in.
func drawChange(t *rapid.T) (before, after *route.Table) {
	draw := func(label string) route.Route {
		path := ""
		for range rapid.IntRange(0, 3).Draw(t, label+" depth") {
			path += "/" + rapid.SampledFrom(names[:3]).Draw(t, "segment")
		}
		return route.Route{
			Path: cmp.Or(path, "/"), Match: rapid.SampledFrom([]route.Match{route.Exact, route.Prefix, route.Prefix}).Draw(t, "match"),
			Host:    rapid.SampledFrom([]string{"", "", "x.example.com", "*.example.com"}).Draw(t, "host"),
			Backend: rapid.SampledFrom(routetest.Backends).Draw(t, "backend"),
		}
	}
	// Every backend is there before and after: what the change brings along is another matter.
	routes := map[string]route.Route{}
	add := func(r route.Route) { routes[r.Host+r.Path+string(r.Match)] = r }
	for i, b := range routetest.Backends {
		add(route.Route{Path: "/always/" + string(rune('a'+i)), Match: route.Prefix, Backend: b})
	}
	for range rapid.IntRange(1, 6).Draw(t, "routes") {
		add(draw("first"))
	}
	behaviors := map[string]route.Behavior{}
	table := func() *route.Table {
		var list []route.Route
		for _, r := range routes {
			// All hosts of a path let the same callers in.
			r.Behavior = behaviors[r.Path]
			list = append(list, r)
		}
		made, err := route.New(route.Table{Routes: list}, route.Options{AllowOverlaps: true})
		if err != nil {
			t.Skip("hosts disagree")
		}
		return made
	}
	before = table()
	for range rapid.IntRange(1, 3).Draw(t, "changes") {
		keys := slices.Sorted(maps.Keys(routes))
		key := rapid.SampledFrom(keys).Draw(t, "changed")
		switch rapid.SampledFrom([]string{"add", "remove", "access", "backend"}).Draw(t, "change") {
		case "add":
			add(draw("new"))
		case "remove":
			if routes[key].Path[1:] == "" || len(routes[key].Path) < 8 {
				delete(routes, key)
			}
		case "access":
			behaviors[routes[key].Path] = rapid.SampledFrom(accesses).Draw(t, "access")
		case "backend":
			r := routes[key]
			r.Backend = rapid.SampledFrom(routetest.Backends).Draw(t, "backend")
			routes[key] = r
		}
	}
	return before, table()
}

// While a change is under way, API Gateway and NGINX are of different generations. A request that both generations serve is
// answered as one of them would.
func TestGenerationsGoTogether(t *testing.T) {
	addresses := routetest.Echoes(t)
	served := 0
	rapid.Check(t, func(rt *rapid.T) {
		before, after := drawChange(rt)
		oldProxy, newProxy := routetest.Start(t, before, before, addresses), routetest.Start(t, after, after, addresses)
		defer oldProxy.Stop()
		defer newProxy.Stop()
		for range 40 {
			path := ""
			for range rapid.IntRange(1, 4).Draw(rt, "length") {
				path += "/" + rapid.SampledFrom(append([]string{"caf%C3%A9", "x"}, names[:3]...)).Draw(rt, "segment")
			}
			host := rapid.SampledFrom([]string{"x.example.com", "y.example.com", "other.org"}).Draw(rt, "called")
			was, is := oldProxy.Ask(host, path), newProxy.Ask(host, path)
			if was.Status != http.StatusOK || is.Status != http.StatusOK {
				continue
			}
			served++
			for name, mixed := range map[string]routetest.Answer{"a new document before old pods": oldProxy.With(after).Ask(host, path),
				"an old document before new pods": newProxy.With(before).Ask(host, path)} {
				if mixed.Status != http.StatusOK || mixed.Backend != was.Backend && mixed.Backend != is.Backend || mixed.Path != path {
					rt.Fatalf("%s%s by %s: %+v, before %+v, after %+v\nbefore:\n%safter:\n%s", host, path, name, mixed, was, is, describe(before),
						describe(after))
				}
			}
		}
	})
	require.Positive(t, served)
}

// A browser's question is let in without credentials, and so it never reaches a service, not even where NGINX knows nothing
// of it yet.
func TestPreflightsReachNoService(t *testing.T) {
	plain := route.Route{Path: "/app", Match: route.Prefix, Backend: routetest.Backends[0]}
	shared := plain
	shared.Behavior.CORS = &route.CORS{Origins: []string{"https://a.example.com"}}
	tables := map[bool]*route.Table{}
	for _, r := range []route.Route{plain, shared} {
		table, err := route.New(route.Table{Routes: []route.Route{r}}, route.Options{AllowOverlaps: true})
		require.NoError(t, err)
		tables[r.Behavior.CORS != nil] = table
	}
	addresses := routetest.Echoes(t)
	forged := map[string]string{"X-Apigw-Backends": "=default.one.80", "X-Apigw-Access": "x"}
	old := routetest.Start(t, tables[true], tables[false], addresses)
	require.Equal(t, http.StatusNotFound, old.Send(http.MethodOptions, "x.example.com", "/app/x", forged).Status)
	new := routetest.Start(t, tables[true], tables[true], addresses)
	require.Equal(t, http.StatusNoContent, new.Send(http.MethodOptions, "x.example.com", "/app/x", forged).Status)
	require.Equal(t, "one", new.Ask("x.example.com", "/app/x").Backend)
}

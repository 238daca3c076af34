package nginx_test

import (
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/nginx"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/nginxconf"
	"github.com/apigateway-ingress/apigateway-ingress/internal/routetest"
	"github.com/stretchr/testify/require"
)

// Texts that got past every check must still not change the shape of the configuration, nor make nginx refuse it.
func FuzzEscaping(f *testing.F) {
	for _, text := range []string{"/a", "/;{}$\"\\", "/a\nb", "/ä", "/'", "/#", "/${dollar}", "/\\", "/\\\"", "/ ", "/a\x01", "/~", "/=",
		"/@"} {
		f.Add(text, "a.example.com", "https://a")
	}
	f.Add("/a", "\"; } $x", "\";}")
	f.Add("/a", "~^(a$", "\\")
	f.Fuzz(func(t *testing.T, path, host, origin string) {
		if strings.ContainsRune(path+host+origin, 0) || len(path+host+origin) > 200 || !strings.HasPrefix(path, "/") || path == "/" {
			t.Skip("no manifest can say it, or nginx's tables are too small for it")
		}
		table := escapingTable(path, host, origin)
		config := nginx.Render(table, nginx.Options{Port: 8080})
		parsed, err := nginxconf.Parse(string(config))
		require.NoError(t, err)
		require.Equal(t, shape(parse(t, nginx.Render(escapingTable("/harmless", "harmless.example.com", "https://harmless"),
			nginx.Options{Port: 8080}))), shape(parsed), "%s", config)
		routetest.AcceptedByNGINX(t, table, config)
	})
}

func escapingTable(path, host, origin string) *route.Table {
	behavior := route.Behavior{CORS: &route.CORS{Origins: []string{origin}, Methods: []string{"GET"},
		Headers: []string{origin}}}.WithDefaults()
	// With another access class the paths are part of patterns as well.
	open := behavior
	open.Auth = route.AuthNone
	backend := route.Backend{Namespace: "default", Service: "bookservice", Port: 80}
	return &route.Table{Routes: []route.Route{
		{Path: path, Match: route.Exact, Host: host, Backend: backend, Behavior: behavior},
		{Path: "/other", Match: route.Exact, Host: host + "x", Backend: backend, Behavior: open},
	}}
}

func parse(t *testing.T, config []byte) *nginxconf.Block {
	t.Helper()
	parsed, err := nginxconf.Parse(string(config))
	require.NoError(t, err)
	return parsed
}

// shape is the names of directives and the numbers of their arguments. Locations of parents and entries of maps
// depend on the texts themselves; what matters is what they contain.
func shape(block *nginxconf.Block) map[string]int {
	counts := map[string]int{}
	for _, d := range block.Directives {
		if d.Block == nil {
			counts[d.Name]++
			continue
		}
		counts[d.Name+" {}"]++
		if d.Name == "map" {
			continue
		}
		for name, n := range shape(d.Block) {
			counts[name] += n
		}
	}
	return counts
}

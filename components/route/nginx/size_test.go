package nginx_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/nginx"
	"github.com/apigateway-ingress/apigateway-ingress/internal/routetest"
	"github.com/stretchr/testify/require"
)

func manyHosts(t *testing.T, hosts int) *route.Table {
	t.Helper()
	var routes []route.Route
	for i := range hosts {
		for p := range 5 {
			routes = append(routes, route.Route{
				Host: fmt.Sprintf("customer-%04d.shop.example.com", i), Path: fmt.Sprintf("/path-%d", p), Match: route.Prefix,
				Backend: route.Backend{Namespace: "default", Service: fmt.Sprintf("service-%d-of-customer-%04d", p, i), Port: 80},
				Source:  fmt.Sprintf("x.yaml:1: ingress default/many: rule %d path %d", i+1, p+1),
			})
		}
	}
	table, err := route.New(route.Table{Routes: routes}, route.Options{})
	require.NoError(t, err)
	return table
}

func TestConfigurationFitsAConfigMap(t *testing.T) {
	options := nginx.Options{Port: 8080}
	require.NoError(t, nginx.Check(manyHosts(t, 100), options))
	err := nginx.Check(manyHosts(t, 2000), options)
	require.ErrorContains(t, err, "x.yaml:1: ingress default/many: rule ")
	require.ErrorContains(t, err, "10000 routes take ")
	require.ErrorContains(t, err, "Kubernetes takes 1048576 in a ConfigMap")
}

// Whatever passes is taken by NGINX, whose words end at 4 KB: long paths that differ in access are patterns as well.
func TestLongPathsAreTakenByNGINX(t *testing.T) {
	var routes []route.Route
	add := func(path string, match route.Match, auth route.Auth) {
		routes = append(routes, route.Route{
			Path: path, Match: match, Behavior: route.Behavior{Auth: auth}, Source: path[:10],
			Backend: route.Backend{Namespace: "default", Service: "books", Port: 80},
		})
	}
	for i, filling := range []string{"a", ".", "...a", "Ab-_:", "a/"} {
		base := fmt.Sprintf("/long%d/", i)
		path := strings.TrimSuffix(base+strings.Repeat(filling, (2000-len(base))/len(filling)), "/")
		normal, err := route.NormalPath(path, route.Prefix)
		require.NoError(t, err)
		add(normal, route.Prefix, route.AuthIAM)
		if len(normal) < 1990 {
			add(normal+"/admin", route.Exact, route.AuthNone)
		}
		add(strings.TrimSuffix(normal, "a")+"b", route.Prefix, route.AuthNone)
	}
	table, err := route.New(route.Table{Routes: routes}, route.Options{ResourceQuota: 100000})
	require.NoError(t, err)
	routetest.AcceptedByNGINX(t, table, nginx.Render(table, nginx.Options{Port: 8080}))
	routetest.AcceptedByNGINX(t, table, nginx.Render(table, nginx.Options{Port: 8080, Paths: nginx.PathsStrict}))
}

package nginx_test

import (
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/internal/routetest"
	"github.com/stretchr/testify/require"
)

// A host with rules of its own falls through to those of its wildcard, and then to those of every host, where none of its own
// matches. The specification leaves it open: https://kubernetes.io/docs/reference/kubernetes-api/networking/ingress-v1/
func TestHostsFallThrough(t *testing.T) {
	own, wildcard, every := routetest.Backends[0], routetest.Backends[1], routetest.Backends[2]
	table, err := route.New(route.Table{Routes: []route.Route{
		{Host: "shop.example.com", Path: "/cart", Match: route.Prefix, Backend: own},
		{Host: "*.example.com", Path: "/help", Match: route.Prefix, Backend: wildcard},
		{Path: "/", Match: route.Prefix, Backend: every},
	}}, route.Options{AllowOverlaps: true})
	require.NoError(t, err)
	chain := routetest.Start(t, table, table, routetest.Echoes(t))
	for _, request := range []struct {
		host, path string
		backend    route.Backend
	}{
		{"shop.example.com", "/cart/1", own},
		{"shop.example.com", "/help", wildcard},
		{"shop.example.com", "/other", every},
		{"blog.example.com", "/help", wildcard},
		{"blog.example.com", "/cart", every},
		{"example.org", "/help", every},
	} {
		require.Equal(t, request.backend.Service, chain.Ask(request.host, request.path).Backend, "%s%s", request.host, request.path)
	}
}

package nginx_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/nginx"
	"github.com/apigateway-ingress/apigateway-ingress/internal/routetest"
	"github.com/stretchr/testify/require"
)

// Who does not come through the API gets nothing, wherever he asks and whatever else he claims.
func TestStrangersAreRefused(t *testing.T) {
	table, err := route.New(route.Table{Routes: []route.Route{{Path: "/app", Match: route.Prefix, Backend: routetest.Backends[0]}}},
		route.Options{})
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "origins.conf")
	require.NoError(t, os.WriteFile(file, []byte(nginx.Origins([]string{"previous", "current", `ne"xt\`})), 0o600))
	chain := routetest.StartWith(t, table, table, routetest.Echoes(t), nginx.Options{OriginsFile: file})
	claims := map[string]string{"X-Apigw-Access": "0*", "X-Apigw-Backends": "=default.one.80", "X-Apigw-Path": "/app/x",
		"X-Forwarded-Host": "x"}
	for proof, want := range map[string]int{"": 403, "other": 403, "curren": 403, "current ": 200, "previous": 200, "current": 200,
		`ne"xt\`: 200, "1": 403, "default": 403, "include": 403, "~.": 403} {
		claims["X-Apigw-Origin"] = proof
		for _, path := range []string{"/app/x", "/app/%2e%2e/x", "/nowhere", "/"} {
			status := chain.Direct(http.MethodGet, path, claims).Status
			require.Equal(t, want == 403, status == 403, "%q at %s: %d", proof, path, status)
		}
	}
}

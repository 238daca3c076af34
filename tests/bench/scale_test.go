package bench

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/componenttest"
	"github.com/apigateway-ingress/apigateway-ingress/components/gateway"
	"github.com/apigateway-ingress/apigateway-ingress/components/network"
	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	nginxconfig "github.com/apigateway-ingress/apigateway-ingress/components/route/nginx"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/openapi"
	"github.com/apigateway-ingress/apigateway-ingress/components/target"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

const (
	// ingressRoutes is the number of routes in each Ingress.
	ingressRoutes = 20
	// apiRoutes is the number of routes in each REST API.
	apiRoutes = 2000
)

func scale(t *testing.T, r *report) {
	r.section("Scale: many routes, many gateways", fmt.Sprintf("Ingresses of %d routes each: parsed, checked against each other, and "+
		"rendered as nginx.conf and OpenAPI document, in one process. "+
		"AWS takes a document of 6 MB, hence an API for every %s routes.", ingressRoutes, figure(apiRoutes)))
	r.growth(t, "routes", []int{100, 1000, 10000}, func(n int) {
		read, err := ingress.Parse("x", []byte(manifests(n/ingressRoutes)))
		require.NoError(t, err)
		for part := range slices.Chunk(read.Ingresses, apiRoutes/ingressRoutes) {
			compiled, err := ingress.Compile(ingress.Manifests{Ingresses: part},
				ingress.Options{AnyService: true, Classless: true, ResourceQuota: 100000})
			require.NoError(t, err)
			_, err = openapi.Render(compiled, openapi.Document{Title: "x"})
			require.NoError(t, err)
			_ = nginxconfig.Render(compiled, nginxconfig.Options{Port: 8080})
		}
	})
	r.line("Gateways in one program, declared on Pulumi's mocks:\n")
	routes := table(t, 20)
	r.growth(t, "gateways", []int{25, 50, 100, 200}, func(n int) {
		require.NoError(t, componenttest.TryRun(&componenttest.Graph{},
			func(ctx *pulumi.Context) error { return declareGateways(ctx, n, routes) }))
	})
}

func declareGateways(ctx *pulumi.Context, n int, routes *route.Table) error {
	for i := range n {
		if _, err := gateway.New(ctx, fmt.Sprintf("g%d", i), &gateway.Args{
			Settings: gateway.Settings{Access: gateway.Access{ClientUser: true}}, Routes: routes,
			Network: network.VPC{ID: pulumi.String("vpc-1"), PrivateSubnetIDs: pulumi.ToStringArray([]string{"subnet-1"})},
			Target: target.Target{
				Nodes:    target.Nodes{SecurityGroupID: pulumi.String("sg-1"), AutoScalingGroups: pulumi.StringMap{}},
				NodePort: pulumi.Int(30000 + i),
			},
		}); err != nil {
			return err
		}
	}
	return nil
}

// growth measures something at several sizes, and compares what one of it costs.
func (r *report) growth(t *testing.T, what string, sizes []int, run func(n int)) {
	t.Helper()
	var rows [][]string
	first := 0.0
	for _, n := range sizes {
		seconds := timed(t, func() error { run(n); return nil })
		var millis samples
		for _, s := range seconds {
			millis = append(millis, s*1000)
		}
		each := seconds.median() * 1e6 / float64(n)
		if first == 0 {
			first = each
		}
		rows = append(rows, []string{count(n), millis.String() + " ms", figure(each) + " µs", fmt.Sprintf("%.2f", each/first)})
	}
	r.table([]string{what, "time", "for each", fmt.Sprintf("ratio to %d", sizes[0])}, rows)
}

func count(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return figure(float64(n))
}

// manifests are Ingresses with routes to one service.
func manifests(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i%d}\nspec:\n  rules:\n  - http:\n     "+
			"paths:\n", i)
		for j := range ingressRoutes {
			fmt.Fprintf(&text, "      - {path: /team-%d/thing-%d, pathType: Prefix, backend: {service: {name: bookservice, port: {number: "+
				"80}}}}\n", i, j)
		}
	}
	return text.String()
}

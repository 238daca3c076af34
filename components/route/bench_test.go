package route_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/nginx"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/openapi"
	"github.com/stretchr/testify/require"
)

// manyIngresses are n paths in Ingresses of twenty.
func manyIngresses(n int) []byte {
	var b strings.Builder
	for i := 0; i < n; i += 20 {
		fmt.Fprintf(&b, "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i%d}\nspec:\n  rules:\n  - http:\n      paths:\n", i)
		for j := i; j < min(i+20, n); j++ {
			fmt.Fprintf(&b, "      - {path: /team%d/service%d, pathType: Prefix, backend: {service: {name: s%d, port: {number: 80}}}}\n", i, j, j%40)
		}
		b.WriteString("---\n")
	}
	return []byte(b.String())
}

// BenchmarkDocuments reads manifests and makes both documents.
func BenchmarkDocuments(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			content := manyIngresses(n)
			for b.Loop() {
				ingresses, err := ingress.Parse("x", content)
				require.NoError(b, err)
				table, err := ingress.Compile(ingresses, ingress.Options{AnyService: true, Classless: true, ResourceQuota: 100000})
				require.NoError(b, err)
				_, err = openapi.Render(table, openapi.Document{Title: "x", Link: openapi.PrivateLink{ConnectionID: "l", Host: "nlb"}})
				require.NoError(b, err)
				nginx.Render(table, nginx.Options{Port: 8080})
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(n), "µs/path")
		})
	}
}

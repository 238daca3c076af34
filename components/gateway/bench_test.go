package gateway

import (
	"fmt"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/componenttest"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// BenchmarkGateways previews many gateways in one program, on mocks.
func BenchmarkGateways(b *testing.B) {
	for _, n := range []int{25, 50, 100, 200} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			routes := twoPorts(b)
			for b.Loop() {
				err := componenttest.TryRun(&componenttest.Graph{}, func(ctx *pulumi.Context) error {
					for i := range n {
						_, err := New(ctx, fmt.Sprintf("g%d", i), &Args{
							Routes: routes, Network: ownVPC, Target: nodes(30000 + i), Settings: Settings{Access: Access{ClientUser: true}},
						})
						if err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(n), "µs/gateway")
		})
	}
}

package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/components/route/openapi"
	"github.com/stretchr/testify/require"
)

// Published rates of API Gateway's control plane, as calls a second:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
const (
	createResourceRate = 5.0
	putRestAPIRate     = 1.0
	// Methods and integrations are under the account's overall rate.
	otherRate = 10.0
)

func controlPlane(t *testing.T, r *report) {
	r.section("Control plane: calls of API Gateway", "For routes of type Prefix: one OpenAPI document here; a Resource, a Method and "+
		"an Integration for each path otherwise "+
		"(with the greedy resource below it). Times are what the published rates allow (CreateResource 5/s, PutRestApi 1/s, others 10/s): "+
		"arithmetic, not a measurement.")
	var rows [][]string
	for _, n := range []int{1, 10, 100, 300} {
		compiled := table(t, n-1)
		body, err := openapi.Render(compiled, openapi.Document{Title: "x"})
		require.NoError(t, err)
		// Each route has its own resource and the greedy one; /more is one more in between.
		resources := 2*n + 2
		calls := float64(resources)/createResourceRate + 2*2*float64(n)/otherRate
		rows = append(rows, []string{
			fmt.Sprint(n), "1", seconds(time.Duration(float64(time.Second) / putRestAPIRate)), fmt.Sprintf("%d kB", len(body)>>10),
			fmt.Sprint(resources + 4*n), seconds(time.Duration(calls * float64(time.Second))), fmt.Sprintf("1/%d", resources+4*n),
		})
	}
	r.table([]string{"routes", "calls here", "time", "document", "calls with a resource for each path", "time", "ratio"}, rows)
	r.line("The number of resources in a stack does not grow with the routes; `TestResourceCountDoesNotGrowWithRoutes` holds it.")
}

package integration

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/random"
	"github.com/stretchr/testify/require"
)

// Who reaches NGINX in another way gets nothing; the secret is in no plain text of the state, and the next generation of it
// takes over without a failed request.
func TestOriginIsProvedAndRotated(t *testing.T) {
	e := newEnvironment(t, nil)
	e.up()
	before := e.proofs()
	require.Len(t, before, 3)
	asked := 0
	for _, pod := range e.cloud.Pods() {
		if !strings.Contains(pod.Namespace, "-proxy") {
			continue
		}
		for _, proof := range []string{"", "guessed"} {
			request, err := http.NewRequest(http.MethodGet, "http://"+net.JoinHostPort(pod.IP, "8080")+"/api/book/list", nil)
			require.NoError(t, err)
			request.Header.Set("X-Apigw-Origin", proof)
			request.Header.Set("X-Apigw-Backends", "=default.bookservice.80")
			response, err := http.DefaultClient.Do(request)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			require.Equal(t, http.StatusForbidden, response.StatusCode, "pod %s", pod.Name)
			asked++
		}
	}
	require.Positive(t, asked)
	exported, err := e.session.Export(context.Background())
	require.NoError(t, err)
	for _, secret := range before {
		require.NotContains(t, string(exported), secret, "the state holds it encrypted")
	}
	load := e.startLoad(2)
	defer load.stop()
	for _, generation := range []int{2, 3} {
		e.setConfig("originGeneration", generation)
		e.up()
	}
	load.stop()
	require.Empty(t, load.failures(), "of %d requests", load.answered.Load())
	require.Positive(t, load.answered.Load())
	after := e.proofs()
	require.Equal(t, before[2], after[0], "a generation stays what it is")
	require.NotContains(t, before, after[1])
	e.expectNoChanges()
	e.destroy()
}

// proofs are the secrets in the stack's state, by generation.
func (e *environment) proofs() []string {
	e.t.Helper()
	exported, err := e.session.Stack.Export(context.Background())
	require.NoError(e.t, err)
	type resource struct {
		URN     string
		Type    string
		Outputs struct {
			Result struct{ Plaintext string }
		}
	}
	var deployment struct{ Resources []resource }
	require.NoError(e.t, json.Unmarshal(exported.Deployment, &deployment))
	var found []string
	slices.SortFunc(deployment.Resources, func(a, b resource) int { return strings.Compare(a.URN, b.URN) })
	for _, r := range deployment.Resources {
		if r.Type == random.Password {
			var secret string
			require.NoError(e.t, json.Unmarshal([]byte(r.Outputs.Result.Plaintext), &secret))
			found = append(found, secret)
		}
	}
	return found
}

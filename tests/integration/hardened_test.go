package integration

import (
	"context"
	"net/http"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/automation/controls"
	"github.com/apigateway-ingress/apigateway-ingress/policies"
	"github.com/stretchr/testify/require"
)

// controls of the stack, as its state is, by their ids.
func (e *environment) controls() map[string]controls.Outcome {
	e.t.Helper()
	resources, err := e.session.Resources(context.Background())
	require.NoError(e.t, err)
	var declared []policies.Resource
	for _, r := range resources {
		if r.Custom {
			declared = append(declared, policies.Resource{Type: r.Type, Name: r.Name(), Inputs: r.Inputs})
		}
	}
	outcomes := map[string]controls.Outcome{}
	for _, c := range controls.Judge(declared) {
		outcomes[c.ID] = c.Outcome
	}
	return outcomes
}

// One word turns on what auditors ask for, but for what takes a certificate or a user; requests still pass, and a key that
// the stack's file sets holds.
func TestHardenedStack(t *testing.T) {
	e := newEnvironment(t, nil)
	e.setConfig("profile", "hardened")
	e.setConfig("deletionProtection", false)
	e.up()
	require.Equal(t, http.StatusOK, e.get("/api/book/list").status)
	outcomes := e.controls()
	require.NotEmpty(t, outcomes)
	open := map[string]bool{"APIGateway.2": true, "EC2.2": true, "ELB.6": true, "ELB.18": true, "IAM.2": true}
	for id, outcome := range outcomes {
		require.Equal(t, open[id], outcome == controls.Fails, "%s %s", id, outcome)
	}
	e.expectNoChanges()
	e.destroy()
}

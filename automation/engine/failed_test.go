package engine

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Only what never worked is made anew: replacing a cluster because its last update failed would be the end of it.
func TestFailedCreations(t *testing.T) {
	const text = "waiting for EKS Node Group (n) to create: unexpected state 'CREATE_FAILED', wanted target 'ACTIVE'. last error: " +
		"NodeCreationFailure"
	custom := func(urn string, initErrors []string, needs ...string) Resource {
		return Resource{URN: urn, Type: "aws:eks/nodeGroup:NodeGroup", Custom: true, InitErrors: initErrors, Dependencies: needs}
	}
	pods := Resource{URN: "pods", Type: "kubernetes:apps/v1:Deployment", Custom: true, InitErrors: []string{"unexpected state 'FAILED'"}}
	old := custom("old", []string{text})
	old.Delete = true
	state := State{Resources: []Resource{
		custom("stillborn", []string{text}), custom("worked", []string{text}), custom("uses", nil, "worked"), custom("fine", nil),
		custom("update failed", []string{"waiting for EKS Cluster update: unexpected state 'Failed', wanted target 'Successful'"}), pods, old,
	}}
	require.Equal(t, []string{"stillborn"}, state.FailedCreations())
}

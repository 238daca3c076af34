package operation

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What others brought about is not said beside its cause, and what the engine adds to a refusal is left out.
func TestOneCauseIsSaid(t *testing.T) {
	const (
		refused   = `Gateway shop: Preview failed: before hook "Gateway shop" failed: stageName cannot change`
		cancelled = "pulumi:providers:pulumi default: failed to run remediation: context canceled"
		closing   = "eks:index:Cluster resource 'shop' has a problem: grpc: the client connection is closing"
	)
	require.Equal(t, []string{"Gateway shop: stageName cannot change"}, causesOf([]string{cancelled, refused, "preview failed", closing}))
	require.Equal(t, []string{closing}, causesOf([]string{closing, "update failed"}), "where it is all that is known")
	require.Empty(t, causesOf([]string{"update failed"}))
}

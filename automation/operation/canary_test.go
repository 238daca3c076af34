package operation

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/stretchr/testify/require"
)

func TestOlderDeploymentsAreSaid(t *testing.T) {
	stage := func(inputs map[string]any) []engine.Resource {
		return []engine.Resource{{Type: deploymentType, ID: "new"}, {Type: deploymentType, ID: "old", Delete: true},
			{Type: stageType, Inputs: inputs}}
	}
	require.Empty(t, olderDeployments(stage(map[string]any{"deployment": "new"})))
	canary := olderDeployments(stage(map[string]any{"deployment": "old",
		"canarySettings": map[string]any{"deploymentId": "new", "percentTraffic": 10.0}}))
	require.Len(t, canary, 1)
	require.Contains(t, canary[0], "90% of the requests go to deployment old")
	require.Contains(t, canary[0], "holds for the other 10% alone")
	back := olderDeployments(stage(map[string]any{"deployment": "old"}))
	require.Len(t, back, 1)
	require.Contains(t, back[0], "taken back to deployment old")
}

func TestPlansAreTheirOwners(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plan.json")
	require.NoError(t, os.WriteFile(path, []byte("{}"), 0o644))
	for range 2 {
		require.NoError(t, private(path))
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		require.NoError(t, os.Remove(path))
	}
	require.Error(t, private(filepath.Join(path, "below-a-file")))
}

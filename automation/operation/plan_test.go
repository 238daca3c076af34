package operation

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/stretchr/testify/require"
)

// Only what refers to resources that are yet to be made becomes unknown, and only in outputs.
func TestPlansAdmitNewResources(t *testing.T) {
	reference := func(id string) map[string]any {
		return map[string]any{resource.SigKey: resource.ResourceReferenceSig, "urn": "urn:pulumi:s::p::t::n", "id": id, "packageVersion": ""}
	}
	plan := func(new any) map[string]any {
		return map[string]any{
			"manifest": map[string]any{"magic": "m"},
			"resourcePlans": map[string]any{
				"a": map[string]any{"goal": map[string]any{
					"inputDiff":  map[string]any{"adds": map[string]any{"role": reference("")}},
					"outputDiff": map[string]any{"adds": map[string]any{"cluster": new, "list": []any{new, reference("known")}, "port": 443}},
				}},
				"b": map[string]any{"steps": []any{"delete"}},
			},
		}
	}
	path := filepath.Join(t.TempDir(), "plan.json")
	for _, id := range []string{"", plugin.UnknownStringValue} {
		encoded, err := json.Marshal(plan(reference(id)))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, encoded, 0o600))
		require.NoError(t, admitNewResources(path))
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		want, err := json.Marshal(plan(plugin.UnknownStringValue))
		require.NoError(t, err)
		require.JSONEq(t, string(want), string(content))
	}
	require.NoError(t, os.WriteFile(path, []byte("{"), 0o600))
	require.ErrorContains(t, admitNewResources(path), path)
}

package engine

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/stretchr/testify/require"
)

// An output with a secret anywhere in it is a secret.
func TestHiddenOutputs(t *testing.T) {
	secret := map[string]any{resource.SigKey: resource.SecretSig, "ciphertext": "x"}
	outputs := HiddenOutputs(map[string]any{
		"plain": "a", "list": []any{"a", map[string]any{"b": 1.0}}, "null": nil,
		"secret": secret, "inMap": map[string]any{"key": secret}, "inList": []any{"a", []any{secret}},
	})
	for name, hidden := range map[string]bool{"plain": false, "list": false, "null": false, "secret": true, "inMap": true, "inList": true} {
		require.Equal(t, hidden, outputs[name].Secret, name)
	}
}

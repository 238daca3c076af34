package timer

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWaitsAgainWhenATriggerChanges(t *testing.T) {
	i, err := Package{Scale: 0.001}.Configure(nil)
	require.NoError(t, err)
	inputs := map[string]any{"createDuration": "10s", "triggers": map[string]any{"a": "1"}}
	checked, failures, err := i.Check(Sleep, "x", nil, inputs, nil)
	require.NoError(t, err)
	require.Empty(t, failures)
	_, outputs, err := i.Create(context.Background(), Sleep, "urn", checked)
	require.NoError(t, err)
	require.Equal(t, checked, outputs)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_, _, err = i.Create(ended, Sleep, "urn", map[string]any{"createDuration": "24h"})
	require.ErrorIs(t, err, context.Canceled)

	d, err := i.Diff(Sleep, inputs, map[string]any{"createDuration": "20s", "triggers": map[string]any{"a": "1"}})
	require.NoError(t, err)
	require.Empty(t, d.Replaced, "another duration alone does not wait again")
	d, err = i.Diff(Sleep, inputs, map[string]any{"createDuration": "10s", "triggers": map[string]any{"a": "2"}})
	require.NoError(t, err)
	require.Equal(t, []string{"triggers"}, d.Replaced)
	_, failures, err = i.Check(Sleep, "x", nil, map[string]any{"createDuration": "long"}, nil)
	require.NoError(t, err)
	require.Len(t, failures, 1)
}

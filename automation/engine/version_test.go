package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A CLI is asked for its version once for each file that it was, and a shim each time.
func TestVersionOf(t *testing.T) {
	dir, state := t.TempDir(), t.TempDir()
	cli, asked := filepath.Join(dir, "pulumi"), filepath.Join(dir, "asked")
	install := func(version string, size int) {
		script := fmt.Sprintf("#!/bin/sh\necho x >> %s\necho v%s\nexit 0\n%s", asked, version, strings.Repeat("#", size))
		require.NoError(t, os.WriteFile(cli, []byte(script), 0o700))
	}
	expect := func(version string, times int, where string) {
		t.Helper()
		got, err := versionOf(t.Context(), cli, where)
		require.NoError(t, err)
		require.Equal(t, version, got.String())
		content, err := os.ReadFile(asked)
		require.NoError(t, err)
		require.Len(t, strings.Fields(string(content)), times)
	}
	install("3.300.0", smallestCLI)
	expect("3.300.0", 1, state)
	expect("3.300.0", 1, state)
	expect("3.300.0", 2, "")
	install("3.301.0-alpha.1+x", smallestCLI+1)
	expect("3.301.0-alpha.1+x", 3, state)
	expect("3.301.0-alpha.1+x", 3, state)
	require.NoError(t, os.WriteFile(seenPath(state), []byte("{"), 0o600))
	expect("3.301.0-alpha.1+x", 4, state)
	install("3.302.0", 0)
	expect("3.302.0", 5, state)
	expect("3.302.0", 6, state)

	_, err := versionOf(t.Context(), filepath.Join(dir, "nothing"), state)
	require.ErrorIs(t, err, os.ErrNotExist)
}

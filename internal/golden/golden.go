// Package golden compares what a test made with a file that was read and approved before. `make golden` writes the files anew.
package golden

import (
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Equal fails the test unless the file holds actual.
func Equal(t testing.TB, path, actual string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(actual), 0o600))
	}
	expected, err := os.ReadFile(path)
	require.NoError(t, err, "run `make golden`")
	require.Equal(t, string(expected), actual, "run `make golden` if the change is wanted")
}

package engine

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheCLIKeepsNoLogs(t *testing.T) {
	for name, before := range map[string]func(t *testing.T, logs string){
		"a new directory": func(*testing.T, string) {},
		"a folder of logs": func(t *testing.T, logs string) {
			require.NoError(t, os.MkdirAll(logs, 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(logs, "pulumi.log"), []byte("x"), 0o600))
		},
		"prepared before": func(t *testing.T, logs string) {
			require.NoError(t, PrepareState(filepath.Dir(filepath.Dir(logs))))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			logs := filepath.Join(dir, "home", "logs")
			before(t, logs)
			require.NoError(t, PrepareState(dir))
			require.Error(t, os.MkdirAll(logs, 0o700), "this is what the CLI tries")
			content, err := os.ReadFile(logs)
			require.NoError(t, err)
			require.Equal(t, noLogs, string(content))
		})
	}
}

func TestThePassphraseStays(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, PrepareState(dir))
	first, err := os.ReadFile(filepath.Join(dir, "passphrase"))
	require.NoError(t, err)
	require.NoError(t, PrepareState(dir))
	second, err := os.ReadFile(filepath.Join(dir, "passphrase"))
	require.NoError(t, err)
	require.Equal(t, first, second)
}

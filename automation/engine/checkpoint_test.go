package engine

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRepairCheckpoint(t *testing.T) {
	dir := t.TempDir()
	path := checkpointPath(dir, "p", "s")
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
	require.NoError(t, repairCheckpoint(dir, "p", "s"), "no stack yet")
	write := func(path, text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }
	read := func() string {
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		return string(content)
	}
	write(path, `{"version":3}`)
	write(path+".bak", `{"version":2}`)
	require.NoError(t, repairCheckpoint(dir, "p", "s"))
	require.Equal(t, `{"version":3}`, read(), "a good one stays")
	write(path, `{"vers`)
	require.NoError(t, repairCheckpoint(dir, "p", "s"))
	require.Equal(t, `{"version":2}`, read(), "the one before")
	write(path, "")
	write(path+".bak", "")
	kept := filepath.Join(dir, "backend", ".pulumi", "backups", "p", "s", "s.")
	require.NoError(t, os.MkdirAll(filepath.Dir(kept), 0o750))
	write(kept+"1001.json", `{"version":0}`)
	write(kept+"1002.json", `{"version":1}`)
	write(kept+"1003.json", `{"ver`)
	require.NoError(t, repairCheckpoint(dir, "p", "s"))
	require.Equal(t, `{"version":1}`, read(), "the newest that is whole")
	require.NoError(t, os.RemoveAll(filepath.Dir(kept)))
	write(path, "")
	require.NoError(t, repairCheckpoint(dir, "p", "s"))
	require.NoFileExists(t, path, "nothing is left of a stack that was being made")
	require.NoFileExists(t, path+".bak")
}

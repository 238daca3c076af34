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
	write(path+".attrs", "")
	require.NoError(t, repairCheckpoint(dir, "p", "s"))
	require.NoFileExists(t, path+".attrs", "checksums that were not written to their end")
	write(path, "")
	write(path+".bak", "")
	require.ErrorContains(t, repairCheckpoint(dir, "p", "s"), "backups")
	require.NoError(t, os.Remove(path+".bak"))
	require.NoError(t, repairCheckpoint(dir, "p", "s"))
	require.NoFileExists(t, path)
}

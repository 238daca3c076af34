package engine

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOnlyStaleLocksAreRemoved(t *testing.T) {
	gone := exec.Command("true")
	require.NoError(t, gone.Run())
	host, err := os.Hostname()
	require.NoError(t, err)
	state := t.TempDir()
	dir := filepath.Join(state, "backend/.pulumi/locks/organization/p/s")
	require.NoError(t, os.MkdirAll(dir, 0o750))
	write := func(name string, pid int, host string) string {
		path := filepath.Join(dir, name+".json")
		require.NoError(t, os.WriteFile(path, fmt.Appendf(nil, `{"pid":%d,"username":"u","hostname":%q}`, pid, host), 0o600))
		return path
	}
	stale := write("stale", gone.Process.Pid, host)
	alive := write("alive", os.Getpid(), host)
	elsewhere := write("elsewhere", gone.Process.Pid, "another-host")
	require.NoError(t, removeStaleLocks(t.Context(), state, "p", "s"))
	require.NoFileExists(t, stale)
	require.FileExists(t, alive)
	require.FileExists(t, elsewhere)
}

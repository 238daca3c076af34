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

// Who holds the lock of a stack on AWS is told by a backend that is a folder, and by the CLI when it wants the lock.
func TestHoldersOfOtherBackends(t *testing.T) {
	backend := t.TempDir()
	p := &Project{Name: "shop", Stack: "acme/production", Target: AWS}
	t.Setenv("PULUMI_BACKEND_URL", "s3://state")
	_, known, err := p.Holders(t.TempDir())
	require.NoError(t, err)
	require.False(t, known)
	t.Setenv("PULUMI_BACKEND_URL", "file://"+backend+"?metadata=skip")
	holders, known, err := p.Holders(t.TempDir())
	require.NoError(t, err)
	require.True(t, known)
	require.Empty(t, holders)
	locks := filepath.Join(backend, ".pulumi", "locks", "organization", "shop", "production")
	require.NoError(t, os.MkdirAll(locks, 0o700))
	lock := `{"pid":7,"username":"ci","hostname":"runner","timestamp":"2026-12-01T04:17:07Z"}`
	require.NoError(t, os.WriteFile(filepath.Join(locks, "a.json"), []byte(lock), 0o600))
	holders, _, err = p.Holders(t.TempDir())
	require.NoError(t, err)
	told := ToldHolders("error: the stack is currently locked by 1 lock(s).\n  s3://state/.pulumi/locks/a.json: " +
		"created by ci@runner (pid 7) at 2026-12-01T04:17:07Z")
	require.Equal(t, told, holders)
	require.Empty(t, ToldHolders("conflict"))
}

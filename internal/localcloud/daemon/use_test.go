package daemon

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const serveVariable = "DAEMON_TEST_SERVES"

// TestServed is the program of the local clouds that the other tests start.
func TestServed(t *testing.T) {
	dir := os.Getenv(serveVariable)
	if dir == "" {
		t.Skip("it runs in a process of its own")
	}
	build := os.Args[len(os.Args)-1]
	require.NoError(t, Serve(t.Context(), dir, build, slog.New(slog.DiscardHandler)))
}

func program(t *testing.T, dir, build string) Program {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	return Program{Command: []string{"/usr/bin/env", serveVariable + "=" + dir, self, "-test.run=^TestServed$"}, Build: build}
}

func newDir(t *testing.T) (string, *Client) {
	t.Helper()
	dir := t.TempDir()
	client, err := NewClient(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Stop(context.Background())) })
	return dir, client
}

// Of several who need the local cloud at once one starts it; the last one to leave stops it, and nobody before.
func TestSeveralStartAtOnce(t *testing.T) {
	dir, client := newDir(t)
	uses := make([]*Use, 5)
	var all sync.WaitGroup
	for i := range uses {
		all.Go(func() {
			use, err := client.Use(t.Context(), program(t, dir, "one"))
			if err != nil {
				t.Error(err)
				return
			}
			uses[i] = use
		})
	}
	all.Wait()
	require.False(t, t.Failed())
	for i, use := range uses {
		require.Equal(t, uses[0].Status.PID, use.Status.PID)
		_, running, err := client.Status(t.Context())
		require.NoError(t, err)
		require.True(t, running, "use %d", i)
		require.NoError(t, use.Release(t.Context(), false))
	}
	_, running, err := client.Status(t.Context())
	require.NoError(t, err)
	require.False(t, running)
}

// Another build takes over when nobody uses the local cloud, and not before.
func TestAnotherBuildWaits(t *testing.T) {
	dir, client := newDir(t)
	first, err := client.Use(t.Context(), program(t, dir, "one"))
	require.NoError(t, err)
	second, err := client.Use(t.Context(), program(t, dir, "two"))
	require.NoError(t, err)
	require.Equal(t, first.Status.PID, second.Status.PID, "the first still needs it")
	require.NoError(t, second.Release(t.Context(), true))
	require.NoError(t, first.Release(t.Context(), true))
	third, err := client.Use(t.Context(), program(t, dir, "two"))
	require.NoError(t, err)
	require.Equal(t, "two", third.Status.Build)
	require.NoError(t, third.Release(t.Context(), true))
	_, running, err := client.Status(t.Context())
	require.NoError(t, err)
	require.True(t, running, "it was to be kept")
}

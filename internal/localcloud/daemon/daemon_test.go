package daemon

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A local cloud whose state directory is gone would hold its ports and its pods for ever.
func TestEndsWithItsDirectory(t *testing.T) {
	for name, remove := range map[string]func(t *testing.T, dir string){
		"removed": func(t *testing.T, dir string) { require.NoError(t, os.RemoveAll(dir)) },
		"made anew": func(t *testing.T, dir string) {
			require.NoError(t, os.RemoveAll(dir))
			require.NoError(t, os.MkdirAll(dir, 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(dir, lockName), nil, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "state")
			served := make(chan error, 1)
			go func() { served <- Serve(context.Background(), dir, "build", slog.New(slog.DiscardHandler)) }()
			client, err := NewClient(dir)
			require.NoError(t, err)
			require.Eventually(t, func() bool {
				_, running, err := client.Status(t.Context())
				return err == nil && running
			}, time.Minute, 10*time.Millisecond)
			remove(t, dir)
			select {
			case err := <-served:
				require.NoError(t, err)
			case <-time.After(time.Minute):
				t.Fatal("it still serves")
			}
		})
	}
}

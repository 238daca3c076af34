package wholefile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Readers see one content or the other, and nothing of the way between them remains.
func TestWriteIsNeverSeenHalf(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	contents := []string{strings.Repeat("a", 1<<20), strings.Repeat("b", 1<<20)}
	require.NoError(t, Write(path, []byte(contents[0])))
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := range 50 {
			if err := Write(path, []byte(contents[i%2])); err != nil {
				t.Error(err)
			}
		}
	})
	stopped := make(chan struct{})
	go func() { writing.Wait(); close(stopped) }()
	for running := true; running; {
		select {
		case <-stopped:
			running = false
		default:
		}
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Contains(t, contents, string(content))
	}
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
}

func TestWriteLeavesWhatIsRight(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, Write(path, []byte("x")))
	long := time.Now().Add(-time.Hour).Truncate(time.Second)
	require.NoError(t, os.Chtimes(path, long, long))
	require.NoError(t, Write(path, []byte("x")))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.True(t, info.ModTime().Equal(long))
}

func TestCreateSucceedsOnce(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	var made atomic.Int32
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			err := Create(path, []byte("secret"))
			if err == nil {
				made.Add(1)
			} else if !errors.Is(err, os.ErrExist) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 1, made.Load())
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1)
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "secret", string(content))
}

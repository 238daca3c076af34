package operation

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// quietPeriod without another change is when editors have written everything; longestBurst is waited for it at most.
	quietPeriod  = 30 * time.Millisecond
	longestBurst = 300 * time.Millisecond
)

// fileChanges tells that something has changed in folders. Whole folders are watched, because many editors write another file
// and put it in the place of the one that was: https://pkg.go.dev/github.com/fsnotify/fsnotify#hdr-Watching_files
type fileChanges struct {
	watcher  *fsnotify.Watcher
	stateDir string
	// settled gets a value after each burst of changes.
	settled chan struct{}
	failed  chan error
}

func watchFiles(ctx context.Context, stateDir string) (*fileChanges, error) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("files cannot be watched: %w", err)
	}
	c := &fileChanges{watcher: watcher, stateDir: stateDir, settled: make(chan struct{}, 1), failed: make(chan error, 1)}
	go c.run(ctx)
	return c, nil
}

// add watches where files are. It may be called again with what is watched already.
func (c *fileChanges) add(f files) error {
	folders := map[string]bool{}
	for _, path := range slices.Concat(f.single, f.programs) {
		folders[filepath.Dir(path)] = true
	}
	for _, folder := range f.folders {
		if err := walk(folder, func(path string, entry fs.DirEntry) {
			if entry.IsDir() && path != c.stateDir && !strings.HasPrefix(path, c.stateDir+string(filepath.Separator)) {
				folders[path] = true
			}
		}); err != nil {
			return err
		}
	}
	for folder := range folders {
		if _, err := os.Stat(folder); err != nil {
			continue // Manifests may name what is not there, which is said elsewhere.
		}
		if err := c.watcher.Add(folder); err != nil {
			return fmt.Errorf("folder %s cannot be watched: %w", folder, err)
		}
	}
	return nil
}

func (c *fileChanges) run(ctx context.Context) {
	defer func() { _ = c.watcher.Close() }()
	var quiet, burst <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case err := <-c.watcher.Errors:
			c.failed <- fmt.Errorf("files cannot be watched any more: %w", err)
			return
		case event := <-c.watcher.Events:
			if event.Op == fsnotify.Chmod {
				continue
			}
			quiet = time.After(quietPeriod)
			if burst == nil {
				burst = time.After(longestBurst)
			}
			continue
		case <-quiet:
		case <-burst:
		}
		quiet, burst = nil, nil
		select {
		case c.settled <- struct{}{}:
		default: // One is waiting, and finds this change as well.
		}
	}
}

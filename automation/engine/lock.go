package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lockFile is how the CLI marks a stack of a file backend as busy. It has no end by itself: a CLI that was
// killed leaves it behind.
type lockFile struct {
	PID      int    `json:"pid"`
	Hostname string `json:"hostname"`
}

// removeStaleLocks takes away the locks of a local stack whose processes on this machine are gone.
func removeStaleLocks(stateDir, project, stack string) error {
	paths, err := filepath.Glob(filepath.Join(stateDir, "backend", ".pulumi", "locks", "organization", project, stack, "*.json"))
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		var lock lockFile
		if err := json.Unmarshal(content, &lock); err != nil {
			return fmt.Errorf("lock %s: %w", path, err)
		}
		if lock.Hostname != host || lock.PID <= 0 || !errors.Is(syscall.Kill(lock.PID, 0), syscall.ESRCH) {
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

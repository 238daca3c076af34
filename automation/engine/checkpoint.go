package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// checkpointPath is the file in which the CLI keeps a local stack's state. Beside it, with .bak, is the one before.
func checkpointPath(stateDir, project, stack string) string {
	return filepath.Join(stateDir, "backend", ".pulumi", "stacks", project, stack+".json")
}

// repairAttributes takes away the files beside others in which the CLI keeps their checksums, where they were not
// written to their end. It does without.
func repairAttributes(paths ...string) error {
	for _, path := range paths {
		content, err := os.ReadFile(path + ".attrs")
		if errors.Is(err, os.ErrNotExist) || err == nil && json.Valid(content) {
			continue
		}
		if err == nil {
			err = os.Remove(path + ".attrs")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// repairCheckpoint takes the state before the last one when the last was not written to its end: the CLI was killed in
// the middle. What happened in between is found by comparing with what exists.
func repairCheckpoint(stateDir, project, stack string) error {
	path := checkpointPath(stateDir, project, stack)
	if locks, err := lockPaths(stateDir, project, stack); err != nil || len(locks) > 0 {
		// Somebody is writing it.
		return err
	}
	if err := repairAttributes(path, path+".bak", filepath.Join(stateDir, "backend", ".pulumi", "meta.yaml")); err != nil {
		return err
	}
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) || err == nil && json.Valid(content) {
		return nil
	}
	if err != nil {
		return err
	}
	previous, err := os.ReadFile(path + ".bak")
	switch {
	case errors.Is(err, os.ErrNotExist):
		// The stack was being made, and nothing was in it.
		return os.Remove(path)
	case err != nil:
		return err
	case !json.Valid(previous):
		return fmt.Errorf("state of stack %s: %s and its backup are damaged: restore one of %s", stack, path, filepath.Join(stateDir, "backend", ".pulumi", "backups"))
	}
	restored := path + ".restored"
	if err := os.WriteFile(restored, previous, 0o600); err != nil { //nolint:gosec // the state directory and the stack are the user's own
		return err
	}
	return os.Rename(restored, path)
}

package engine

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/apigateway-ingress/apigateway-ingress/internal/wholefile"
)

// checkpointPath is the file in which the CLI keeps a local stack's state. Beside it, with .bak, is the one before.
func checkpointPath(stateDir, project, stack string) string {
	return filepath.Join(stateDir, "backend", ".pulumi", "stacks", project, stack+".json")
}

// repairCheckpoint takes an earlier state when the last was not written to its end: the CLI was killed in the middle, or
// the disk was full. What happened in between is found by comparing with what exists.
func repairCheckpoint(stateDir, project, stack string) error {
	path := checkpointPath(stateDir, project, stack)
	if locks, err := lockPaths(stateDir, project, stack); err != nil || len(locks) > 0 {
		// Somebody is writing it.
		return err
	}
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) || err == nil && json.Valid(content) {
		return nil
	}
	if err != nil {
		return err
	}
	previous, err := lastReadable(stateDir, project, stack)
	if err != nil {
		return err
	}
	if previous == nil {
		// The stack was being made. What is left of it in the cloud, no state knows, and the next up removes.
		return errors.Join(os.Remove(path), removeIfThere(path+".bak"))
	}
	return wholefile.Write(path, previous)
}

// lastReadable is the newest state that was written to its end: the one before the last, or one that the CLI keeps of
// earlier operations. On a full disk several in a row are cut off.
func lastReadable(stateDir, project, stack string) ([]byte, error) {
	kept, err := filepath.Glob(filepath.Join(stateDir, "backend", ".pulumi", "backups", project, stack, stack+".*.json"))
	if err != nil {
		return nil, err
	}
	// Their names end with the time, in as many digits.
	slices.Sort(kept)
	slices.Reverse(kept)
	for _, path := range append([]string{checkpointPath(stateDir, project, stack) + ".bak"}, kept...) {
		content, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		if err == nil && json.Valid(content) {
			return content, nil
		}
	}
	return nil, nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

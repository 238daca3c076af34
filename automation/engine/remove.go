package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Remove takes an empty stack away with its history. The project's file of its config stays: somebody may have written it.
func (s *Session) Remove(ctx context.Context) error {
	if _, errOut, _, err := s.run(ctx, "stack", "rm", "--yes", "--preserve-config"); err != nil {
		return fmt.Errorf("remove stack %s: %w: %s", s.Stack.Name(), err, strings.TrimSpace(errOut))
	}
	if s.Project.Target != Local {
		return nil
	}
	// It is the last operation on the stack, and keeps the lock until its end. The backend keeps a copy of the state and one for
	// each operation: of a stack on this machine nothing can be mended by them.
	state := filepath.Join(s.stateDir, "backend", ".pulumi")
	return errors.Join(
		os.RemoveAll(filepath.Join(s.stateDir, "stacks", s.Project.Stack)),
		os.RemoveAll(filepath.Join(state, "backups", s.Project.Name, s.Project.Stack)),
		os.RemoveAll(filepath.Join(state, "history", s.Project.Name, s.Project.Stack)),
		os.Remove(exclusivePath(s.stateDir, s.Project.Stack)),
		os.RemoveAll(checkpointPath(s.stateDir, s.Project.Name, s.Project.Stack)+".bak"),
	)
}

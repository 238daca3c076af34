package operation

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"syscall"

	"github.com/apigateway-ingress/apigateway-ingress/internal/wholefile"
)

// claim says of an ephemeral stack that somebody on this machine works with it: its file is locked as long as that
// process lives. A claim whose file is there and not locked is that of a process which was killed.
type claim struct {
	path string
	file *os.File
}

func claimsOf(s *site) string { return filepath.Join(s.StateDir, "ephemeral", s.project.Name) }

// makeClaim is made before anything else of a stack is.
func makeClaim(s *site, life Expired) (*claim, error) {
	if err := os.MkdirAll(claimsOf(s), 0o700); err != nil {
		return nil, err
	}
	encoded, err := json.Marshal(life)
	if err != nil {
		return nil, err
	}
	c := &claim{path: filepath.Join(claimsOf(s), url.PathEscape(life.Stack)+".json")}
	// The lock is held before the file has its name: in between somebody would take it for abandoned.
	fresh := c.path + ".new"
	if err := wholefile.Create(fresh, encoded); err != nil {
		return nil, err
	}
	if c.file, err = os.Open(fresh); err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(c.file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil { //nolint:gosec // a descriptor fits an int
		return nil, errors.Join(err, c.file.Close())
	}
	return c, os.Rename(fresh, c.path)
}

// drop ends the claim on a stack that is gone or is kept on purpose.
func (c *claim) drop() error { return errors.Join(os.Remove(c.path), c.file.Close()) }

// abandon leaves the stack to Collect.
func (c *claim) abandon() error { return c.file.Close() }

// abandonedStacks are the ephemeral stacks of a project whose processes were killed.
func abandonedStacks(s *site) ([]Expired, error) {
	paths, err := filepath.Glob(filepath.Join(claimsOf(s), "*.json"))
	if err != nil {
		return nil, err
	}
	var found []Expired
	for _, path := range paths {
		life, abandoned, err := readClaim(path)
		if err != nil {
			return nil, err
		}
		if abandoned {
			found = append(found, life)
		}
	}
	return found, nil
}

func readClaim(path string) (life Expired, abandoned bool, err error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		// Its stack has just gone.
		return life, false, nil
	}
	if err != nil {
		return life, false, err
	}
	defer file.Close()
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err != nil { //nolint:gosec // a descriptor fits an int
		return life, false, nil //nolint:nilerr // its process lives
	}
	if err := json.NewDecoder(file).Decode(&life); err != nil {
		return life, false, fmt.Errorf("%s: %w", path, err)
	}
	return life, true, nil
}

// forget removes the claim on a stack that was collected.
func (s *site) forget(stack string) error {
	return removeConfig(filepath.Join(claimsOf(s), url.PathEscape(stack)+".json"))
}

package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Protocol is the version of what clients and the local cloud say to each other. A client does not use a local cloud of
// another version. Raise it with each change that one of them relies on.
const Protocol = 2

// Program is what serves the local cloud: a command, and what tells its build from another's. The build follows the
// command as its last argument.
type Program struct {
	Command []string
	Build   string
}

// Use keeps the local cloud running until it is released. It ends with the process, whatever ends that.
type Use struct {
	client *Client
	file   *os.File
	// Status is the local cloud's as it was found.
	Status Status
}

// usersName is the file that everybody who uses the local cloud has locked, together with the others.
const usersName = "users.lock"

// ErrOtherVersion says that somebody uses a local cloud with which this program cannot talk.
var ErrOtherVersion = errors.New("the local cloud of this state directory is of another version of this program, and in use: " +
	"wait for whoever uses it, or choose another --state-dir")

// Use starts the local cloud when it is not running, and replaces one that another build serves. As long as somebody uses
// it, it is neither replaced nor stopped: then one of another build is used as it is.
func (c *Client) Use(ctx context.Context, program Program) (*Use, error) {
	users, err := os.OpenFile(filepath.Join(c.dir, usersName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	u := &Use{client: c, file: users}
	if err := u.join(ctx, program); err != nil {
		return nil, errors.Join(err, users.Close())
	}
	return u, nil
}

func (u *Use) join(ctx context.Context, program Program) error {
	if err := lock(ctx, u.file, syscall.LOCK_SH); err != nil {
		return err
	}
	status, running, err := u.client.Status(ctx)
	if err != nil {
		return err
	}
	if running && status.Build != program.Build && alone(u.file) {
		if err := u.client.Stop(ctx); err != nil {
			return err
		}
	}
	// Where it was not alone, trying has cost the lock; where it was, others may join now.
	if err := lock(ctx, u.file, syscall.LOCK_SH); err != nil {
		return err
	}
	if u.Status, err = u.client.ensure(ctx, program); err != nil {
		return err
	}
	if u.Status.Protocol != Protocol {
		return ErrOtherVersion
	}
	return nil
}

// Release ends the use. The last one to leave stops a local cloud that has nothing deployed in it, unless keep is set.
func (u *Use) Release(ctx context.Context, keep bool) error {
	if !keep && alone(u.file) {
		status, running, err := u.client.Status(ctx)
		if err == nil && running && status.Objects == 0 {
			ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
			defer cancel()
			err = u.client.Stop(ctx)
		}
		return errors.Join(err, u.file.Close())
	}
	return u.file.Close()
}

// ensure starts the local cloud when it is not running; of several at the same time one does.
func (c *Client) ensure(ctx context.Context, program Program) (Status, error) {
	starting, err := os.OpenFile(filepath.Join(c.dir, "start.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return Status{}, err
	}
	defer starting.Close()
	if err := lock(ctx, starting, syscall.LOCK_EX); err != nil {
		return Status{}, err
	}
	status, running, err := c.Status(ctx)
	if err != nil || running {
		return status, err
	}
	exited, err := c.start(append(program.Command, program.Build))
	if err != nil {
		return Status{}, fmt.Errorf("start the local cloud: %w", err)
	}
	return c.awaitStart(ctx, exited)
}

func (c *Client) awaitStart(ctx context.Context, exited <-chan struct{}) (Status, error) {
	deadline := time.After(startTimeout)
	for {
		if status, running, err := c.Status(ctx); err == nil && running {
			return status, nil
		}
		select {
		case <-exited:
			return Status{}, fmt.Errorf("the local cloud ended at its start; its log %s ends with:\n%s", LogPath(c.dir), c.logTail())
		case <-deadline:
			return Status{}, fmt.Errorf("the local cloud does not answer within %s; its log is %s", startTimeout, LogPath(c.dir))
		case <-ctx.Done():
			return Status{}, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// lock waits for a file's lock until ctx ends.
func lock(ctx context.Context, file *os.File, how int) error {
	for {
		err := syscall.Flock(int(file.Fd()), how|syscall.LOCK_NB) //nolint:gosec // a descriptor fits an int
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", file.Name(), ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// alone takes a lock that is held with others for itself, if nobody else has it. Otherwise the lock is lost:
// https://man7.org/linux/man-pages/man2/flock.2.html
func alone(file *os.File) bool {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil //nolint:gosec // a descriptor fits an int
}

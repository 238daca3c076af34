package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// ErrBusy says that another process of this program works on a stack.
var ErrBusy = errors.New("is being changed by another process")

// Exclusive keeps a stack for this process: the engine's own lock does not cover what is done before and between its
// runs, and nothing may be mended while another process makes things. It ends with the process, whatever ends that.
func Exclusive(stateDir, stack string) (release func() error, err error) {
	path := exclusivePath(stateDir, stack)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	for {
		file, err := lockAt(path)
		if err != nil {
			return nil, fmt.Errorf("stack %s %w", stack, err)
		}
		if file == nil {
			continue
		}
		err = file.Truncate(0)
		if err == nil {
			_, err = file.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0)
		}
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
		return file.Close, nil
	}
}

// lockAt locks a file. It is nil when the file was removed meanwhile, with the stack whose it was.
func lockAt(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil { //nolint:gosec // a descriptor fits an int
		holder, readErr := os.ReadFile(path)
		return nil, errors.Join(fmt.Errorf("%w: process %s", ErrBusy, strings.TrimSpace(string(holder))), readErr, file.Close())
	}
	locked, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if named, err := os.Stat(path); err != nil || !os.SameFile(locked, named) {
		return nil, file.Close()
	}
	return file, nil
}

func exclusivePath(stateDir, stack string) string {
	return filepath.Join(stateDir, "operations", fileNameOf(stack)+".lock")
}

package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// lockFile is how the CLI marks a stack of a file backend as busy. It has no end by itself: a CLI that was
// killed leaves it behind.
type lockFile struct {
	PID      int    `json:"pid"`
	Hostname string `json:"hostname"`
}

// orphanTimeout is how long a CLI whose program was killed gets to end.
const orphanTimeout = time.Minute

// Holder is who holds a stack's lock.
type Holder struct {
	PID      int    `json:"pid"`
	Username string `json:"username"`
	Hostname string `json:"hostname"`
	// Since is when the lock was taken.
	Since time.Time `json:"timestamp"`
}

// Holders are those who hold the stack's lock. Only a backend that is a folder tells them, and known is false for others.
func (p *Project) Holders(stateDir string) (holders []Holder, known bool, err error) {
	folder := filepath.Join(stateDir, "backend")
	if p.Target != Local {
		if folder = backendFolder(os.Getenv("PULUMI_BACKEND_URL")); folder == "" {
			return nil, false, nil
		}
	}
	holders, err = holdersIn(folder, p.Name, p.Stack[strings.LastIndexByte(p.Stack, '/')+1:])
	return holders, true, err
}

// toldHolder is how the CLI names who holds a lock that it wants.
var toldHolder = regexp.MustCompile(`created by (\S+)@(\S+) \(pid (\d+)\) at (\S+)`)

// ToldHolders are those whom the CLI has named in an error.
func ToldHolders(text string) []Holder {
	var holders []Holder
	for _, match := range toldHolder.FindAllStringSubmatch(text, -1) {
		// What is not a number or a time is left out.
		pid, _ := strconv.Atoi(match[3])
		since, _ := time.Parse(time.RFC3339, match[4])
		holders = append(holders, Holder{PID: pid, Username: match[1], Hostname: match[2], Since: since})
	}
	return holders
}

func holdersIn(backend, project, stack string) ([]Holder, error) {
	paths, err := lockPaths(backend, project, stack)
	if err != nil {
		return nil, err
	}
	var holders []Holder
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		var holder Holder
		if err == nil {
			err = json.Unmarshal(content, &holder)
		}
		if err != nil {
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		holders = append(holders, holder)
	}
	return holders, nil
}

func lockPaths(backend, project, stack string) ([]string, error) {
	return filepath.Glob(filepath.Join(backend, ".pulumi", "locks", "organization", project, stack, "*.json"))
}

// removeStaleLocks takes away the locks of a local stack whose processes on this machine are gone. A CLI that has
// lost its program is about to go: it is waited for.
func removeStaleLocks(ctx context.Context, stateDir, project, stack string) error {
	paths, err := lockPaths(filepath.Join(stateDir, "backend"), project, stack)
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
		if lock.Hostname != host || lock.PID <= 0 || !endsSoon(ctx, lock.PID) {
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// endsSoon says whether a process is gone, after waiting for one that nobody started any more.
func endsSoon(ctx context.Context, pid int) bool {
	deadline := time.Now().Add(orphanTimeout)
	for {
		state, parent := processState(pid)
		if state == "Z" || errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			return true
		}
		if parent != "1" || time.Now().After(deadline) {
			return false
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// processState is a process's state, Z for one that has ended, and its parent: the system's first process for one
// that nobody started any more. Where there is no /proc both are empty.
func processState(pid int) (state, parent string) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", ""
	}
	// The name, in parentheses, may hold anything.
	text := string(content)
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 2 {
		return "", ""
	}
	return fields[0], fields[1]
}

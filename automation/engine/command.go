// Package engine drives the Pulumi CLI: which one, in which folder, with which environment, and how it is
// interrupted.
package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/sdk/v3"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
)

// Command runs the Pulumi CLI for the Automation API. Unlike the API's own it leaves the CLI alone when a
// context ends: an engine that is killed in the middle of an operation loses what it was creating. A CLI is
// in a process group of its own, so that Ctrl-C reaches it once, through Interrupt.
type Command struct {
	path    string
	version semver.Version
	// environment picks from this process's environment what the CLI gets.
	environment func([]string) []string

	mu      sync.Mutex
	running *os.Process
	// interrupted keeps a CLI that starts after Interrupt from running on.
	interrupted bool
}

// ErrNoCLI says that no Pulumi CLI was found.
var ErrNoCLI = errors.New("no Pulumi CLI is to be had")

// CLIVariable names a Pulumi CLI to use instead of searching for one.
const CLIVariable = "APIGW_INGRESS_PULUMI"

// FindCommand takes the CLI that CLIVariable names, or the one on PATH when it is of the version of the SDK or
// later, or the one beside this program, or the one that InstallCLI has fetched. Versions are remembered in stateDir; with
// an empty one each CLI is asked.
func FindCommand(ctx context.Context, stateDir string) (*Command, error) {
	candidates := []string{os.Getenv(CLIVariable)}
	if candidates[0] == "" {
		if onPath, err := exec.LookPath("pulumi"); err == nil {
			candidates = append(candidates, onPath)
		}
		if self, err := os.Executable(); err == nil {
			candidates = append(candidates, filepath.Join(filepath.Dir(self), "pulumi"))
		}
		if home, err := os.UserHomeDir(); err == nil {
			candidates = append(candidates, filepath.Join(home, ".pulumi", "versions", sdk.Version.String(), "bin", "pulumi"))
		}
	}
	var problems []error
	for _, path := range candidates {
		if path == "" {
			continue
		}
		// One that is named must be there; the others are places to look. All are the user's own.
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) && os.Getenv(CLIVariable) == "" { //nolint:gosec // see above
			continue
		}
		version, err := versionOf(ctx, path, stateDir)
		switch {
		case err != nil:
			problems = append(problems, err)
		case version.Major != sdk.Version.Major || version.LT(sdk.Version):
			problems = append(problems, fmt.Errorf("%s is version %s, and %s or later of the same major version is needed", path, version,
				sdk.Version))
		default:
			return &Command{path: path, version: version, environment: slices.Clone[[]string]}, nil
		}
	}
	return nil, errors.Join(append([]error{fmt.Errorf("%w: install one of version %s or later from "+
		"https://www.pulumi.com/docs/install/, or run `make bin/pulumi`",
		ErrNoCLI, sdk.Version)}, problems...)...)
}

// InstallCLI fetches the CLI of the SDK's version into the home directory, as the Automation API does, and returns its path.
func InstallCLI(ctx context.Context) (string, error) {
	version := sdk.Version
	if _, err := auto.InstallPulumiCommand(ctx, &auto.PulumiCommandOptions{Version: version}); err != nil {
		return "", fmt.Errorf("%w: it cannot be fetched: %w", ErrNoCLI, err)
	}
	command, err := FindCommand(ctx, "")
	if err != nil {
		return "", err
	}
	return command.Path(), nil
}

// Version is the CLI's.
func (c *Command) Version() semver.Version { return c.version }

// Path is the CLI's program.
func (c *Command) Path() string { return c.path }

const unknownExitCode = -2

// Run executes the CLI for the Automation API.
func (c *Command) Run(_ context.Context, workdir string, stdin io.Reader, outputs, errorOutputs []io.Writer, env []string,
	args ...string) (string, string, int, error) {
	if !slices.Contains(args, "--non-interactive") {
		args = append([]string{"--non-interactive"}, args...)
	}
	var stdout, stderr bytes.Buffer
	process := exec.CommandContext(context.Background(), c.path, args...)
	process.Dir, process.Stdin = workdir, stdin
	process.Env = append(append(c.environment(os.Environ()), env...), "PULUMI_AUTOMATION_API=true")
	process.Stdout = io.MultiWriter(append(slices.Clone(outputs), &stdout)...)
	process.Stderr = io.MultiWriter(append(slices.Clone(errorOutputs), &stderr)...)
	process.SysProcAttr = attributes()
	// The system tells the CLI of the end of the thread that started it, which must not end before the program does.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := c.start(process); err != nil {
		return "", "", unknownExitCode, err
	}
	err := process.Wait()
	c.mu.Lock()
	c.running = nil
	c.mu.Unlock()
	code := unknownExitCode
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err == nil {
		code = 0
	}
	return stdout.String(), stderr.String(), code, err
}

// ErrInterrupted says that a CLI was not started, because the user had asked to stop.
var ErrInterrupted = errors.New("interrupted")

func (c *Command) start(process *exec.Cmd) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.interrupted {
		return ErrInterrupted
	}
	if err := process.Start(); err != nil {
		return err
	}
	c.running = process.Process
	return nil
}

// Interrupt asks the CLI, once, to finish what it is doing and stop.
func (c *Command) Interrupt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.interrupted {
		return
	}
	c.interrupted = true
	if c.running != nil {
		// It may have ended by itself.
		_ = c.running.Signal(os.Interrupt)
	}
}

// Interrupted says whether the user asked to stop.
func (c *Command) Interrupted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.interrupted
}

// Kill ends the CLI at once, with all that it started.
func (c *Command) Kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running != nil {
		_ = syscall.Kill(-c.running.Pid, syscall.SIGKILL)
	}
}

// Package conformance holds what the components declare against what this project did not write: the real AWS
// provider and a real Kubernetes API server. Run it with `make conformance`.
package conformance

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const repository = "../.."

// resource is one of a stack's, as its state has it.
type resource struct {
	URN    string         `json:"urn"`
	Type   string         `json:"type"`
	Custom bool           `json:"custom"`
	ID     string         `json:"id"`
	Inputs map[string]any `json:"inputs"`
}

// stack is a deployed one.
type stack struct {
	name      string
	resources []resource
}

// wanted skips a test unless it was asked for.
func wanted(t *testing.T) {
	t.Helper()
	if os.Getenv("CONFORMANCE") == "" {
		t.Skip("this takes minutes: run `make conformance`")
	}
}

var deployed = sync.OnceValues(deploy)

// graphs are the bookstore and every example, as they were deployed on the local target.
func graphs(t *testing.T) []stack {
	t.Helper()
	stacks, err := deployed()
	require.NoError(t, err)
	return stacks
}

// deploy brings the stacks up beside each other, reads their states, and takes them down.
func deploy() (stacks []stack, err error) {
	root, err := os.MkdirTemp("", "conformance")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(root)
	names, err := prepare(root)
	if err != nil {
		return nil, err
	}
	run := func(args ...string) ([]byte, error) {
		binary, err := filepath.Abs(filepath.Join(repository, "bin", "apigw-ingress"))
		if err != nil {
			return nil, err
		}
		command := exec.Command(binary, append([]string{"--project", root}, args...)...)
		var problems strings.Builder
		command.Stderr = &problems
		out, err := command.Output()
		if err != nil {
			return nil, &commandError{strings.Join(args, " "), problems.String()}
		}
		return out, nil
	}
	defer func() {
		for i := len(names) - 1; i >= 0; i-- {
			if _, destroyErr := run("--stack", names[i], "destroy", "--json"); err == nil {
				err = destroyErr
			}
		}
	}()
	for _, name := range names {
		if _, err := run("--stack", name, "up", "--json"); err != nil {
			return nil, err
		}
		out, err := run("--stack", name, "export")
		if err != nil {
			return nil, err
		}
		var state struct {
			Deployment struct{ Resources []resource }
		}
		if err := json.Unmarshal(out, &state); err != nil {
			return nil, err
		}
		stacks = append(stacks, stack{name, state.Deployment.Resources})
	}
	return stacks, nil
}

type commandError struct{ command, problems string }

func (e *commandError) Error() string { return e.command + ": " + e.problems }

// prepare copies the project and lists its stacks, the bookstore first.
func prepare(root string) ([]string, error) {
	if err := os.CopyFS(filepath.Join(root, "examples"), os.DirFS(filepath.Join(repository, "examples"))); err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(repository, "examples", "*", "Pulumi.*.yaml"))
	if err != nil {
		return nil, err
	}
	names := []string{"local"}
	for _, file := range append(files, filepath.Join(repository, "Pulumi.yaml"), filepath.Join(repository, "Pulumi.local.yaml")) {
		if filepath.Dir(file) != repository && exists(filepath.Join(filepath.Dir(file), "Pulumi.yaml")) {
			continue // A project of its own has a test of its own.
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(root, filepath.Base(file)), content, 0o600); err != nil {
			return nil, err
		}
		if strings.Contains(file, "examples") {
			names = append(names, filepath.Base(filepath.Dir(file)))
		}
	}
	return names, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

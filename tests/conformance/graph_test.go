// Package conformance holds what the components declare against what this project did not write: the real AWS
// provider and a real Kubernetes API server. Run it with `make conformance`.
package conformance

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	secrets "github.com/pulumi/pulumi/sdk/v3/go/common/resource"
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
		binary, err := built("apigw-ingress")
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
		resources, err := export(root, name)
		if err != nil {
			return nil, err
		}
		stacks = append(stacks, stack{name, resources})
	}
	return stacks, nil
}

// export reads a stack's resources with their secrets in plain text: what the providers check may be secret, as an API's
// definition is.
func export(root, name string) ([]resource, error) {
	script := `eval "$("$0" --project . --stack "$1" env)"; exec "$2" stack export --show-secrets --stack "$1"`
	binary, err := built("apigw-ingress")
	if err != nil {
		return nil, err
	}
	cli, err := built("pulumi")
	if errors.Is(err, os.ErrNotExist) {
		cli, err = exec.LookPath("pulumi") // It is new enough, or one would have been built.
	}
	if err != nil {
		return nil, err
	}
	command := exec.Command("bash", "-ec", script, binary, name, cli)
	command.Dir = root
	var problems strings.Builder
	command.Stderr = &problems
	out, err := command.Output()
	if err != nil {
		return nil, &commandError{"export of " + name, problems.String()}
	}
	var state struct {
		Deployment struct{ Resources []resource }
	}
	if err := json.Unmarshal(out, &state); err != nil {
		return nil, err
	}
	for i, r := range state.Deployment.Resources {
		state.Deployment.Resources[i].Inputs, _ = plain(r.Inputs).(map[string]any)
	}
	return state.Deployment.Resources, nil
}

func built(program string) (string, error) {
	path, err := filepath.Abs(filepath.Join(repository, "bin", program))
	if err != nil {
		return "", err
	}
	_, err = os.Stat(path)
	return path, err
}

// plain replaces secrets by what they hold. In an export each is an object with Pulumi's mark and its value as JSON.
func plain(value any) any {
	switch value := value.(type) {
	case map[string]any:
		if text, ok := value["plaintext"].(string); ok && value[secrets.SigKey] == secrets.SecretSig {
			var secret any
			if json.Unmarshal([]byte(text), &secret) == nil {
				return secret
			}
		}
		for key, v := range value {
			value[key] = plain(v)
		}
	case []any:
		for i, v := range value {
			value[i] = plain(v)
		}
	}
	return value
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

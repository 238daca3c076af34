package pipelines

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

type step struct {
	Run string            `json:"run"`
	Env map[string]string `json:"env"`
}

// workflow reads the steps of a job in examples/ci that run commands other than those that install something.
func workflow(t *testing.T, file, job string) (steps []step) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(repository, "examples", "ci", file))
	require.NoError(t, err)
	var parsed struct {
		Jobs map[string]struct{ Steps []step }
	}
	require.NoError(t, yaml.Unmarshal(content, &parsed))
	for _, s := range parsed.Jobs[job].Steps {
		if s.Run != "" && !strings.HasPrefix(s.Run, "go install") && !strings.HasPrefix(s.Run, "pulumi login") {
			steps = append(steps, s)
		}
	}
	require.NotEmpty(t, steps)
	return steps
}

var expression = regexp.MustCompile(`\$\{\{.*?\}\}`)

// newRunner is a checkout whose stacks of the workflows are local ones. Its `go` and its `gh` stand for a team's tests and for
// GitHub.
func newRunner(t *testing.T) *checkout {
	c := newCheckout(t)
	content, err := os.ReadFile(filepath.Join(c.root, "Pulumi.local.yaml"))
	require.NoError(t, err)
	c.write("Pulumi.production.yaml", string(content))
	c.write("Pulumi.preview.yaml", string(content))
	require.NoError(t, os.Remove(filepath.Join(c.root, "Pulumi.local.yaml")))
	require.NoError(t, os.Mkdir(filepath.Join(c.root, "tools"), 0o750))
	for name, script := range map[string]string{
		"go": "echo > command; if [ -e slow ]; then exec sleep 30; fi; exec apigw-ingress --stack $APIGW_STACK call /api/book/list",
		"gh": `echo "$*" >> calls; case "$*" in *PATCH*) ;; *--jq*) [ ! -e commented ] || echo 17 ;; *comment*) touch commented ;; esac`,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(c.root, "tools", name), []byte("#!/bin/sh\n"+script+"\n"), 0o700))
	}
	return c
}

// step prepares a step as GitHub runs it:
// https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#exit-codes-and-error-action-preference
func (c *checkout) step(s step) *exec.Cmd {
	file := filepath.Join(c.root, "step.sh")
	require.NoError(c.t, os.WriteFile(file, []byte(expression.ReplaceAllString(s.Run, "17")), 0o600))
	command := c.command("bash", "-e", file)
	path := filepath.Join(c.root, "tools") + string(os.PathListSeparator) + filepath.Dir(c.binary) + string(os.PathListSeparator) +
		os.Getenv("PATH")
	command.Env = append(os.Environ(), "PATH="+path, "CI=true", "GITHUB_ACTIONS=true", "GITHUB_REPOSITORY=acme/shop",
		"GITHUB_STEP_SUMMARY="+filepath.Join(c.root, "step-summary"))
	for name, value := range s.Env {
		command.Env = append(command.Env, name+"="+expression.ReplaceAllString(value, "17"))
	}
	return command
}

// Every step of the workflows does what it says.
func TestWorkflows(t *testing.T) {
	t.Parallel()
	c := newRunner(t)
	c.write("step-summary", "written by another step\n")
	require.Zero(t, c.run("--stack", "production", "up").code)
	for _, w := range [][2]string{
		{"deploy.yml", "up"}, {"preview.yml", "preview"}, {"preview.yml", "comment"}, {"preview.yml", "preview"}, {"preview.yml", "comment"},
		{"preview.yml", "test"}, {"nightly.yml", "drift"}, {"nightly.yml", "gc"},
	} {
		for _, s := range workflow(t, w[0], w[1]) {
			o := finish(t, c.step(s))
			require.Zero(t, o.code, "%s: %s\n%s%s", w[0], s.Run, o.out, o.errOut)
		}
	}
	summary, err := os.ReadFile(filepath.Join(c.root, "step-summary"))
	require.NoError(t, err)
	require.Contains(t, string(summary), "written by another step\n")
	require.Contains(t, string(summary), "### apigw-ingress up: stack `production`")
	calls, err := os.ReadFile(filepath.Join(c.root, "calls"))
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(calls), "pr comment 17"), "the second preview changes the first one's comment: %s", calls)
	require.Contains(t, string(calls), "PATCH repos/acme/shop/issues/comments/17")
	require.Zero(t, c.run("--stack", "production", "destroy").code)
}

// A workflow that is cancelled reaches the binary, at any moment: nothing runs on, and nothing of an ephemeral stack stays.
func TestWorkflowsAreCancelled(t *testing.T) {
	moments := []time.Duration{300 * time.Millisecond, 1500 * time.Millisecond, 4 * time.Second}
	if everything() {
		moments = nil
		for i := range 20 {
			moments = append(moments, time.Duration(i*300)*time.Millisecond)
		}
	}
	for _, after := range moments {
		t.Run(after.String(), func(t *testing.T) {
			t.Parallel()
			c := newRunner(t)
			c.write("slow", "")
			steps := workflow(t, "preview.yml", "test")
			command := c.step(steps[len(steps)-1])
			require.NoError(t, command.Start())
			time.Sleep(after)
			require.NoError(t, command.Process.Signal(syscall.SIGINT))
			ended := make(chan error, 1)
			go func() { ended <- command.Wait() }()
			select {
			case <-ended:
			case <-time.After(7500 * time.Millisecond):
				require.NoError(t, command.Process.Signal(syscall.SIGTERM))
				select {
				case <-ended:
				case <-time.After(2500 * time.Millisecond):
					require.NoError(t, command.Process.Kill())
					<-ended
				}
			}
			collected := c.run("--stack", "preview", "gc")
			require.Zero(t, collected.code, collected.errOut)
			configs, err := filepath.Glob(filepath.Join(c.root, "Pulumi.preview-*"))
			require.NoError(t, err)
			require.Empty(t, configs, collected.errOut)
			require.Eventually(t, func() bool { return len(c.processes()) == 0 }, time.Minute, 20*time.Millisecond, "processes stay")
		})
	}
}

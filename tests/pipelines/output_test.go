package pipelines

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// terminal is one that shows what is written to it and answers nothing.
func terminal(t *testing.T) (screen, shell *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = screen.Close() })
	// https://man7.org/linux/man-pages/man4/pts.4.html
	require.NoError(t, unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	shell, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	return screen, shell
}

// onTerminal runs a verb on a terminal, and returns what that got to see.
func (c *checkout) onTerminal(variables []string, args ...string) string {
	c.t.Helper()
	screen, shell := terminal(c.t)
	command := c.command(c.binary, args...)
	command.Env = append(withoutVariable(command.Env, "CI"), append(variables, "TERM=xterm-256color")...)
	command.Stdin, command.Stdout, command.Stderr = shell, shell, shell
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	require.NoError(c.t, command.Start())
	require.NoError(c.t, shell.Close())
	seen := make(chan string)
	go func() {
		// Reading ends with an error when nobody has the terminal anymore.
		text, _ := io.ReadAll(screen)
		seen <- string(text)
	}()
	require.NoError(c.t, command.Wait(), args)
	return <-seen
}

func withoutVariable(environment []string, name string) (rest []string) {
	for _, variable := range environment {
		if !strings.HasPrefix(variable, name+"=") {
			rest = append(rest, variable)
		}
	}
	return rest
}

// No verb asks a terminal anything, which may never answer, and none writes it control sequences before there is something
// to draw.
func TestTerminalThatNeverAnswers(t *testing.T) {
	t.Parallel()
	c := newCheckout(t)
	for _, verb := range []string{"--json version", "version", "routes", "routes --json", "status", "help", "iam"} {
		for _, variables := range [][]string{nil, {"NO_COLOR=1"}} {
			seen := c.onTerminal(variables, strings.Fields(verb)...)
			require.NotEmpty(t, strings.TrimSpace(seen), verb)
			require.NotContains(t, seen, "\x1b", verb)
		}
	}
}

// What cannot be printed is a failure.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	c := newCheckout(t)
	verbs := []string{"version", "help", "up --help", "routes", "routes --openapi", "routes --nginx", "routes --json", "iam",
		"iam --boundary", "env", "env --json", "status", "status --json", "gc", "gc --json", "completion bash", "doctor"}
	for _, verb := range verbs {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		require.NoError(t, err)
		command := c.command(c.binary, strings.Fields(verb)...)
		command.Stdout = full
		_ = command.Run()
		require.NoError(t, full.Close())
		require.Equal(t, 1, command.ProcessState.ExitCode(), verb)
	}
}

// However an operation fails, its summary says so, and JSON ends with its result.
func TestFailuresAreReported(t *testing.T) {
	t.Parallel()
	c := newCheckout(t)
	c.edit("Pulumi.local.yaml", "aws:region: us-east-1", "aws:region: us-east-1\n  apigateway-ingress:stageName: no stage")
	for _, verb := range []string{"up", "preview", "destroy"} {
		c.write("summary.md", "of an earlier run")
		if verb == "destroy" {
			c.edit("Pulumi.local.yaml", "target: local", "target: nowhere")
		}
		failed := c.run(verb, "--json", "--summary", "summary.md")
		require.Equal(t, 2, failed.code, failed.errOut)
		lines := strings.Split(strings.TrimSpace(failed.out), "\n")
		var result struct{ Operation, Error string }
		require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &result), failed.out)
		require.Equal(t, verb, result.Operation)
		require.NotEmpty(t, result.Error)
		content, err := os.ReadFile(filepath.Join(c.root, "summary.md"))
		require.NoError(t, err)
		require.Contains(t, string(content), "**Failed**")
		require.NotContains(t, string(content), "earlier")
	}
}

// Pipelines say --yes, name stacks as their CI does, and people complete and mistype them.
func TestNamesOfStacks(t *testing.T) {
	t.Parallel()
	c := newCheckout(t)
	c.edit("Pulumi.yaml", "runtime: go", "runtime: go\nstackConfigDir: config")
	require.NoError(t, os.Mkdir(filepath.Join(c.root, "config"), 0o700))
	require.NoError(t, os.Rename(filepath.Join(c.root, "Pulumi.local.yaml"), filepath.Join(c.root, "config", "Pulumi.ci.yaml")))
	elsewhere := c.command(c.binary, "routes")
	elsewhere.Env = append(elsewhere.Env, "PULUMI_STACK=ci")
	found := finish(t, elsewhere)
	require.Zero(t, found.code, found.errOut)
	for args, want := range map[string]string{
		"--stack feature/ABC-123 routes": "feature is taken for an organization: for a branch's name write feature-ABC-123",
		"--stack feature:ABC routes":     "for a branch's name write feature-ABC",
		"--stack acme/ci routes":         "on the local target there are no organizations: write ci",
		"--stack missing routes":         "write config/Pulumi.missing.yaml",
		"destory":                        "did you mean destroy?", //nolint:misspell // that is the point
	} {
		refused := c.run(strings.Fields(args)...)
		require.Equal(t, 2, refused.code, args)
		require.Contains(t, refused.errOut, want)
	}
	require.Contains(t, c.run("__complete", "up", "--stack", "").out, "ci\n")
	require.Contains(t, c.run("--stack", "missing", "up", "--yes").errOut, "has no config", "the flag is known")
}

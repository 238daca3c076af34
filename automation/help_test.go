package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

func try(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(args, strings.NewReader(""), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

// The help of every verb, examples included, is what users read: it changes only on purpose.
func TestHelp(t *testing.T) {
	t.Setenv(stateDirVariable, "")
	a := &app{in: strings.NewReader(""), out: &bytes.Buffer{}, errOut: &bytes.Buffer{}}
	verbs := [][]string{{}}
	for _, command := range a.rootCommand().Commands() {
		if !command.Hidden {
			require.NotEmpty(t, command.Example, "%s has an example", command.Name())
			require.NotEmpty(t, command.Short, command.Name())
			verbs = append(verbs, []string{command.Name()})
		}
	}
	require.Greater(t, len(verbs), 20)
	for _, verb := range verbs {
		code, out, errOut := try(t, append(verb, "--help")...)
		require.Zero(t, code)
		require.Empty(t, errOut)
		golden(t, strings.Join(append([]string{"help"}, verb...), "-")+".txt", out)
	}
}

func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o750))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	expected, err := os.ReadFile(path)
	require.NoError(t, err, "run `make golden`")
	require.Equal(t, string(expected), text, "run `make golden` if the change is wanted")
}

func TestUsageErrors(t *testing.T) {
	empty := t.TempDir()
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"unknown verb":     {[]string{"upp"}, `unknown command "upp"`},
		"unknown flag":     {[]string{"up", "--fast"}, "unknown flag: --fast"},
		"too many":         {[]string{"up", "now"}, `unknown command "now"`},
		"no project":       {[]string{"--project", "/", "up"}, "no Pulumi.yaml"},
		"no config":        {[]string{"--stack", "nowhere", "--project", "..", "up"}, `stack "nowhere" has no config: write Pulumi.nowhere.yaml`},
		"no command":       {[]string{"ephemeral"}, "requires at least 1 arg"},
		"path":             {[]string{"call", "books"}, `path "books" does not start with /`},
		"format":           {[]string{"--project", "/", "graph", "--format", "png"}, "no Pulumi.yaml"},
		"broken document":  {[]string{"import", filepath.Join(empty, "missing")}, "no such file"},
		"annotated":        {[]string{"routes", filepath.Join(empty, "missing")}, "no such file"},
		"unknown manifest": {[]string{"routes", empty}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errOut := try(t, c.args...)
			require.Equal(t, exitUsage, code, errOut)
			require.Empty(t, out)
			require.True(t, strings.HasPrefix(errOut, "error: "), errOut)
			require.Contains(t, errOut, c.want)
		})
	}
}

func TestErrorsAreAnnotatedForGitHub(t *testing.T) {
	t.Setenv("GITHUB_ACTIONS", "true")
	_, _, errOut := try(t, "--project", "/", "up")
	require.Contains(t, errOut, "\n::error title=apigw-ingress (local)::no Pulumi.yaml")
	require.Equal(t, 2, strings.Count(errOut, "\n"), "one line each")
}

func TestIAMPrintsThePodsPolicy(t *testing.T) {
	code, out, _ := try(t, "iam", "--account", "444455556666", "--region", "eu-west-1")
	require.Zero(t, code)
	require.Contains(t, out, "arn:aws:autoscaling:eu-west-1:444455556666:")
	require.NotContains(t, out, "${")
}

func TestMarkupIsTakenOut(t *testing.T) {
	require.Equal(t, "error: no", plainText("<{%reset%}>error: <{%fg 1%}>no<{%reset%}>"))
	require.Equal(t, "a <{%b", plainText("a <{%b"))
}

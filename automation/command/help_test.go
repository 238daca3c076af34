package command

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/internal/golden"
	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

func try(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = Run("dev", args, strings.NewReader(""), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

// The help of every verb, nested and hidden ones and examples included, is what users read: it changes only on purpose.
func TestHelp(t *testing.T) {
	t.Setenv(stateDirVariable, "")
	s := &shared{in: strings.NewReader(""), out: &bytes.Buffer{}, errOut: &bytes.Buffer{}}
	root := s.rootCommand()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	verbs := 0
	var check func(command *cobra.Command, path []string)
	check = func(command *cobra.Command, path []string) {
		verbs++
		require.NotEmpty(t, command.Short, path)
		require.True(t, command.HasExample() || command.Hidden || generated[command.Name()] || generated[command.Parent().Name()],
			"%v has an example", path)
		code, out, errOut := try(t, append(path, "--help")...)
		require.Zero(t, code)
		require.Empty(t, errOut)
		golden.Equal(t, filepath.Join("testdata", strings.Join(append([]string{"help"}, path...), "-")+".txt"), out)
		for _, nested := range command.Commands() {
			check(nested, append(slices.Clone(path), nested.Name()))
		}
	}
	check(root, nil)
	require.Greater(t, verbs, 27)
}

// generated are the verbs that Cobra makes, without examples.
var generated = map[string]bool{"completion": true, "help": true}

func TestUsageErrors(t *testing.T) {
	empty := t.TempDir()
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"unknown verb":    {[]string{"upp"}, `unknown command "upp"`},
		"misspelled verb": {[]string{"statsu"}, "did you mean status?"},
		"missing command": {[]string{"ephemeral", "--", "./missing"}, "./missing"},
		"unknown flag":    {[]string{"up", "--fast"}, "unknown flag: --fast"},
		"too many":        {[]string{"up", "now"}, `unknown command "now"`},
		"no project":      {[]string{"--project", "/", "up"}, "no Pulumi.yaml"},
		"no config": {[]string{"--stack", "nowhere", "--project", "../..", "up"},
			`stack "nowhere" has no config: write Pulumi.nowhere.yaml`},
		"no command":       {[]string{"ephemeral"}, "requires at least 1 arg"},
		"path":             {[]string{"call", "books"}, `path "books" does not start with /`},
		"format":           {[]string{"--project", "/", "graph", "--format", "png"}, "no Pulumi.yaml"},
		"broken document":  {[]string{"import", filepath.Join(empty, "missing")}, "no such file"},
		"annotated":        {[]string{"routes", filepath.Join(empty, "missing")}, "no such file"},
		"unknown manifest": {[]string{"routes", empty}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errOut := try(t, c.args...)
			require.Equal(t, 2, code, errOut)
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

func TestIAMIsWhereTheStackIs(t *testing.T) {
	dir := t.TempDir()
	schema, err := os.ReadFile(filepath.Join("..", "..", "Pulumi.yaml"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.yaml"), schema, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.china.yaml"), []byte("config: {aws:region: cn-north-1}\n"), 0o600))
	code, out, errOut := try(t, "--project", dir, "--stack", "china", "iam", "--account", "444455556666")
	require.Zero(t, code, errOut)
	require.Contains(t, out, "arn:aws-cn:autoscaling:cn-north-1:444455556666:")
	_, out, _ = try(t, "--project", dir, "--stack", "china", "iam", "--region", "eu-west-1")
	require.Contains(t, out, "arn:aws:autoscaling:eu-west-1:")
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// What could not be printed is no success, whatever the verb.
func TestOutputThatCannotBeWritten(t *testing.T) {
	project := filepath.Join("..", "..")
	for _, args := range [][]string{{"version"}, {"version", "--json"}, {"iam"}, {"routes"}, {"routes", "--openapi"},
		{"routes", "--nginx"}, {"status"}, {"help"}, {"doctor"}} {
		var stderr bytes.Buffer
		code := Run("dev", append([]string{"--project", project, "--state-dir", t.TempDir()}, args...), strings.NewReader(""), full{}, &stderr)
		require.NotZero(t, code, args)
		require.Contains(t, stderr.String(), "error: ", args)
	}
}

package pipelines

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A config that people have written by hand and with `pulumi config set --secret` comes up as it stands, is copied with its
// secrets, and is destroyed when nobody can read it anymore.
func TestSecretsAndTextsInConfig(t *testing.T) {
	t.Parallel()
	c := newCheckout(t)
	c.edit("Pulumi.local.yaml", "target: local", "target: local\n  apigateway-ingress:stageName: no")
	var environment map[string]string
	require.NoError(t, json.Unmarshal([]byte(c.run("env", "--json").out), &environment))
	for _, args := range [][]string{{"stack", "init", "local"}, {"config", "set", "--stack", "local", "--secret", "--path",
		"apigateway-ingress:stageVariables.token", "s3cret"}} {
		set := c.command(filepath.Join(filepath.Dir(c.binary), "pulumi"), args...)
		for name, value := range environment {
			set.Env = append(set.Env, name+"="+value)
		}
		o := finish(t, set)
		require.Zero(t, o.code, o.errOut)
	}
	config, err := os.ReadFile(filepath.Join(c.root, "Pulumi.local.yaml"))
	require.NoError(t, err)
	require.Contains(t, string(config), "secure: v1:")

	up := c.run("up")
	require.Zero(t, up.code, up.errOut)
	require.Equal(t, "no", strings.TrimSpace(c.run("outputs", "stageName").out))
	require.NotContains(t, up.out+up.errOut+c.run("export").out, "s3cret")
	ephemeral := c.run("ephemeral", "--", "true")
	require.Zero(t, ephemeral.code, ephemeral.errOut)

	c.edit("Pulumi.local.yaml", "stageName: no", "stageName: 0123\n  apigateway-ingress:stagename: x")
	refused := c.run("up")
	require.Equal(t, 2, refused.code, refused.errOut)
	require.Contains(t, refused.errOut, "0123 is read as 83")
	destroyed := c.run("destroy", "--remove")
	require.Zero(t, destroyed.code, destroyed.errOut)
	require.Contains(t, destroyed.errOut, "stagename is not known")
	require.True(t, c.exists("Pulumi.local.yaml"), "somebody wrote it")
	for _, folder := range []string{"stacks", "timelines", "operations", "backend/.pulumi/backups/apigateway-ingress",
		"backend/.pulumi/history/apigateway-ingress"} {
		left, err := filepath.Glob(filepath.Join(c.root, ".apigw-ingress", folder, "*"))
		require.NoError(t, err)
		require.Empty(t, left, folder)
	}
	left, err := filepath.Glob(filepath.Join(c.root, ".apigw-ingress", "backend", ".pulumi", "stacks", "*", "*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

// drift changes nothing, also after an operation that was killed in the middle.
func TestDriftOnlyLooks(t *testing.T) {
	t.Parallel()
	c := newCheckout(t)
	c.killUp("restApi:RestApi")
	state := filepath.Join(c.root, ".apigw-ingress", "backend", ".pulumi", "stacks", "apigateway-ingress", "local.json")
	before, err := os.ReadFile(state)
	require.NoError(t, err)
	objects := c.objects()
	require.Positive(t, objects)
	drift := c.run("drift", "--json")
	require.Contains(t, []int{0, 3}, drift.code, drift.errOut)
	after, err := os.ReadFile(state)
	require.NoError(t, err)
	require.Equal(t, string(before), string(after))
	require.GreaterOrEqual(t, c.objects(), objects, "nothing was removed")
	require.Zero(t, c.run("destroy").code)
}

// killUp kills `up` when its output says that something was made.
func (c *checkout) killUp(made string) {
	c.t.Helper()
	c.write("stdout", "")
	log, err := os.OpenFile(filepath.Join(c.root, "stdout"), os.O_WRONLY, 0)
	require.NoError(c.t, err)
	defer log.Close()
	up := c.command(c.binary, "up")
	up.Stdout = log
	require.NoError(c.t, up.Start())
	require.Eventually(c.t, func() bool {
		content, _ := os.ReadFile(filepath.Join(c.root, "stdout"))
		return strings.Contains(string(content), made)
	}, patience, moment)
	require.NoError(c.t, up.Process.Kill())
	_ = up.Wait()
	require.Eventually(c.t, func() bool {
		engines, _ := filepath.Glob("/proc/[0-9]*/cwd")
		return !slices.ContainsFunc(engines, func(link string) bool {
			cwd, _ := os.Readlink(link)
			return cwd == c.root || cwd == filepath.Join(c.root, ".apigw-ingress", "stacks", "local")
		})
	}, patience, moment, "the engine ends with the program that started it")
}

// objects counts what the local cloud has.
func (c *checkout) objects() int {
	c.t.Helper()
	var status struct{ LocalCloud struct{ Objects int } }
	o := c.run("status", "--json")
	require.NoError(c.t, json.Unmarshal([]byte(o.out), &status), o.errOut)
	return status.LocalCloud.Objects
}

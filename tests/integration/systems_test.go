package integration

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// maxSystemLines is what publishing a system may take of a stack's config.
const maxSystemLines = 15

// Rendered charts and kustomizations in the shape of systems that many people run are published as they are: a few lines of config
// each, nothing in their files touched, and every public route answers with what its Service said.
func TestRenderedSystems(t *testing.T) {
	t.Parallel()
	b := &binary{t, t.TempDir()}
	require.NoError(t, os.CopyFS(b.root, os.DirFS("testdata/systems")))
	schema, err := os.ReadFile(filepath.Join(repository, "Pulumi.yaml"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(b.root, "Pulumi.yaml"), schema, 0o600))
	for name, routes := range map[string]int{"boutique": 1, "bookinfo": 5, "sockshop": 1, "podinfo": 1, "retailstore": 4, "petclinic": 1} {
		t.Run(name, func(t *testing.T) { testSystem(t, &binary{t, b.root}, name, routes) })
	}
}

func testSystem(t *testing.T, b *binary, name string, public int) {
	config, err := os.ReadFile(filepath.Join(b.root, "Pulumi."+name+".yaml"))
	require.NoError(t, err)
	require.LessOrEqual(t, strings.Count(string(config), "\n"), maxSystemLines)
	t.Cleanup(func() { b.run("destroy", "--stack", name) })
	o := b.run("up", "--stack", name)
	require.Zero(t, o.code, o.out+o.errOut)
	var table struct {
		Routes []struct{ Host, Path, Auth, Namespace, Service string }
	}
	b.json(&table, "routes", "--stack", name)
	called := 0
	for _, route := range table.Routes {
		args := []string{"call", "--stack", name, "--unsigned", cmp.Or(route.Path, "/")}
		if route.Host != "" && route.Host != "*" {
			args = append(args, "--host", route.Host)
		}
		answer := b.run(args...)
		if route.Auth != "none" {
			require.Equal(t, 8, answer.code, "%v is not public", route)
			continue
		}
		require.Zero(t, answer.code, "%v: %s", route, answer.errOut)
		require.Equal(t, "simulated/"+route.Namespace+"/"+route.Service, decode(t, answer.out)["standIn"], "%v", route)
		called++
	}
	require.Equal(t, public, called, "every public route: %v", table.Routes)
}

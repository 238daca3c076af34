package scaffold

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/internal/golden"
	"github.com/apigateway-ingress/apigateway-ingress/stacks/deploy"
	"github.com/stretchr/testify/require"
)

// The schema is this repository's; only the program is not there.
func TestSchemaIsTheRepositorys(t *testing.T) {
	content, err := os.ReadFile("../../Pulumi.yaml")
	require.NoError(t, err)
	golden.Equal(t, "files/Pulumi.yaml", strings.Replace(string(content), "main: stacks\n", "", 1))
}

func TestProjectIsValid(t *testing.T) {
	dir := t.TempDir()
	names, err := Write(dir, Options{CI: true})
	require.NoError(t, err)
	require.Equal(t, []string{".github/workflows/deploy.yml", ".gitignore", "Pulumi.dev.yaml", "Pulumi.local.yaml", "Pulumi.yaml",
		"manifests/hello.yaml"}, names)
	project, err := engine.OpenProject(dir, "local")
	require.NoError(t, err)
	require.NoError(t, project.Invalid)
	settings, err := deploy.Read(project.Get, dir)
	require.NoError(t, err)
	require.NotEmpty(t, settings.Platform.Services)

	project, err = engine.OpenProject(dir, "dev")
	require.NoError(t, err)
	require.NoError(t, project.Invalid, "its keys are known, and its values of the right types")
}

func TestNothingIsOverwritten(t *testing.T) {
	for _, name := range []string{"Pulumi.yaml", "Pulumi.yml", ".gitignore", "manifests/hello.yaml"} {
		dir := t.TempDir()
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("mine"), 0o600))
		_, err := Write(dir, Options{})
		require.ErrorIs(t, err, ErrExists, name)
		content, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, "mine", string(content))
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Len(t, entries, 1, "nothing was written")
	}
	_, err := Write(t.TempDir(), Options{Manifests: "nowhere"})
	require.ErrorContains(t, err, "manifests")
}

package route

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Manifests of many shapes, as people write them for Kubernetes and for other controllers.
func TestManifestsOfTheField(t *testing.T) {
	files, err := filepath.Glob("testdata/manifests/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			ingresses, err := Load([]string{file}, nil)
			require.NoError(t, err)
			table, err := Compile(ingresses, Options{AnyService: true, Domains: []string{"*.example.com"}})
			require.NoError(t, err)
			var listing strings.Builder
			for _, row := range table.Rows() {
				fmt.Fprintf(&listing, "%s %s %s %v %s %s/%s:%d\n", row.Host, row.Path, row.PathType, row.Methods, row.Auth, row.Namespace, row.Service, row.Port)
			}
			for _, notice := range table.Notices {
				fmt.Fprintf(&listing, "note: %s\n", notice)
			}
			golden(t, "manifests/"+name+".golden", []byte(listing.String()))
			config := string(table.NGINX(8080))
			for _, b := range table.Backends() {
				config = strings.ReplaceAll(config, b.Host()+":", "127.0.0.1:")
			}
			testConfiguration(t, []byte(config))
		})
	}
}

func TestAnnotationsAreDocumented(t *testing.T) {
	const path = "../../docs/annotations.md"
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	head, _, found := strings.Cut(string(content), "| annotation |")
	require.True(t, found)
	want := head + AnnotationsReference()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o600))
		return
	}
	require.Equal(t, want, string(content), "run `make golden`")
}

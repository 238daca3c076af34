package ingress

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/route/nginx"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/routetest"
	"github.com/apigateway-ingress/apigateway-ingress/internal/golden"
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
			golden.Equal(t, "testdata/manifests/"+name+".golden", listing.String())
			routetest.AcceptedByNGINX(t, table, nginx.Render(table, 8080))
		})
	}
}

func TestAnnotationsAreDocumented(t *testing.T) {
	const path = "../../../docs/annotations.md"
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	head, _, found := strings.Cut(string(content), "| annotation |")
	require.True(t, found)
	golden.Equal(t, path, head+AnnotationsReference())
}

package ingress

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/nginx"
	"github.com/apigateway-ingress/apigateway-ingress/internal/golden"
	"github.com/apigateway-ingress/apigateway-ingress/internal/routetest"
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
			ingresses, err := Read([]string{file}, nil)
			require.NoError(t, err)
			table, err := Compile(ingresses, Options{AnyService: true, Classless: true, Domains: []string{"*.example.com"}})
			require.NoError(t, err)
			var listing strings.Builder
			for _, row := range table.Rows() {
				fmt.Fprintf(&listing, "%s %s %s %v %s %s/%s:%d\n", row.Host, row.Path, row.PathType, row.Methods, row.Auth, row.Namespace,
					row.Service, row.Port)
			}
			for _, notice := range table.Notices {
				fmt.Fprintf(&listing, "note: %s\n", notice)
			}
			golden.Equal(t, "testdata/manifests/"+name+".golden", listing.String())
			routetest.AcceptedByNGINX(t, table, nginx.Render(table, nginx.Options{Port: 8080}))
		})
	}
}

func TestAnnotationsAreDocumented(t *testing.T) {
	const path = "../../../docs/reference/annotations.md"
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	head, _, found := strings.Cut(string(content), "\n## ")
	require.True(t, found)
	golden.Equal(t, path, head+AnnotationsReference())
}

// Rendered output holds much besides Ingresses. None of it is in the way, and all of it is counted.
func TestOtherKinds(t *testing.T) {
	const rendered = `
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{name: http, port: 8080, targetPort: 3000}, {name: metrics, port: 9100}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {replicas: "not for us to judge"}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {defaultBackend: {service: {name: web, port: {name: http}}}}
`
	read, err := Read([]string{"-"}, strings.NewReader(rendered))
	require.NoError(t, err)
	require.Len(t, read.Ingresses, 1)
	require.Equal(t, []route.Service{{Namespace: "shop", Name: "web",
		Ports: []route.ServicePort{{Name: "http", Number: 8080}, {Name: "metrics", Number: 9100}}}}, read.Services)
	require.Equal(t, []string{"passed over, because they are no routes: 1 Deployment"}, read.Notices)
}

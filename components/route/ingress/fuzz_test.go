package ingress

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/nginx"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/openapi"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/nginxconf"
	"github.com/stretchr/testify/require"
)

// Whatever a manifest is, it is read or refused with a place, and what is read makes valid documents.
func FuzzParse(f *testing.F) {
	seeds, err := filepath.Glob("testdata/manifests/*.yaml")
	require.NoError(f, err)
	for _, seed := range append(seeds, "../../../examples/bookstore/ingress.yaml", "../../../examples/bookstore/ingress-v1.yaml") {
		content, err := os.ReadFile(seed)
		require.NoError(f, err)
		f.Add(content)
	}
	f.Add([]byte("kind: List\nitems: [{}, null, {kind: Ingress}]"))
	f.Fuzz(func(t *testing.T, content []byte) {
		ingresses, err := Parse("f.yaml", content)
		if err != nil {
			require.True(t, strings.HasPrefix(err.Error(), "f.yaml"), "%s", err)
		}
		table, err := Compile(ingresses, Options{AnyService: true, Classless: true, Domains: []string{"*.example.com"}})
		if err != nil {
			require.Nil(t, table)
			return
		}
		_, err = openapi.Render(table, openapi.Document{Title: "x"})
		require.NoError(t, err)
		_, err = nginxconf.Parse(string(nginx.Render(table, nginx.Options{Port: 8080})))
		require.NoError(t, err)
	})
}

func FuzzAnnotations(f *testing.F) {
	for _, a := range Annotations() {
		for _, value := range a.Examples {
			f.Add(a.Name, value)
		}
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		said, err := parseAnnotations(map[string]string{AnnotationPrefix + name: value})
		if err != nil {
			return
		}
		table := &route.Table{Routes: []route.Route{{
			Path: "/a", Match: route.Prefix, Backend: route.Backend{Namespace: "default", Service: "one", Port: 80},
			Behavior: said.behavior.WithDefaults(),
		}}}
		_, err = nginxconf.Parse(string(nginx.Render(table, nginx.Options{Port: 8080})))
		require.NoError(t, err)
	})
}

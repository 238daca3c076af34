package route_test

import (
	"context"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/nginx"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/openapi"
	"github.com/apigateway-ingress/apigateway-ingress/internal/golden"
	"github.com/apigateway-ingress/apigateway-ingress/internal/routetest"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
)

// bookstore are the services that the example's Ingress names.
var bookstore = []route.Service{
	{Namespace: "default", Name: "bookservice", Ports: []route.ServicePort{{Name: "http", Number: 80}}},
	{Namespace: "default", Name: "authorservice", Ports: []route.ServicePort{{Name: "http", Number: 80}}},
}

func compileFiles(t *testing.T, services []route.Service, paths ...string) *route.Table {
	t.Helper()
	ingresses, err := ingress.Read(paths, nil)
	require.NoError(t, err)
	table, err := ingress.Compile(ingresses, ingress.Options{Services: services})
	require.NoError(t, err)
	return table
}

func TestBookstoreDocuments(t *testing.T) {
	table := compileFiles(t, bookstore, "../../examples/bookstore/ingress.yaml")
	document, err := openapi.Render(table, openapi.Document{Title: "bookstore",
		Link: openapi.PrivateLink{ConnectionID: "abc123", Host: "nlb.example.com"}})
	require.NoError(t, err)

	loaded, err := openapi3.NewLoader().LoadFromData(document)
	require.NoError(t, err)
	require.NoError(t, loaded.Validate(context.Background()))

	golden.Equal(t, "testdata/bookstore.openapi.json", string(document))
	golden.Equal(t, "testdata/bookstore.nginx.conf", string(nginx.Render(table, nginx.Options{Port: 8080})))
}

func TestLegacyAndV1GiveTheSameDocuments(t *testing.T) {
	legacy := compileFiles(t, bookstore, "../../examples/bookstore/ingress.yaml")
	v1 := compileFiles(t, bookstore, "../../examples/bookstore/ingress-v1.yaml")
	link := openapi.PrivateLink{ConnectionID: "abc123", Host: "nlb.example.com"}
	a, err := openapi.Render(legacy, openapi.Document{Title: "bookstore", Link: link})
	require.NoError(t, err)
	b, err := openapi.Render(v1, openapi.Document{Title: "bookstore", Link: link})
	require.NoError(t, err)
	require.Equal(t, string(a), string(b))
	require.Equal(t, string(nginx.Render(legacy, nginx.Options{Port: 8080})), string(nginx.Render(v1, nginx.Options{Port: 8080})))
	require.Equal(t, legacy.Settings, v1.Settings)
}

// Any nginx from 1.22 must accept the configuration.
func TestNGINXAcceptsTheConfiguration(t *testing.T) {
	table := compileFiles(t, bookstore, "../../examples/bookstore/ingress.yaml")
	routetest.AcceptedByNGINX(t, table, nginx.Render(table, nginx.Options{Port: 8080}))
}

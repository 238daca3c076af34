package route

import (
	"bytes"
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

// bookstore are the services that the example's Ingress names.
var bookstore = []Service{
	{Namespace: "default", Name: "bookservice", Ports: []ServicePort{{Name: "http", Number: 80}}},
	{Namespace: "default", Name: "authorservice", Ports: []ServicePort{{Name: "http", Number: 80}}},
}

func compileFiles(t *testing.T, services []Service, paths ...string) *Table {
	t.Helper()
	ingresses, err := Load(paths, nil)
	require.NoError(t, err)
	table, err := Compile(ingresses, Options{Services: services})
	require.NoError(t, err)
	return table
}

func golden(t *testing.T, name string, actual []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, actual, 0o600))
	}
	expected, err := os.ReadFile(path)
	require.NoError(t, err, "run `make golden`")
	require.Equal(t, string(expected), string(actual), "run `make golden` if the change is wanted")
}

func TestBookstoreDocuments(t *testing.T) {
	table := compileFiles(t, bookstore, "../../examples/bookstore/ingress.yaml")
	document, err := table.OpenAPI(Document{Title: "bookstore", Link: PrivateLink{ConnectionID: "abc123", Host: "nlb.example.com"}})
	require.NoError(t, err)

	loaded, err := openapi3.NewLoader().LoadFromData(document)
	require.NoError(t, err)
	require.NoError(t, loaded.Validate(context.Background()))

	golden(t, "bookstore.openapi.json", document)
	golden(t, "bookstore.nginx.conf", table.NGINX(8080))
}

func TestLegacyAndV1GiveTheSameDocuments(t *testing.T) {
	legacy := compileFiles(t, bookstore, "../../examples/bookstore/ingress.yaml")
	v1 := compileFiles(t, bookstore, "../../examples/bookstore/ingress-v1.yaml")
	link := PrivateLink{ConnectionID: "abc123", Host: "nlb.example.com"}
	a, err := legacy.OpenAPI(Document{Title: "bookstore", Link: link})
	require.NoError(t, err)
	b, err := v1.OpenAPI(Document{Title: "bookstore", Link: link})
	require.NoError(t, err)
	require.Equal(t, string(a), string(b))
	require.Equal(t, string(legacy.NGINX(8080)), string(v1.NGINX(8080)))
	require.Equal(t, legacy.Settings, v1.Settings)
}

// Any nginx from 1.22 must accept the configuration. Names are replaced by an address, because -t resolves them.
func TestNGINXAcceptsTheConfiguration(t *testing.T) {
	table := compileFiles(t, bookstore, "../../examples/bookstore/ingress.yaml")
	testConfiguration(t, table.NGINX(8080))
}

func testConfiguration(t *testing.T, config []byte) {
	t.Helper()
	nginx, err := exec.LookPath("nginx")
	require.NoError(t, err, "nginx is needed: run `make nginx`")
	dir := t.TempDir()
	config = bytes.ReplaceAll(config, []byte(".svc.cluster.local:"), []byte(".localhost:"))
	config = bytes.ReplaceAll(config, []byte("bookservice.default.localhost"), []byte("127.0.0.1"))
	config = bytes.ReplaceAll(config, []byte("authorservice.default.localhost"), []byte("127.0.0.1"))
	config = bytes.ReplaceAll(config, []byte(" /tmp/"), []byte(" "+dir+"/"))
	path := filepath.Join(dir, "nginx.conf")
	require.NoError(t, os.WriteFile(path, config, 0o600))
	output, err := exec.Command(nginx, "-t", "-p", dir, "-e", "stderr", "-c", path).CombinedOutput()
	require.NoError(t, err, "%s\n%s", output, config)
}

// Package fuzz searches for bytes that a whole chain does not pass on as they are.
package fuzz

import (
	"bytes"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/tests/rawhttp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == rawhttp.Verb {
		fmt.Fprintln(os.Stderr, rawhttp.Serve(os.Args[2], nil))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

const repository = "../.."

const config = `config:
  aws:region: eu-west-1
  apigateway-ingress:target: local
  apigateway-ingress:clientUser: true
  apigateway-ingress:manifests: [raw.yaml]
  apigateway-ingress:services: [{name: raw, image: "acme/raw:1", port: 80}]
  apigateway-ingress:localImages: {acme/raw: [%q, %s, "${POD_IP}:${PORT}"]}
`

// FuzzAnyBytes searches on where TestHTTPAsItIs stops. Each process that searches has a stack of its own.
func FuzzAnyBytes(f *testing.F) {
	if searching := flag.Lookup("test.fuzz"); searching == nil || searching.Value.String() == "" {
		f.Skip("TestHTTPAsItIs holds the same without a search")
	}
	f.Fuzz(rapid.MakeFuzz(rawhttp.AnyBytes(chain(f))))
}

// chain is the address of an API that leads to a service which tells what it read.
func chain(f *testing.F) string {
	f.Helper()
	root := f.TempDir()
	self, err := os.Executable()
	require.NoError(f, err)
	program, err := filepath.Abs(filepath.Join(repository, "bin", "apigw-ingress"))
	require.NoError(f, err)
	project, err := os.ReadFile(filepath.Join(repository, "Pulumi.yaml"))
	require.NoError(f, err)
	for name, content := range map[string]string{
		"Pulumi.yaml": string(project), "raw.yaml": rawhttp.Routes, "Pulumi.local.yaml": fmt.Sprintf(config, self, rawhttp.Verb),
	} {
		require.NoError(f, os.WriteFile(filepath.Join(root, name), []byte(content), 0o600))
	}
	run := func(args ...string) string {
		command := exec.Command(program, append([]string{"--project", root}, args...)...)
		command.Env = append(os.Environ(), "APIGW_INGRESS_PULUMI="+filepath.Join(filepath.Dir(program), "pulumi"))
		var told bytes.Buffer
		command.Stderr = &told
		out, err := command.Output()
		require.NoError(f, err, told.String())
		return strings.TrimSpace(string(out))
	}
	f.Cleanup(func() { run("destroy") })
	run("up")
	endpoint, err := url.Parse(run("outputs", "apiEndpoint"))
	require.NoError(f, err)
	return endpoint.Host
}

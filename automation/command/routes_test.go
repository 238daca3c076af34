package command

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const goodIngress = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop}
spec: {ingressClassName: apigateway, rules: [{http: {paths: [{path: /shop, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}
`

// A folder of manifests of others reads like a report.
func TestRoutesReport(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	write("a.yaml", goodIngress)
	write("b.yaml", strings.NewReplacer("name: shop", "name: tls", "/shop", "/tls", "rules:",
		"tls: [{hosts: [a.example.com]}], rules:").Replace(goodIngress))
	write("c.yaml", strings.NewReplacer("name: shop", "name: bad", "/shop", "bad").Replace(goodIngress))
	write("d.yaml", foreignIngress)
	write("e.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n")

	code, out, errOut := try(t, "routes", dir)
	require.Equal(t, 2, code)
	for _, want := range []string{
		"/shop ", "\n1 served, 1 served with notices, 1 refused, 1 not ours\n", "\nServed:\n  " + filepath.Join(dir, "a.yaml") +
			":1: ingress default/shop\n",
		"\nServed with notices:\n", "spec.tls has no effect for a.example.com", "\nRefused:\n", `the path must start with "/"`,
		"\nNot ours:\n", `its class "nginx" is not "apigateway"`, "\nBesides:\n  passed over, because they are no routes: 1 Deployment\n",
	} {
		require.Contains(t, out, want)
	}
	require.Contains(t, errOut, `error: 1 of 4 refused: `)
	require.Contains(t, errOut, `the path must start with "/"`)

	code, out, errOut = try(t, "--json", "routes", dir)
	require.Equal(t, 2, code)
	require.Contains(t, errOut, `the path must start with "/"`)
	var told struct {
		Routes    []map[string]any
		Counts    map[string]int
		Ingresses []struct {
			Place, Outcome string
			Reasons        []string
		}
		Notices, Problems []string
	}
	require.NoError(t, json.Unmarshal([]byte(out), &told))
	require.Len(t, told.Routes, 2)
	require.Equal(t, map[string]int{"served": 1, "served with notices": 1, "refused": 1, "not ours": 1}, told.Counts)
	require.Equal(t, "refused", told.Ingresses[2].Outcome)
	require.Equal(t, []string{"passed over, because they are no routes: 1 Deployment"}, told.Notices)

	code, out, errOut = try(t, "routes", filepath.Join(dir, "a.yaml"))
	require.Zero(t, code)
	require.Empty(t, errOut)
	require.NotContains(t, out, "served", "there is nothing more to say")
	code, out, errOut = try(t, "routes", filepath.Join(dir, "d.yaml"))
	require.Equal(t, 2, code)
	require.Contains(t, out, "0 served, 0 served with notices, 0 refused, 1 not ours")
	require.Contains(t, errOut, `there is no Ingress of class "apigateway" to serve`)
	code, out, errOut = try(t, "routes", "--nginx", dir)
	require.Equal(t, 2, code)
	require.Empty(t, out, "no document of a part")
	require.Contains(t, errOut, `the path must start with "/"`)
}

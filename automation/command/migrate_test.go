package command

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const foreignIngress = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, annotations: {nginx.ingress.kubernetes.io/proxy-read-timeout: "20"}}
spec: {ingressClassName: nginx, rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}
`

// What migrate writes is a stack's config and manifests that routes reads; nothing is overwritten.
func TestMigrateWritesAProject(t *testing.T) {
	dir := t.TempDir()
	source := filepath.Join(dir, "nginx.yaml")
	require.NoError(t, os.WriteFile(source, []byte(foreignIngress), 0o600))
	out := filepath.Join(dir, "migrated")
	code, report, errOut := try(t, "--stack", "prod", "migrate", source, "--out", out, "--cluster", "prod", "--region", "eu-west-1")
	require.Zero(t, code, errOut)
	require.Contains(t, report, "Ingresses: 1 translated")
	for _, name := range []string{"ingress.yaml", "Pulumi.prod.yaml", "migration.md"} {
		require.FileExists(t, filepath.Join(out, name))
	}
	code, listing, errOut := try(t, "routes", filepath.Join(out, "ingress.yaml"))
	require.Zero(t, code, errOut)
	require.Contains(t, listing, "default/web:80")

	code, _, errOut = try(t, "--stack", "prod", "migrate", source, "--out", out)
	require.Equal(t, 2, code)
	require.Contains(t, errOut, "Pulumi.prod.yaml exists: nothing is overwritten")
	code, _, errOut = try(t, "migrate", filepath.Join(out, "Pulumi.prod.yaml"))
	require.Equal(t, 2, code)
	require.Contains(t, errOut, "there is no Ingress and no Service of type LoadBalancer or NodePort (read: nothing)")
}

// A cluster is read page by page, by the user's kubeconfig, and only read.
func TestMigrateFromCluster(t *testing.T) {
	served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, http.MethodGet, r.Method)
		w.Header().Set("Content-Type", "application/json")
		page := func(kind, version, next, name, spec string) {
			fmt.Fprintf(w, `{"apiVersion":%q,"kind":"%sList","metadata":{"continue":%q},"items":[{"apiVersion":%q,"kind":%q,"metadata":{"name":%q,"namespace":"shop"},"spec":%s}]}`,
				version, kind, next, version, kind, name, spec)
		}
		const web = `{"ingressClassName":"nginx","rules":[{"http":{"paths":[{"path":"/%s","pathType":"Prefix","backend":{"service":{"name":"web","port":{"number":80}}}}]}}]}`
		switch {
		case r.URL.Path == "/api/v1/services":
			page("Service", "v1", "", "front", `{"type":"LoadBalancer","ports":[{"port":80}]}`)
		case r.URL.Query().Get("continue") == "":
			page("Ingress", "networking.k8s.io/v1", "more", "first", fmt.Sprintf(web, "first"))
		default:
			page("Ingress", "networking.k8s.io/v1", "", "second", fmt.Sprintf(web, "second"))
		}
	}))
	defer served.Close()
	kubeconfig := filepath.Join(t.TempDir(), "config")
	require.NoError(t, os.WriteFile(kubeconfig, []byte(`{"apiVersion":"v1","kind":"Config","clusters":[{"name":"c","cluster":{"server":"`+served.URL+`"}}],
		"contexts":[{"name":"prod","context":{"cluster":"c","user":"u"}}],"users":[{"name":"u","user":{}}]}`), 0o600))
	t.Setenv("KUBECONFIG", kubeconfig)
	code, report, errOut := try(t, "migrate", "--from-cluster", "prod")
	require.Zero(t, code, errOut)
	require.Contains(t, report, "Ingresses: 2 translated. Services that could be published: 1.")
	code, _, errOut = try(t, "migrate", "--from-cluster", "other")
	require.Equal(t, 2, code)
	require.Contains(t, errOut, `context "other" does not exist`)
}

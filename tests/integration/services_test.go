package integration

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// twoPorts is the verb by which this test's program is a service with two ports, each of which says what it is.
const twoPorts = "two-ports"

func serveTwoPorts(public, admin string) error {
	failed := make(chan error, 2)
	for address, text := range map[string]string{public: "public, level " + os.Getenv("LEVEL"), admin: "admin"} {
		go func() {
			failed <- http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, text) }))
		}()
	}
	return <-failed
}

const twoPortsRoutes = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations: {apigateway.ingress.kubernetes.io/auth: none}
spec:
  ingressClassName: apigateway
  rules:
  - http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: web, port: {name: public}}}}
      - {path: /admin, pathType: Prefix, backend: {service: {name: web, port: {name: admin}}}}
`

// A service of one's own has ports by name, variables, an autoscaler and no path that says how it is.
func TestServicesAreAsTheirConfigSays(t *testing.T) {
	t.Parallel()
	b := newBinary(t)
	self, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(b.root, "web.yaml"), []byte(twoPortsRoutes), 0o600))
	config := func(more string) {
		require.NoError(t, os.WriteFile(filepath.Join(b.root, "Pulumi.local.yaml"), []byte(`config:
  aws:region: us-east-1
  apigateway-ingress:target: local
  apigateway-ingress:manifests: [web.yaml]
  apigateway-ingress:localImages: {acme/web: ["`+self+`", `+twoPorts+`, "${POD_IP}:${PORT}", "${POD_IP}:9001"]}
  apigateway-ingress:services:
    - name: web
      image: acme/web:1
      ports: [{name: public, port: 80, containerPort: 8080}, {name: admin, port: 9001}]
      autoscaling: {min: 3, max: 5}
`+more), 0o600))
	}
	config("      env: {LEVEL: {secret: levels, key: web}}\n")
	refused := b.run("up")
	require.Equal(t, 4, refused.code, refused.errOut)
	require.Contains(t, refused.out+refused.errOut, `secret "levels" not found`, "what the pods wait for")

	config("      env: {LEVEL: debug}\n")
	var up update
	b.json(&up, "up")
	for path, want := range map[string]string{"/": "public, level debug", "/admin/x": "admin"} {
		answer := b.run("call", "--unsigned", path)
		require.Contains(t, answer.out, want, answer.errOut)
	}
	pods := regexp.MustCompile(`"name": ?"web-`).FindAllString(b.run("status", "--json").out, -1)
	require.Len(t, pods, 3, "as many as the autoscaler wants")
	b.run("destroy")
}

// A container that does not listen within its time is started anew, and the update says what it was asked.
func TestStartThatTakesTooLong(t *testing.T) {
	t.Parallel()
	b := newBinary(t)
	require.NoError(t, os.WriteFile(filepath.Join(b.root, "web.yaml"), []byte(twoPortsRoutes), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(b.root, "Pulumi.local.yaml"), []byte(`config:
  aws:region: us-east-1
  apigateway-ingress:target: local
  apigateway-ingress:manifests: [web.yaml]
  apigateway-ingress:localImages: {acme/web: [sleep, "1000"]}
  apigateway-ingress:services:
    - name: web
      image: acme/web:1
      ports: [{name: public, port: 80, containerPort: 8080}, {name: admin, port: 9001}]
      health: {startupSeconds: 1}
`), 0o600))
	refused := b.run("up")
	require.Equal(t, 4, refused.code, refused.errOut)
	require.Contains(t, refused.out+refused.errOut, "startup probe: dial tcp")
}

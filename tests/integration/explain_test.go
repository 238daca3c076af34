package integration

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/explain"
	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/require"
)

// misbehave is the verb by which this test's program is a service that answers as its path says.
const misbehave = "misbehave"

func serveMisbehavior(address string) error {
	return http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/svc/closed":
			if connection, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_ = connection.Close()
			}
		case "/svc/slow":
			time.Sleep(15 * time.Second)
		case "/svc/broken":
			http.Error(w, "broken", http.StatusBadGateway)
		case "/svc/large":
			_, _ = w.Write(bytes.Repeat([]byte("x"), 11<<20))
		}
	}))
}

const explained = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: svc
  annotations: {apigateway.ingress.kubernetes.io/timeout: 10s}
spec:
  ingressClassName: apigateway
  rules: [{http: {paths: [{path: /svc, pathType: Prefix, backend: {service: {name: svc, port: {number: 80}}}}]}}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: open
  annotations: {apigateway.ingress.kubernetes.io/auth: none}
spec:
  ingressClassName: apigateway
  rules: [{http: {paths: [{path: /svc/open, pathType: Prefix, backend: {service: {name: svc, port: {number: 80}}}}]}}]
`

// What goes wrong with a request is found by its id.
func TestExplain(t *testing.T) {
	t.Parallel()
	b := newBinary(t)
	self, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(b.root, "explained.yaml"), []byte(explained), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(b.root, "Pulumi.local.yaml"), []byte(`config:
  aws:region: us-east-1
  apigateway-ingress:target: local
  apigateway-ingress:clientUser: true
  apigateway-ingress:manifests: [explained.yaml]
  apigateway-ingress:localImages: {acme/svc: ["`+self+`", `+misbehave+`, "${POD_IP}:${PORT}"]}
  apigateway-ingress:services: [{name: svc, image: "acme/svc:1", port: 80}]
`), 0o600))
	var up update
	b.json(&up, "up")
	secret, err := operation.Outputs(t.Context(), b.at("local"), true)
	require.NoError(t, err)
	text := func(name string) string { return secret[name].Value.(string) }
	send := func(key, secretKey, region string, at time.Time) string {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, text("apiEndpoint")+"/svc/ok", nil)
		require.NoError(t, err)
		empty := sha256.Sum256(nil)
		require.NoError(t, v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: key, SecretAccessKey: secretKey}, request,
			hex.EncodeToString(empty[:]), "execute-api", region, at))
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		return response.Header.Get("X-Amzn-Requestid")
	}
	key, secretKey, now := text("clientAccessKeyId"), text("clientSecretAccessKey"), time.Now()
	large := filepath.Join(b.root, "large")
	require.NoError(t, os.WriteFile(large, bytes.Repeat([]byte("x"), 11<<20), 0o600))
	for cause, args := range map[string][]string{
		"served":      {"GET", "/svc/ok"},
		"unsigned":    {"--unsigned", "GET", "/svc/ok"},
		"no-route":    {"GET", "/elsewhere"},
		"ambiguous":   {"--unsigned", "GET", "/svc/open/../secret"},
		"service":     {"GET", "/svc/broken"},
		"closed":      {"GET", "/svc/closed"},
		"slow":        {"GET", "/svc/slow"},
		"cut-off":     {"GET", "/svc/large"},
		"too-large":   {"-d", "@" + large, "POST", "/svc/ok"},
		"signature":   {send(key, strings.ToLower(secretKey), "us-east-1", now)},
		"unknown-key": {send("AKIANOBODYKNOWSTHIS0", secretKey, "us-east-1", now)},
		"scope":       {send(key, secretKey, "eu-west-1", now)},
		"clock":       {send(key, secretKey, "us-east-1", now.Add(-time.Hour))},
	} {
		var d explain.Diagnosis
		b.json(&d, append([]string{"explain"}, args...)...)
		require.Equal(t, cause, d.Cause, "%+v", d)
	}
	people := b.run("explain", "--unsigned", "GET", "/svc/ok")
	require.Zero(t, people.code, people.errOut)
	for _, words := range []string{"authentication and policy", "ended", "what to do: sign it"} {
		require.Contains(t, people.out, words)
	}
	require.Equal(t, 2, b.run("explain", "00000000-0000-0000-0000-000000000000").code)
	b.run("destroy")
}

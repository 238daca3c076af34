package conformance

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A real API server must take every object as it is, without a warning, in namespaces that enforce a Pod Security Standard:
// restricted, unless the namespace itself says baseline.
func TestKubernetesAccepts(t *testing.T) {
	wanted(t)
	server := startKubernetes(t)
	server.apply(t, map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": "default"}})
	server.refuses(t)
	for _, s := range graphs(t) {
		t.Run(s.name, func(t *testing.T) {
			var applied []map[string]any
			for _, r := range s.resources {
				if !r.Custom || !strings.HasPrefix(r.Type, "kubernetes:") {
					continue
				}
				object := withoutMarks(r.Inputs).(map[string]any)
				server.apply(t, object)
				applied = append(applied, object)
				if template := podTemplate(object); template != nil {
					server.applyPod(t, object, template)
				}
			}
			require.NotEmpty(t, applied)
			for _, object := range slices.Backward(applied) {
				server.delete(t, object)
			}
		})
	}
}

// withoutMarks leaves out what Pulumi notes for itself.
func withoutMarks(value any) any {
	switch v := value.(type) {
	case map[string]any:
		result := map[string]any{}
		for key, item := range v {
			if !strings.HasPrefix(key, "__") {
				result[key] = withoutMarks(item)
			}
		}
		return result
	case []any:
		result := make([]any, len(v))
		for i := range v {
			result[i] = withoutMarks(v[i])
		}
		return result
	}
	return value
}

func podTemplate(object map[string]any) map[string]any {
	spec, _ := object["spec"].(map[string]any)
	template, _ := spec["template"].(map[string]any)
	return template
}

type kubernetes struct {
	url string
	// audit is the file in which the server writes down who did what.
	audit  string
	client *http.Client
	// plurals are the names of kinds in URLs, and namespaced says which of them have a namespace.
	plurals    map[string]string
	namespaced map[string]bool
}

const token = "conformance"

// startKubernetes skips the test where the servers are not built.
func startKubernetes(t *testing.T) *kubernetes {
	t.Helper()
	etcd, apiserver := binary(t, "etcd"), binary(t, "kube-apiserver")
	dir, ports := t.TempDir(), freePorts(t, 3)
	client, peer, secure := ports[0], ports[1], ports[2]
	run(t, filepath.Join(dir, "etcd.log"), etcd, "--data-dir", filepath.Join(dir, "etcd"), "--listen-client-urls", local("http", client),
		"--advertise-client-urls", local("http", client),
		"--listen-peer-urls", local("http", peer), "--initial-advertise-peer-urls", local("http", peer), "--initial-cluster",
		"default="+local("http", peer), "--unsafe-no-fsync")
	key := filepath.Join(dir, "service-account.pem")
	writeKey(t, key)
	tokens := filepath.Join(dir, "tokens.csv")
	require.NoError(t, os.WriteFile(tokens, []byte(token+",admin,admin,system:masters\n"), 0o600))
	policy, audit := filepath.Join(dir, "audit.yaml"), filepath.Join(dir, "audit.log")
	require.NoError(t, os.WriteFile(policy, []byte("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n"), 0o600))
	run(t, filepath.Join(dir, "apiserver.log"), apiserver, "--audit-policy-file", policy, "--audit-log-path", audit,
		"--etcd-servers", local("http", client), "--secure-port", fmt.Sprint(secure),
		"--bind-address", "127.0.0.1",
		"--cert-dir", filepath.Join(dir, "certs"), "--service-account-key-file", key, "--service-account-signing-key-file", key,
		"--service-account-issuer", "https://kubernetes.default.svc",
		"--token-auth-file", tokens, "--authorization-mode", "RBAC", "--service-cluster-ip-range", "10.96.0.0/16",
		"--disable-admission-plugins", "ServiceAccount")
	k := &kubernetes{url: local("https", secure), audit: audit, plurals: map[string]string{}, namespaced: map[string]bool{}}
	k.client = &http.Client{
		Timeout: 10 * time.Second,
		// The server has just signed its own certificate.
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
	}
	require.Eventually(t, func() bool {
		status, _, _, err := k.try(http.MethodGet, "/readyz", nil)
		return err == nil && status == http.StatusOK
	}, time.Minute, 200*time.Millisecond, "the API server does not become ready; see its log")
	return k
}

func binary(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(repository, "bin", name))
	require.NoError(t, err)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("bin/%s is not built: run `make conformance`", name)
	}
	return path
}

func run(t *testing.T, log, program string, args ...string) {
	t.Helper()
	output, err := os.Create(log)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, program, args...)
	command.Stdout, command.Stderr = output, output
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		cancel()
		_ = command.Wait()
		if t.Failed() {
			content, _ := os.ReadFile(log)
			lines := strings.Split(strings.TrimSpace(string(content)), "\n")
			t.Logf("%s ends with\n%s", log, strings.Join(lines[max(0, len(lines)-5):], "\n"))
		}
	})
}

func freePorts(t *testing.T, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer listener.Close()
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

func local(scheme string, port int) string { return fmt.Sprintf("%s://127.0.0.1:%d", scheme, port) }

func writeKey(t *testing.T, path string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	encoded := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	require.NoError(t, os.WriteFile(path, encoded, 0o600))
}

// try sends a request and returns status, warnings and body.
func (k *kubernetes) try(method, path string, object any) (int, []string, string, error) {
	encoded, err := json.Marshal(object)
	if err != nil {
		return 0, nil, "", err
	}
	request, err := http.NewRequest(method, k.url+path, bytes.NewReader(encoded))
	if err != nil {
		return 0, nil, "", err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	if method == http.MethodPatch {
		request.Header.Set("Content-Type", "application/apply-patch+yaml")
	}
	response, err := k.client.Do(request)
	if err != nil {
		return 0, nil, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, response.Header.Values("Warning"), string(body), err
}

// apply is what the Kubernetes provider does: a server-side apply, in which unknown fields are errors.
func (k *kubernetes) apply(t *testing.T, object map[string]any) {
	t.Helper()
	if object["kind"] == "Namespace" {
		metadata := object["metadata"].(map[string]any)
		labels, _ := metadata["labels"].(map[string]any)
		// What a namespace enforces, it warns of as well; one that says nothing enforces restricted here.
		standard, _ := labels["pod-security.kubernetes.io/enforce"].(string)
		standard = cmp.Or(standard, "restricted")
		object["metadata"] = map[string]any{"name": metadata["name"], "annotations": metadata["annotations"],
			"labels": map[string]any{"pod-security.kubernetes.io/enforce": standard, "pod-security.kubernetes.io/warn": standard}}
	}
	k.accept(t, http.MethodPatch, k.path(t, object)+"?fieldManager=conformance&fieldValidation=Strict&force=true", object)
}

// applyPod asks for a pod of the template by itself: for the objects that make pods, Pod Security only warns.
func (k *kubernetes) applyPod(t *testing.T, owner, template map[string]any) {
	t.Helper()
	metadata, _ := template["metadata"].(map[string]any)
	pod := map[string]any{"apiVersion": "v1", "kind": "Pod", "spec": template["spec"], "metadata": map[string]any{
		"name": "probe", "namespace": namespaceOf(owner), "labels": metadata["labels"],
	}}
	k.accept(t, http.MethodPost, fmt.Sprintf("/api/v1/namespaces/%s/pods?dryRun=All&fieldValidation=Strict", namespaceOf(owner)), pod)
}

// refuses makes sure that the server is as strict as the test believes.
func (k *kubernetes) refuses(t *testing.T) {
	t.Helper()
	const pods = "/api/v1/namespaces/default/pods?dryRun=All&fieldValidation=Strict"
	for name, spec := range map[string]map[string]any{
		"a pod that is not restricted": {"containers": []any{map[string]any{"name": "a", "image": "a"}}},
		"a field that does not exist":  {"containerz": []any{}},
	} {
		status, _, _, err := k.try(http.MethodPost, pods, map[string]any{"apiVersion": "v1", "kind": "Pod",
			"metadata": map[string]any{"name": "a"}, "spec": spec})
		require.NoError(t, err)
		require.GreaterOrEqual(t, status, 400, name)
	}
}

func (k *kubernetes) accept(t *testing.T, method, path string, object map[string]any) {
	t.Helper()
	status, warnings, body, err := k.try(method, path, object)
	require.NoError(t, err)
	require.Less(t, status, 300, "%s %s\n%s", method, path, body)
	require.Empty(t, warnings, path)
}

func (k *kubernetes) delete(t *testing.T, object map[string]any) {
	t.Helper()
	if object["kind"] == "Namespace" {
		return
	}
	status, _, body, err := k.try(http.MethodDelete, k.path(t, object), nil)
	require.NoError(t, err)
	require.Less(t, status, 300, body)
}

func namespaceOf(object map[string]any) string {
	metadata, _ := object["metadata"].(map[string]any)
	if namespace, _ := metadata["namespace"].(string); namespace != "" {
		return namespace
	}
	return "default"
}

func (k *kubernetes) path(t *testing.T, object map[string]any) string {
	t.Helper()
	version, kind := object["apiVersion"].(string), object["kind"].(string)
	base := "/apis/" + version
	if !strings.Contains(version, "/") {
		base = "/api/" + version
	}
	key := version + " " + kind
	if k.plurals[key] == "" {
		k.discover(t, base, version)
	}
	require.NotEmpty(t, k.plurals[key], "the API server does not know %s", key)
	name := object["metadata"].(map[string]any)["name"].(string)
	if k.namespaced[key] {
		return fmt.Sprintf("%s/namespaces/%s/%s/%s", base, namespaceOf(object), k.plurals[key], name)
	}
	return fmt.Sprintf("%s/%s/%s", base, k.plurals[key], name)
}

func (k *kubernetes) discover(t *testing.T, base, version string) {
	t.Helper()
	_, _, body, err := k.try(http.MethodGet, base, nil)
	require.NoError(t, err)
	var list struct {
		Resources []struct {
			Name, Kind string
			Namespaced bool
		}
	}
	require.NoError(t, json.Unmarshal([]byte(body), &list))
	for _, r := range list.Resources {
		if !strings.Contains(r.Name, "/") {
			k.plurals[version+" "+r.Kind], k.namespaced[version+" "+r.Kind] = r.Name, r.Namespaced
		}
	}
}

package integration

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// says is the verb by which this test's program is a service that answers with what a file held at its start.
const says = "says"

func serveSaying(file, address string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(content) }))
}

const developed = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: svc
  annotations: {apigateway.ingress.kubernetes.io/auth: none}
spec:
  ingressClassName: apigateway
  rules: [{http: {paths: [{path: /one, pathType: Prefix, backend: {service: {name: svc, port: {number: 80}}}}]}}]
`

type devEvent struct {
	Event, Endpoint, Error string
	Files, Programs        []string
	Routes                 struct{ Added, Removed, Changed []struct{ Path string } }
	Access                 map[string]string
}

// developing is `dev` that runs.
type developing struct {
	t       *testing.T
	command *exec.Cmd
	lines   *bufio.Scanner
}

func (b *binary) dev(t *testing.T, args ...string) *developing {
	t.Helper()
	command := exec.Command(bin(t, "apigw-ingress"), append([]string{"dev", "--json"}, args...)...)
	command.Dir = b.root
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	return &developing{t, command, lines}
}

// next is the next event of a name; the engine's own and those of other names are passed over.
func (d *developing) next(name string) devEvent {
	d.t.Helper()
	for d.lines.Scan() {
		var e devEvent
		require.NoError(d.t, json.Unmarshal(d.lines.Bytes(), &e), d.lines.Text())
		require.False(d.t, name == "reloaded" && e.Event == "failed", e.Error)
		if e.Event == name {
			return e
		}
	}
	d.t.Fatalf("dev ended before %s", name)
	return devEvent{}
}

func (d *developing) interrupt() {
	d.t.Helper()
	require.NoError(d.t, d.command.Process.Signal(syscall.SIGINT))
	for d.lines.Scan() { // What is left is read, so that nothing blocks.
	}
	require.NoError(d.t, d.command.Wait())
}

// Saved files are live, broken ones change nothing, and the end leaves the stack as it is told to.
func TestDev(t *testing.T) {
	t.Parallel()
	b := newBinary(t)
	self, err := os.Executable()
	require.NoError(t, err)
	save := func(name, content string) {
		require.NoError(t, os.WriteFile(filepath.Join(b.root, name), []byte(content), 0o600))
	}
	// Many editors write another file and put it in the place of the one that was.
	replace := func(name, content string) {
		save(name+"~", content)
		require.NoError(t, os.Rename(filepath.Join(b.root, name+"~"), filepath.Join(b.root, name)))
	}
	save("greeting.txt", "hello")
	save("svc.yaml", developed)
	save("Pulumi.local.yaml", `config:
  aws:region: us-east-1
  apigateway-ingress:target: local
  apigateway-ingress:manifests: [svc.yaml]
  apigateway-ingress:localImages: {acme/svc: ["`+self+`", `+says+`, greeting.txt, "${POD_IP}:${PORT}"]}
  apigateway-ingress:services: [{name: svc, image: "acme/svc:1", port: 80}]
`)
	d := b.dev(t)
	watching := d.next("watching")
	for _, file := range []string{"Pulumi.yaml", "Pulumi.local.yaml", "svc.yaml", "greeting.txt"} {
		require.Contains(t, watching.Files, file)
	}
	get := func(path string) (int, string) {
		response, err := http.Get(watching.Endpoint + path)
		require.NoError(t, err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return response.StatusCode, string(body)
	}
	expect := func(path, want string) {
		t.Helper()
		require.Eventually(t, func() bool {
			status, body := get(path)
			return status == http.StatusOK && body == want
		}, settleTime, pollTime, path)
	}
	expect("/one", "hello")
	require.Equal(t, "/prod/one", d.next("access").Access["path"])

	save("svc.yaml", strings.ReplaceAll(developed, "/one", "/two"))
	live := d.next("reloaded")
	require.Equal(t, "/two", live.Routes.Added[0].Path)
	require.Equal(t, "/one", live.Routes.Removed[0].Path)
	expect("/two", "hello")

	save("svc.yaml", strings.ReplaceAll(developed, "pathType: Prefix", "pathType: Suffix"))
	require.Contains(t, d.next("failed").Error, "svc.yaml")
	expect("/two", "hello")

	replace("svc.yaml", developed)
	require.Equal(t, "/one", d.next("reloaded").Routes.Added[0].Path)
	expect("/one", "hello")

	replace("greeting.txt", "goodbye")
	require.Equal(t, []string{"acme/svc"}, d.next("reloaded").Programs)
	expect("/one", "goodbye")

	b.edit("Pulumi.local.yaml", `"${POD_IP}:${PORT}"]`, `"${POD_IP}:${PORT}"`)
	require.Contains(t, d.next("failed").Error, "Pulumi.local.yaml")
	expect("/one", "goodbye")
	d.interrupt()
	expect("/one", "goodbye")

	b.edit("Pulumi.local.yaml", `"${POD_IP}:${PORT}"`, `"${POD_IP}:${PORT}"]`)
	d = b.dev(t, "--down")
	d.next("watching")
	d.interrupt()
	require.Empty(t, processesUnder(t, b.root))
}

// dev is not for stacks that others see.
func TestDevIsLocal(t *testing.T) {
	t.Parallel()
	b := newBinary(t)
	b.edit("Pulumi.local.yaml", "target: local", "target: aws")
	o := b.run("dev")
	require.Equal(t, 2, o.code)
	require.Contains(t, o.errOut, "dev is for stacks of the local target")
}

// A changed command of localImages is another program: its pods are replaced, by up as well.
func TestChangedCommandRestartsPods(t *testing.T) {
	t.Parallel()
	b := newBinary(t)
	self, err := os.Executable()
	require.NoError(t, err)
	for name, content := range map[string]string{"svc.yaml": developed, "a.txt": "from a", "b.txt": "from b", "Pulumi.local.yaml": `config:
  aws:region: us-east-1
  apigateway-ingress:target: local
  apigateway-ingress:manifests: [svc.yaml]
  apigateway-ingress:localImages: {acme/svc: ["` + self + `", ` + says + `, a.txt, "${POD_IP}:${PORT}"]}
  apigateway-ingress:services: [{name: svc, image: "acme/svc:1", port: 80}]
`} {
		require.NoError(t, os.WriteFile(filepath.Join(b.root, name), []byte(content), 0o600))
	}
	answer := func() string { return strings.TrimSpace(b.run("call", "--unsigned", "/one").out) }
	pods := func() (names []string) {
		var status struct {
			LocalCloud struct{ Pods []struct{ Name string } }
		}
		b.json(&status, "status")
		for _, pod := range status.LocalCloud.Pods {
			if strings.HasPrefix(pod.Name, "svc-") {
				names = append(names, pod.Name)
			}
		}
		return names
	}
	require.Zero(t, b.run("up").code)
	require.Equal(t, "from a", answer())
	before := pods()
	require.Zero(t, b.run("up").code)
	require.Equal(t, before, pods(), "without a change they stay")
	b.edit("Pulumi.local.yaml", "a.txt", "b.txt")
	require.Zero(t, b.run("up").code)
	require.Equal(t, "from b", answer())
	require.NoError(t, os.WriteFile(filepath.Join(b.root, "b.txt"), []byte("built anew"), 0o600))
	require.Zero(t, b.run("up").code)
	require.Equal(t, "built anew", answer())
}

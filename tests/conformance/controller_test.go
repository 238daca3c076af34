package conformance

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

const controllerStack = `config:
  aws:region: us-east-1
  apigateway-ingress:target: local
  apigateway-ingress:clientUser: true
  apigateway-ingress:services: [{name: bookservice, image: "apigateway-ingress/books:dev", port: 80}]
`

// service is the one that Ingresses of these tests name.
const service = `{apiVersion: v1, kind: Service, metadata: {name: bookservice, namespace: default},
spec: {selector: {app: books}, ports: [{name: http, port: 80}]}}`

// controllerObjects are what an administrator applies, as the documentation says it, with a namespace and a Service.
func controllerObjects(t *testing.T) []map[string]any {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(repository, "docs", "howto", "controller.md"))
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(page), "```yaml\n")
	require.True(t, found)
	documents, _, found := strings.Cut(rest, "```")
	require.True(t, found)
	objects := []map[string]any{{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": "default"}}}
	for _, document := range append(strings.Split(documents, "---\n"), service) {
		var object map[string]any
		require.NoError(t, yaml.Unmarshal([]byte(document), &object))
		objects = append(objects, object)
	}
	return objects
}

// controlled is a controller with the cluster that it watches and the stack that it brings up.
type controlled struct {
	t      *testing.T
	server *kubernetes
	root   string
	binary string
}

// The controller serves what stands in a real cluster, with the rights of its own ServiceAccount and no others.
func TestKubernetesController(t *testing.T) {
	wanted(t)
	c := newControlled(t)
	ports := freePorts(t, 2)
	probe, metrics := ports[0], ports[1]
	process := c.start("--lease-namespace", "default", "--probe-address", address(probe), "--metrics-address", address(metrics))

	c.server.apply(t, ingress("books", "apigateway", "/api/book"))
	c.awaits("/api/book/list")
	c.server.apply(t, ingress("bad", "apigateway", "/a/*/b"))
	c.server.apply(t, ingress("others", "nginx", "/others"))
	c.server.apply(t, ingress("books", "apigateway", "/healthz"))
	c.awaits("/healthz")
	require.Equal(t, 8, c.call("/api/book/list"), "the route that was before is gone")
	require.Equal(t, 8, c.call("/others/list"), "another controller's")
	require.Eventually(t, func() bool {
		return strings.Contains(c.text("/apis/events.k8s.io/v1/namespaces/default/events"), `"Refused"`)
	},
		time.Minute, 100*time.Millisecond, "the bad Ingress is told")
	require.Contains(t, c.text("/apis/networking.k8s.io/v1/namespaces/default/ingresses/books"),
		`"loadBalancer":{"ingress":[{"ip":"127.0.0.1"`)
	require.Equal(t, "ok", fetch(t, probe, "/readyz"))
	require.Contains(t, fetch(t, metrics, "/metrics"), "apigateway_ingress_routes 1")

	c.server.delete(t, ingress("books", "apigateway", "/healthz"))
	require.Eventually(t, func() bool { return c.call("/healthz") == 8 }, time.Minute, 200*time.Millisecond)
	require.NoError(t, process.Process.Signal(syscall.SIGTERM))
	require.NoError(t, process.Wait(), "it ends as it is asked to")
	used := c.used()
	for _, right := range c.granted() {
		if !slices.Contains(used, right) {
			require.Contains(t, seldom, right, "this right is never used")
		}
	}
	require.Subset(t, c.granted(), used, "these rights are missing")
}

// seldom are rights that this test gives no occasion for, and why they are needed.
var seldom = map[string]string{
	"list networking.k8s.io ingresses":      "servers that cannot stream lists, before Kubernetes 1.34",
	"list networking.k8s.io ingressclasses": "likewise",
	"list  services":                        "likewise",
	"patch events.k8s.io events":            "the same event once more, as Retrying is told as often as an operation fails",
}

// granted are the rights of the controller's roles, as verb, API group and resource.
func (c *controlled) granted() []string {
	var rights []string
	for _, object := range controllerObjects(c.t) {
		encoded, err := json.Marshal(object["rules"])
		require.NoError(c.t, err)
		var rules []struct{ APIGroups, Resources, Verbs []string }
		require.NoError(c.t, json.Unmarshal(encoded, &rules))
		for _, rule := range rules {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					rights = append(rights, fmt.Sprintf("%s %s %s", verb, rule.APIGroups[0], resource))
				}
			}
		}
	}
	slices.Sort(rights)
	return slices.Compact(rights)
}

// used are the rights that the controller made use of, by the server's audit log. What it was refused is marked.
func (c *controlled) used() []string {
	log, err := os.ReadFile(c.server.audit)
	require.NoError(c.t, err)
	var rights []string
	for line := range strings.Lines(string(log)) {
		var event struct {
			Verb           string
			User           struct{ Username string }
			ObjectRef      struct{ APIGroup, Resource, Subresource string }
			ResponseStatus struct{ Code int }
		}
		require.NoError(c.t, json.Unmarshal([]byte(line), &event), line)
		if event.User.Username != "system:serviceaccount:default:controller" || event.ObjectRef.Resource == "" {
			continue
		}
		resource := event.ObjectRef.Resource
		if event.ObjectRef.Subresource != "" {
			resource += "/" + event.ObjectRef.Subresource
		}
		right := fmt.Sprintf("%s %s %s", event.Verb, event.ObjectRef.APIGroup, resource)
		if event.ResponseStatus.Code == http.StatusForbidden {
			right += " (refused)"
		}
		rights = append(rights, right)
	}
	slices.Sort(rights)
	return slices.Compact(rights)
}

// Of two controllers one leads. When it is killed in the middle of an operation, the other one goes on.
func TestKubernetesControllerIsReplaced(t *testing.T) {
	wanted(t)
	c := newControlled(t)
	first := c.start("--lease-namespace", "default")
	c.server.apply(t, ingress("books", "apigateway", "/api/book"))
	c.awaits("/api/book/list")
	second := c.start("--lease-namespace", "default")

	c.server.apply(t, ingress("books", "apigateway", "/healthz"))
	require.Eventually(t, func() bool { return c.works(first) }, time.Minute, time.Millisecond, "an engine is at work")
	require.NoError(t, first.Process.Kill())
	_ = first.Wait()
	c.awaits("/healthz")
	require.Equal(t, 8, c.call("/api/book/list"))
	require.NoError(t, second.Process.Signal(syscall.SIGTERM))
	require.NoError(t, second.Wait())
}

// What the README shows in two terminals works as it stands there, with the same project. The API server takes what kubectl would
// send it.
func TestKubernetesREADME(t *testing.T) {
	wanted(t)
	server, root := startKubernetes(t), t.TempDir()
	for _, name := range []string{"Pulumi.yaml", "Pulumi.local.yaml"} {
		content, err := os.ReadFile(filepath.Join(repository, name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(root, name), content, 0o600))
	}
	require.NoError(t, os.CopyFS(filepath.Join(root, "examples"), os.DirFS(filepath.Join(repository, "examples"))))
	require.NoError(t, os.Symlink(filepath.Dir(binary(t, "apigw-ingress")), filepath.Join(root, "bin")))
	config := filepath.Join(root, "kubeconfig")
	writeKubeconfig(t, config, server.url, token)
	shell := func(command string) *exec.Cmd {
		run := exec.Command("sh", "-c", "exec "+command)
		run.Dir, run.Env = root, append(os.Environ(), "KUBECONFIG="+config)
		return run
	}
	page, err := os.ReadFile(filepath.Join(repository, "README.md"))
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(page), "## From a running cluster\n")
	require.True(t, found)
	text, _, _ := strings.Cut(rest, "\n## ")
	var commands []string
	for line := range strings.Lines(text) {
		if command, indented := strings.CutPrefix(line, "    "); indented {
			commands = append(commands, strings.TrimSpace(command))
		}
	}
	require.Len(t, commands, 3)

	first := shell(commands[0])
	log, err := os.Create(filepath.Join(root, "controller.log"))
	require.NoError(t, err)
	first.Stdout, first.Stderr = log, log
	require.NoError(t, first.Start())
	t.Cleanup(func() {
		_ = first.Process.Kill()
		_ = first.Wait()
		out, err := shell("bin/apigw-ingress destroy").CombinedOutput()
		require.NoError(t, err, string(out))
	})
	server.apply(t, map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": "default"}})
	file, applied := strings.CutPrefix(commands[1], "kubectl apply -f ")
	require.True(t, applied)
	content, err := os.ReadFile(filepath.Join(root, file))
	require.NoError(t, err)
	for _, document := range strings.Split(string(content), "---\n") {
		var object map[string]any
		require.NoError(t, yaml.Unmarshal([]byte(document), &object))
		if object["kind"] != "IngressClass" {
			object["metadata"].(map[string]any)["namespace"] = "default"
		}
		server.apply(t, object)
	}
	require.Eventually(t, func() bool { return shell(commands[2]).Run() == nil }, 2*time.Minute, 200*time.Millisecond)
	require.NoError(t, first.Process.Signal(os.Interrupt))
	require.NoError(t, first.Wait())
}

// works says whether a controller runs the engine.
func (c *controlled) works(controller *exec.Cmd) bool {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", controller.Process.Pid))
	require.NoError(c.t, err)
	return slices.ContainsFunc(threads, func(path string) bool {
		children, err := os.ReadFile(path)
		return err == nil && len(children) > 0
	})
}

func newControlled(t *testing.T) *controlled {
	t.Helper()
	c := &controlled{t: t, server: startKubernetes(t), root: t.TempDir(), binary: binary(t, "apigw-ingress")}
	project, err := os.ReadFile(filepath.Join(repository, "Pulumi.yaml"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(c.root, "Pulumi.yaml"), project, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(c.root, "Pulumi.local.yaml"), []byte(controllerStack), 0o600))
	for _, object := range controllerObjects(t) {
		c.server.apply(t, object)
	}
	t.Cleanup(func() {
		out, err := exec.Command(c.binary, "--project", c.root, "destroy").CombinedOutput()
		require.NoError(t, err, string(out))
	})
	return c
}

// start runs the controller with a token of its ServiceAccount until the test ends.
func (c *controlled) start(flags ...string) *exec.Cmd {
	request := map[string]any{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": map[string]any{}}
	status, _, body, err := c.server.try(http.MethodPost, "/api/v1/namespaces/default/serviceaccounts/controller/token", request)
	require.NoError(c.t, err)
	require.Equal(c.t, http.StatusCreated, status, body)
	var made struct{ Status struct{ Token string } }
	require.NoError(c.t, json.Unmarshal([]byte(body), &made))
	path := filepath.Join(c.root, "kubeconfig")
	writeKubeconfig(c.t, path, c.server.url, made.Status.Token)
	log, err := os.OpenFile(filepath.Join(c.root, "controller.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(c.t, err)
	process := exec.Command(c.binary, append([]string{"--project", c.root, "controller", "--kubeconfig", path}, flags...)...)
	process.Stdout, process.Stderr = log, log
	require.NoError(c.t, process.Start())
	c.t.Cleanup(func() {
		if process.ProcessState == nil {
			_ = process.Process.Kill()
			_ = process.Wait()
		}
		if c.t.Failed() {
			c.t.Logf("the controller said:\n%s", c.said())
		}
	})
	return process
}

// writeKubeconfig writes down how to reach a server as the one who has a token.
func writeKubeconfig(t *testing.T, path, server, token string) {
	t.Helper()
	config, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "c",
		"contexts": []any{map[string]any{"name": "c", "context": map[string]any{"cluster": "c", "user": "u"}}},
		"clusters": []any{map[string]any{"name": "c", "cluster": map[string]any{"server": server, "insecure-skip-tls-verify": true}}},
		"users":    []any{map[string]any{"name": "u", "user": map[string]any{"token": token}}},
	})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, config, 0o600))
}

func (c *controlled) said() string {
	content, err := os.ReadFile(filepath.Join(c.root, "controller.log"))
	require.NoError(c.t, err)
	return string(content)
}

// call sends a signed request, and returns the exit code: 0 for an answer below 400, 8 for others.
func (c *controlled) call(path string) int {
	command := exec.Command(c.binary, "--project", c.root, "call", path)
	_ = command.Run()
	return command.ProcessState.ExitCode()
}

func (c *controlled) awaits(path string) {
	c.t.Helper()
	require.Eventually(c.t, func() bool { return c.call(path) == 0 }, time.Minute, 200*time.Millisecond, path)
}

func (c *controlled) text(path string) string {
	_, _, body, err := c.server.try(http.MethodGet, path, nil)
	require.NoError(c.t, err)
	return body
}

func address(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

func fetch(t *testing.T, port int, path string) string {
	t.Helper()
	response, err := http.Get(local("http", port) + path)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(body)
}

func ingress(name, class, path string) map[string]any {
	backend := map[string]any{"service": map[string]any{"name": "bookservice", "port": map[string]any{"number": 80}}}
	return map[string]any{
		"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": map[string]any{"name": name, "namespace": "default"},
		"spec": map[string]any{"ingressClassName": class, "rules": []any{map[string]any{"http": map[string]any{
			"paths": []any{map[string]any{"path": path, "pathType": "Prefix", "backend": backend}},
		}}}},
	}
}

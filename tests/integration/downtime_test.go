package integration

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// Whatever changes, no request to a route that stays fails: while clients send signed requests without a pause,
// routes, policy, replicas, NGINX's settings, the services' images, the stage and the nodes are changed, one after another.
func TestNoDowntime(t *testing.T) {
	e := newEnvironment(t, nil)
	e.up()
	load := e.startLoad(4)
	defer load.stop()
	for _, step := range []struct {
		name   string
		change func()
	}{
		{"a route more", func() { e.editManifest("path: /api/author", "path: /api/v2/author") }},
		{"a catch-all with nested siblings", func() { e.publish("/", "/api", "/api/book/list/recent") }},
		{"the siblings go", func() { e.publish("/") }},
		{"the catch-all goes", func() { e.publish() }},
		{"an Exact path beside Prefix ones", func() { e.publish("=/api/book", "=/api/book/list", "/api/book/list/recent") }},
		{"the Exact paths go", func() { e.publish() }},
		{"everybody may call another route", func() { e.openTo("/public", "none") }},
		{"and nobody without a signature any more", func() { e.openTo("/public", "iam") }},
		{"and it goes", func() { e.unpublish("open.yaml") }},
		{"another secret between API Gateway and NGINX", func() { e.setConfig("originGeneration", 2) }},
		{"an annotation that changes NGINX", func() {
			e.editManifest("annotations:\n", "annotations:\n    apigateway.ingress.kubernetes.io/timeout: 20s\n")
		}},
		{"who may call", func() { e.setConfig("clientArns", []string{"arn:aws:iam::111122223333:role/another"}) }},
		{"more pods of the proxy", func() { e.setConfig("proxyReplicas", 4) }},
		{"fewer pods of the proxy", func() { e.setConfig("proxyReplicas", 2) }},
		{"new images and more pods of the services", func() { e.setServices("v2", 3) }},
		{"fewer pods of the services", func() { e.setServices("v2", 1) }},
		{"the stage's settings", func() { e.setConfig("metrics", true) }},
		{"the stage's throttle", func() { e.setConfig("throttleRate", 4000) }},
		{"stage variables", func() { e.setConfig("stageVariables", map[string]string{"colour": "green"}) }},
		{"new nodes", func() { e.setConfig("instanceType", "m7i.large") }},
	} {
		step.change()
		before := load.answered.Load()
		changes := e.up()
		require.Positive(t, changes["update"]+changes["create"]+changes["replace"], "%s is a change", step.name)
		require.Greater(t, load.answered.Load(), before, "requests were answered meanwhile")
		require.Empty(t, load.failures(), "after %s, of %d requests", step.name, load.answered.Load())
	}
	load.stop()
	require.Empty(t, load.failures())
	t.Logf("%d requests, none failed", load.answered.Load())
	e.destroy()
}

// publish adds paths to the manifests, Exact ones with an equals sign in front, in place of those of before.
func (e *environment) publish(paths ...string) {
	e.t.Helper()
	if len(paths) == 0 {
		e.unpublish("more.yaml")
		return
	}
	var rules []string
	for _, path := range paths {
		match := "Prefix"
		if exact, ok := strings.CutPrefix(path, "="); ok {
			path, match = exact, "Exact"
		}
		rules = append(rules, fmt.Sprintf("{path: %s, pathType: %s, backend: {service: {name: bookservice, port: {number: 80}}}}", path, match))
	}
	e.writeIngress("more.yaml", "", strings.Join(rules, ", "))
}

// openTo adds a path with an authentication of its own.
func (e *environment) openTo(path, auth string) {
	e.t.Helper()
	e.writeIngress("open.yaml", "apigateway.ingress.kubernetes.io/auth: "+auth,
		fmt.Sprintf("{path: %s, pathType: Prefix, backend: {service: {name: authorservice, port: {number: 80}}}}", path))
}

func (e *environment) writeIngress(file, annotations, paths string) {
	e.t.Helper()
	content := fmt.Sprintf("apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: %s, annotations: {%s}}\nspec: "+
		"{ingressClassName: apigateway, rules: [{http: {paths: [%s]}}]}\n",
		strings.TrimSuffix(file, ".yaml"), annotations, paths)
	require.NoError(e.t, os.WriteFile(filepath.Join(e.root, file), []byte(content), 0o600))
	e.manifests()
}

func (e *environment) unpublish(file string) {
	e.t.Helper()
	require.NoError(e.t, os.Remove(filepath.Join(e.root, file)))
	e.manifests()
}

// manifests names the stack's manifests as they are now.
func (e *environment) manifests() {
	e.t.Helper()
	files := []string{"examples/bookstore/ingress.yaml"}
	for _, file := range []string{"more.yaml", "open.yaml"} {
		if _, err := os.Stat(filepath.Join(e.root, file)); err == nil {
			files = append(files, file)
		}
	}
	e.setConfig("manifests", files)
}

// setServices gives both services another image and number of pods.
func (e *environment) setServices(tag string, replicas int) {
	e.t.Helper()
	path := filepath.Join(e.root, "Pulumi.local.yaml")
	content, err := os.ReadFile(path)
	require.NoError(e.t, err)
	var settings struct {
		Config map[string]any `json:"config"`
	}
	require.NoError(e.t, yaml.Unmarshal(content, &settings))
	services, _ := settings.Config["apigateway-ingress:services"].([]any)
	require.NotEmpty(e.t, services)
	for _, service := range services {
		fields := service.(map[string]any)
		image, _, _ := strings.Cut(fields["image"].(string), ":")
		fields["image"], fields["replicas"] = image+":"+tag, replicas
	}
	e.setConfig("services", services)
}

// load is clients that send requests until they are stopped.
type load struct {
	answered atomic.Int64
	done     chan struct{}
	client   *http.Client
	running  sync.WaitGroup
	once     sync.Once

	mu   sync.Mutex
	bad  []string
	took []time.Duration
}

func (e *environment) startLoad(clients int) *load { return e.startPacedLoad(clients, 0) }

// startPacedLoad has each client wait after each answer.
func (e *environment) startPacedLoad(clients int, pause time.Duration) *load {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}, Timeout: time.Minute}
	l := &load{done: make(chan struct{}), client: client}
	// Updates write other outputs meanwhile.
	signer := &environment{t: e.t, known: e.outputs()}
	endpoint, key := e.output("apiEndpoint")+"/api/book/list", *e.key()
	for range clients {
		l.running.Go(func() {
			for {
				select {
				case <-l.done:
					return
				case <-time.After(pause):
				}
				request, err := http.NewRequest(http.MethodGet, endpoint, nil)
				if err != nil {
					l.note(err.Error())
					return
				}
				signer.sign(request, "", key)
				began := time.Now()
				response, err := client.Do(request)
				if err != nil {
					l.note(err.Error())
					continue
				}
				body, err := io.ReadAll(response.Body)
				response.Body.Close()
				if err != nil || response.StatusCode != http.StatusOK {
					l.note(response.Status + " " + string(body) + " " + response.Header.Get("X-Local-Target-Reason"))
				}
				l.answered.Add(1)
				l.time(time.Since(began))
			}
		})
	}
	return l
}

func (l *load) note(problem string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bad = append(l.bad, problem)
}

func (l *load) time(took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.took = append(l.took, took)
}

func (l *load) failures() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bad
}

func (l *load) stop() {
	l.once.Do(func() { close(l.done) })
	l.running.Wait()
	l.client.CloseIdleConnections()
}

package integration

import (
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

func (e *environment) startLoad(clients int) *load {
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
				default:
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

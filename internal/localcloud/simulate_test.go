package localcloud

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/supervisor"
	"github.com/stretchr/testify/require"
)

func openCloud(t *testing.T, dir string) *Cloud {
	t.Helper()
	cloud, err := Open(Options{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cloud.Close()) })
	return cloud
}

// ask sends a request to a Service's only pod.
func ask(t *testing.T, cloud *Cloud, cluster, namespace, name string, port int, path string) (string, error) {
	t.Helper()
	addresses, found := cloud.pods.ServiceEndpoints(cluster, namespace, name, port)
	require.True(t, found)
	require.Len(t, addresses, 1)
	response, err := http.Post("http://"+addresses[0]+path, "text/plain", strings.NewReader("hello"))
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	return string(content), err
}

func TestSimulatedCluster(t *testing.T) {
	cloud := openCloud(t, t.TempDir())
	shop := Simulated{Region: "eu-west-1", Cluster: "prod", Services: []SimulatedService{
		{Namespace: "shop", Name: "front-end", Ports: []SimulatedPort{{Number: 80}, {Name: "metrics", Number: 9100}}},
		{Namespace: "default", Name: "catalogue", Ports: []SimulatedPort{{Name: "http", Number: 8080}}},
	}}
	require.NoError(t, cloud.Simulate(t.Context(), shop))
	require.NoError(t, cloud.Simulate(t.Context(), shop), "a second time is no second cluster")

	described, err := cloud.aws.Invoke("aws:eks/getCluster:getCluster", "eu-west-1", map[string]any{"name": "prod"})
	require.NoError(t, err)
	require.Equal(t, "ACTIVE", described["status"])
	require.Zero(t, cloud.Objects(), "no stack owns any of it")

	var echo supervisor.Echo
	answer, err := ask(t, cloud, "prod", "shop", "front-end", 80, "/a%20b?c=d")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal([]byte(answer), &echo))
	require.Equal(t, "simulated/shop/front-end", echo.StandIn)
	require.Equal(t, []any{"POST", "/a%20b?c=d", "hello", 5}, []any{echo.Method, echo.URI, echo.Body, echo.Bytes})
	for _, pod := range cloud.Pods() {
		require.NotEmpty(t, pod.StandIn)
	}

	shop.Services[1].Ports[0].Number = 9090
	require.NoError(t, cloud.Simulate(t.Context(), shop), "the config changes a port")
	_, err = ask(t, cloud, "prod", "default", "catalogue", 9090, "/")
	require.NoError(t, err)
}

// A stack's own cluster is what the stack made of it.
func TestNothingIsAddedToARealCluster(t *testing.T) {
	cloud := openCloud(t, t.TempDir())
	require.NoError(t, cloud.Simulate(t.Context(), Simulated{Region: "eu-west-1", Cluster: "prod"}))
	owned := *cloud.store.Get("aws:eks/cluster:Cluster", "prod")
	owned.URN = "urn:pulumi:x::y::aws:eks/cluster:Cluster::prod"
	require.NoError(t, cloud.store.Put(&owned))
	require.NoError(t, cloud.Simulate(t.Context(), Simulated{Region: "eu-west-1", Cluster: "prod", Services: []SimulatedService{
		{Namespace: "default", Name: "web", Ports: []SimulatedPort{{Number: 80}}},
	}}))
	_, found := cloud.pods.ServiceEndpoints("prod", "default", "web", 80)
	require.False(t, found)
}

// program is what this test binary becomes as a mapped program: it answers with what its environment and the cluster's names give.
func program(address string) {
	gone := http.Server{Addr: address, ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target := map[string]string{
			"/by-environment": "http://" + os.Getenv("FRONT_END_SERVICE_HOST") + ":" + os.Getenv("FRONT_END_SERVICE_PORT"),
			"/by-name":        "http://front-end", "/by-long-name": "http://front-end.shop.svc.cluster.local:80", "/nowhere": "http://missing",
		}[r.URL.Path]
		if r.URL.Path == "/path" {
			fmt.Fprint(w, os.Getenv("PATH"))
			return
		}
		response, err := http.Get(target + "/asked?by=program")
		if err != nil {
			fmt.Fprint(w, err)
			return
		}
		defer response.Body.Close()
		w.WriteHeader(response.StatusCode)
		_, _ = io.Copy(w, response.Body)
	})}
	fmt.Fprintln(os.Stderr, gone.ListenAndServe())
}

// What is wrong with a workload is in the error, not in a file that somebody has to find.
func TestErrorsNameTheCause(t *testing.T) {
	cloud := openCloud(t, t.TempDir())
	require.NoError(t, cloud.AddImages(map[string]supervisor.Image{
		"acme/crashing": {Command: []string{"sh", "-c", "echo starting; echo 'no database at db:5432' >&2; exit 3"}},
		"acme/missing":  {Command: []string{"/no/such/program"}},
		"acme/deaf":     {Command: []string{"sh", "-c", "echo listening nowhere; sleep 60"}},
	}))
	require.NoError(t, cloud.Simulate(t.Context(), Simulated{Region: "eu-west-1", Cluster: "prod"}))
	// Without a probe a container is ready while it runs, be it for a moment only.
	for name, c := range map[string]struct {
		container map[string]any
		want      []string
	}{
		"crashing": {map[string]any{"image": "acme/crashing", "ports": []any{map[string]any{"containerPort": 8080.0}},
			"readinessProbe": map[string]any{"tcpSocket": map[string]any{"port": 8080.0}}},
			[]string{"CrashLoopBackOff, exit 3", "| no database at db:5432"}},
		"missing": {map[string]any{"image": "acme/missing"}, []string{"no such file or directory"}},
		"deaf": {map[string]any{"image": "acme/deaf", "ports": []any{map[string]any{"containerPort": 8080.0}},
			"readinessProbe": map[string]any{"tcpSocket": map[string]any{"port": 8080.0}}},
			[]string{"readiness probe", "connection refused", "| listening nowhere"}},
		"missing secret": {map[string]any{"image": "simulated/stand-in", "ports": []any{map[string]any{"containerPort": 8080.0}},
			"env": []any{map[string]any{"name": "PASSWORD", "valueFrom": map[string]any{"secretKeyRef": map[string]any{"name": "database",
				"key": "password"}}}}},
			[]string{"CreateContainerConfigError", `secret "database" not found`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
			defer cancel()
			deployment := deploymentInputs(SimulatedService{Namespace: "default", Name: strings.ReplaceAll(name, " ", "-")})
			template := deployment["spec"].(map[string]any)["template"].(map[string]any)
			c.container["name"] = "only"
			template["spec"] = map[string]any{"containers": []any{c.container}}
			_, err := cloud.kube.Create(ctx, "prod", "kubernetes:apps/v1:Deployment", "", deployment)
			for _, want := range append(c.want, "0 of 1 pods are ready") {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "serve" {
		program(os.Args[2])
		return
	}
	os.Exit(m.Run())
}

func TestProgramsFindServices(t *testing.T) {
	cloud := openCloud(t, t.TempDir())
	self, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, cloud.AddImages(map[string]supervisor.Image{
		"shop/web": {Command: []string{self, "serve", "${POD_IP}:${PORT}"}, Path: "/opt/own/bin:/usr/bin"},
	}))
	services := []SimulatedService{{Namespace: "shop", Name: "front-end", Ports: []SimulatedPort{{Number: 80}}}}
	require.NoError(t, cloud.Simulate(t.Context(), Simulated{Region: "eu-west-1", Cluster: "prod", Services: append(services,
		SimulatedService{Namespace: "shop", Name: "web", Ports: []SimulatedPort{{Number: 8080}}})}))
	var answer string
	require.Eventually(t, func() bool {
		answer, err = ask(t, cloud, "prod", "shop", "web", 8080, "/path")
		return err == nil
	}, time.Minute, 20*time.Millisecond)
	require.Equal(t, "/opt/own/bin:/usr/bin", answer)
	for _, way := range []string{"/by-environment", "/by-name", "/by-long-name"} {
		answer, err = ask(t, cloud, "prod", "shop", "web", 8080, way)
		require.NoError(t, err)
		var echo supervisor.Echo
		require.NoError(t, json.Unmarshal([]byte(answer), &echo), "%s: %s", way, answer)
		require.Equal(t, "/asked?by=program", echo.URI, way)
		require.Empty(t, echo.Headers.Get("X-Forwarded-For"), way)
	}
	answer, err = ask(t, cloud, "prod", "shop", "web", 8080, "/nowhere")
	require.NoError(t, err)
	require.NotContains(t, answer, "standIn")
}

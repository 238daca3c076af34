package workload

import (
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/change"
	"github.com/apigateway-ingress/apigateway-ingress/components/componenttest"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

func run(t *testing.T, args *Args) *componenttest.Graph {
	t.Helper()
	return componenttest.Run(t, func(ctx *pulumi.Context) error {
		_, err := New(ctx, "w", args)
		return err
	})
}

func TestDefaults(t *testing.T) {
	graph := run(t, &Args{ServiceName: "books", Image: pulumi.String("books:1"), ServicePort: 80})
	deployment := graph.One(t, "kubernetes:apps/v1:Deployment").Inputs
	require.Equal(t, map[string]any{"name": "books", "namespace": "default"}, only(deployment["metadata"], "name", "namespace"))
	spec := deployment["spec"].(map[string]any)
	require.EqualValues(t, 2, spec["replicas"])
	container := spec["template"].(map[string]any)["spec"].(map[string]any)["containers"].([]any)[0].(map[string]any)
	require.Equal(t, "books:1", container["image"])
	require.Equal(t, map[string]any{"path": "/healthz", "port": "http"}, container["livenessProbe"].(map[string]any)["httpGet"])
	require.Equal(t, map[string]any{"path": "/readyz", "port": "http"}, container["readinessProbe"].(map[string]any)["httpGet"])
	require.Equal(t, "ClusterIP", graph.One(t, "kubernetes:core/v1:Service").Inputs["spec"].(map[string]any)["type"])
	require.Empty(t, graph.All("kubernetes:networking.k8s.io/v1:NetworkPolicy"))
	require.EqualValues(t, 1, graph.One(t, "kubernetes:policy/v1:PodDisruptionBudget").Inputs["spec"].(map[string]any)["maxUnavailable"])
}

func TestHealthOnAPortOfItsOwn(t *testing.T) {
	graph := run(t, &Args{ServiceName: "books", Image: pulumi.String("b"), ServicePort: 80, NodePort: 30001,
		Health: Health{Port: 9000, Liveness: "/live"}})
	spec := graph.One(t, "kubernetes:apps/v1:Deployment").Inputs["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)
	container := spec["containers"].([]any)[0].(map[string]any)
	require.Equal(t, map[string]any{"path": "/live", "port": "health"}, container["livenessProbe"].(map[string]any)["httpGet"])
	services := graph.All("kubernetes:core/v1:Service")
	require.Len(t, services, 2)
	require.Equal(t, "ClusterIP", services[0].Inputs["spec"].(map[string]any)["type"])
	require.Equal(t, "NodePort", services[1].Inputs["spec"].(map[string]any)["type"], "another port's may stand beside it")
}

func TestBadArguments(t *testing.T) {
	for want, change := range map[string]func(*Args){
		"Replicas 1001 is not from 1 to 1000":        func(a *Args) { a.Replicas = 1001 },
		"ContainerPort 80 is not from 1024 to 65535": func(a *Args) { a.ContainerPort = 80 },
		"NodePort 1 is not from 30000 to 32767":      func(a *Args) { a.NodePort = 1 },
		"ServicePort 70000 is not from 1 to 65535":   func(a *Args) { a.ServicePort = 70000 },
		"Image is required":                          func(a *Args) { a.Image = nil },
		`ServiceName "a.b" is not valid`:             func(a *Args) { a.ServiceName = "a.b" },
	} {
		a := Args{ServiceName: "books", Image: pulumi.String("b"), ServicePort: 80}
		change(&a)
		_, err := a.Complete()
		require.ErrorContains(t, err, want)
	}
}

func only(object any, names ...string) map[string]any {
	chosen := map[string]any{}
	for _, name := range names {
		chosen[name] = object.(map[string]any)[name]
	}
	return chosen
}

func TestTheServicePortStays(t *testing.T) {
	of := func(name string, port float64) change.Inputs {
		return change.Inputs{"serviceName": name, "servicePort": port}
	}
	require.NoError(t, mayChange(of("books", 80), of("books", 80)))
	require.NoError(t, mayChange(change.Inputs{}, of("books", 81)), "a state of before this was recorded")
	require.ErrorContains(t, mayChange(of("books", 80), of("books", 81)), "the port of service books cannot change from 80 to 81")
}

package workload

import (
	"encoding/json"
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
	graph := run(t, &Args{ServiceName: "books", Spec: Spec{Image: pulumi.String("books:1"), Port: 80}})
	deployment := graph.One(t, "kubernetes:apps/v1:Deployment").Inputs
	require.Equal(t, map[string]any{"name": "books", "namespace": "default"}, only(deployment["metadata"], "name", "namespace"))
	spec := deployment["spec"].(map[string]any)
	require.EqualValues(t, 2, spec["replicas"])
	container := spec["template"].(map[string]any)["spec"].(map[string]any)["containers"].([]any)[0].(map[string]any)
	require.Equal(t, "books:1", container["image"])
	for _, probe := range []string{"startupProbe", "livenessProbe", "readinessProbe"} {
		require.Equal(t, map[string]any{"port": "http"}, container[probe].(map[string]any)["tcpSocket"], "%s asks what every server answers", probe)
	}
	require.Equal(t, "ClusterIP", graph.One(t, "kubernetes:core/v1:Service").Inputs["spec"].(map[string]any)["type"])
	require.Empty(t, graph.All("kubernetes:networking.k8s.io/v1:NetworkPolicy"))
	require.EqualValues(t, 1, graph.One(t, "kubernetes:policy/v1:PodDisruptionBudget").Inputs["spec"].(map[string]any)["maxUnavailable"])
}

func TestHealthOnAPortOfItsOwn(t *testing.T) {
	graph := run(t, &Args{ServiceName: "books", NodePort: 30001,
		Spec: Spec{Image: pulumi.String("b"), Port: 80, Health: Health{Port: 9000, LivenessPath: "/live"}}})
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
		"Replicas 1001 is not from 1 to 1000":                     func(a *Args) { a.Replicas = 1001 },
		"ContainerPort 70000 is not from 1 to 65535":              func(a *Args) { a.ContainerPort = 70000 },
		"NodePort 1 is not from 30000 to 32767":                   func(a *Args) { a.NodePort = 1 },
		"Port 70000 is not from 1 to 65535":                       func(a *Args) { a.Port = 70000 },
		"Port is required":                                        func(a *Args) { a.Port = 0 },
		"Port beside Ports: write one of them":                    func(a *Args) { a.Ports = []Port{{Name: "web", Port: 1}} },
		`Ports[1].Name "web" is another port's as well`:           func(a *Args) { a.Port, a.Ports = 0, []Port{{Name: "web", Port: 1}, {Name: "web", Port: 2}} },
		"Ports[1].Port 1 is another port's as well":               func(a *Args) { a.Port, a.Ports = 0, []Port{{Name: "web", Port: 1}, {Name: "admin", Port: 1}} },
		`Ports[0].Name "Web" is not valid`:                        func(a *Args) { a.Port, a.Ports = 0, []Port{{Name: "Web", Port: 1}} },
		"Image is required":                                       func(a *Args) { a.Image = nil },
		`ServiceName "a.b" is not valid`:                          func(a *Args) { a.ServiceName = "a.b" },
		`Health.Path "ready" does not begin with a slash`:         func(a *Args) { a.Health.Path = "ready" },
		"Health.Scheme HTTPS has no effect without Health.Path":   func(a *Args) { a.Health.Scheme = "HTTPS" },
		"Health.StartupSeconds 541 is not from 1 to 540":          func(a *Args) { a.Health.StartupSeconds = 541 },
		`Resources.Requests.CPU "much" is not a quantity`:         func(a *Args) { a.Resources.Requests.CPU = "much" },
		"Resources.Requests.Memory 2Gi is more than":              func(a *Args) { a.Resources = Resources{Amounts{Memory: "2Gi"}, Amounts{Memory: "1Gi"}} },
		"Autoscaling.Max 1 is less than Autoscaling.Min 2":        func(a *Args) { a.Autoscaling = &Autoscaling{Min: 2, Max: 1} },
		"Autoscaling.Max 1001 is not from 1 to 1000":              func(a *Args) { a.Autoscaling = &Autoscaling{Min: 2, Max: 1001} },
		"Replicas beside Autoscaling, which decides":              func(a *Args) { a.Replicas, a.Autoscaling = 2, &Autoscaling{Min: 2, Max: 3} },
		`Env: "A B" is not a variable's name`:                     func(a *Args) { a.Env = map[string]Variable{"A B": {}} },
		"Env[A].Value, Env[A].Secret and Env[A].ConfigMap":        func(a *Args) { a.Env = map[string]Variable{"A": {Secret: "a", ConfigMap: "b"}} },
		`Env[A].Secret "A_B" is not the name of an object`:        func(a *Args) { a.Env = map[string]Variable{"A": {Secret: "A_B"}} },
		"Env[A].Key has no effect beside Env[A].Value":            func(a *Args) { a.Env = map[string]Variable{"A": {Value: pulumi.String("v"), Key: "k"}} },
		`PodSecurity "privileged" is not known: write restricted`: func(a *Args) { a.PodSecurity = "privileged" },
	} {
		a := Args{ServiceName: "books", Spec: Spec{Image: pulumi.String("b"), Port: 80}}
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

// A service with everything that can be set.
func TestSpec(t *testing.T) {
	graph := run(t, &Args{ServiceName: "web", Spec: Spec{
		Image: pulumi.String("web:1"), Command: []string{"/web"}, Args: []string{"--verbose"},
		Ports: []Port{{Name: "http", Port: 80, ContainerPort: 8080}, {Name: "admin", Port: 81}},
		Env: map[string]Variable{
			"LEVEL": {Value: pulumi.String("debug")}, "PASSWORD": {Secret: "database", Key: "password"}, "REGION": {ConfigMap: "place"},
		},
		Health:      Health{Path: "/ready", Scheme: "HTTPS", StartupSeconds: 300},
		Resources:   Resources{Requests: Amounts{Memory: "512Mi"}, Limits: Amounts{CPU: "1"}},
		Autoscaling: &Autoscaling{Min: 3, Max: 9},
	}})
	deployment := graph.One(t, "kubernetes:apps/v1:Deployment")
	spec := deployment.Inputs["spec"].(map[string]any)
	require.EqualValues(t, 3, spec["replicas"])
	pod := spec["template"].(map[string]any)["spec"].(map[string]any)
	require.EqualValues(t, 35, pod["terminationGracePeriodSeconds"], "the longest request ends, and the time before it")
	encoded, err := json.Marshal(pod["containers"].([]any)[0])
	require.NoError(t, err)
	require.JSONEq(t, `{"name": "web", "image": "web:1", "command": ["/web"], "args": ["--verbose"],
		"ports": [{"name": "http", "containerPort": 8080}, {"name": "admin", "containerPort": 81}],
		"env": [{"name": "LEVEL", "value": "debug"},
			{"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "database", "key": "password"}}},
			{"name": "REGION", "valueFrom": {"configMapKeyRef": {"name": "place", "key": "REGION"}}}],
		"readinessProbe": {"httpGet": {"path": "/ready", "port": "http", "scheme": "HTTPS"}, "periodSeconds": 5, "timeoutSeconds": 2, "failureThreshold": 3},
		"livenessProbe": {"tcpSocket": {"port": "http"}, "periodSeconds": 5, "timeoutSeconds": 2, "failureThreshold": 3},
		"startupProbe": {"tcpSocket": {"port": "http"}, "periodSeconds": 1, "timeoutSeconds": 2, "failureThreshold": 300},
		"lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
		"resources": {"requests": {"cpu": "100m", "memory": "512Mi"}, "limits": {"cpu": "1", "memory": "512Mi"}},
		"securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}},
		"volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}]}`, string(encoded))
	require.JSONEq(t, `{"spec": {"type": "ClusterIP", "selector": {"app.kubernetes.io/name": "web"}, "ports": [
		{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"},
		{"name": "admin", "port": 81, "targetPort": "admin", "protocol": "TCP"}]}}`, graph.One(t, "kubernetes:core/v1:Service").JSON(t, "spec"))
	require.JSONEq(t, `{"spec": {"minReplicas": 3, "maxReplicas": 9, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
		"metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}]}}`,
		graph.One(t, "kubernetes:autoscaling/v2:HorizontalPodAutoscaler").JSON(t, "spec"))
}

// A container of an ordinary user may listen below 1024 where it asks for it, and one of the standard baseline is as its image says.
func TestPodSecurity(t *testing.T) {
	pod := func(spec Spec) map[string]any {
		spec.Image = pulumi.String("web:1")
		graph := run(t, &Args{ServiceName: "web", Spec: spec})
		return graph.One(t, "kubernetes:apps/v1:Deployment").Inputs["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)
	}
	low := pod(Spec{Port: 80, ContainerPort: 80})["securityContext"].(map[string]any)
	require.Equal(t, []any{map[string]any{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}}, low["sysctls"])
	require.Equal(t, true, low["runAsNonRoot"])
	baseline := pod(Spec{Port: 80, ContainerPort: 80, PodSecurity: Baseline})
	require.NotContains(t, baseline["securityContext"], "runAsNonRoot")
	require.NotContains(t, baseline["containers"].([]any)[0], "securityContext")
}

func TestTheServicePortStays(t *testing.T) {
	one := func(number float64) change.Inputs { return change.Inputs{"serviceName": "books", "port": number} }
	several := func(ports ...any) change.Inputs {
		var list []any
		for i := 0; i < len(ports); i += 2 {
			list = append(list, map[string]any{"name": ports[i], "port": ports[i+1]})
		}
		return change.Inputs{"serviceName": "books", "ports": list}
	}
	for _, allowed := range [][2]change.Inputs{
		{one(80), one(80)},
		{change.Inputs{"serviceName": "books", "servicePort": 80.0}, one(81)}, // a state of before ports were recorded so
		{{}, one(81)},
		{one(80), several("http", 80.0, "admin", 81.0)},
		{one(80), several("web", 80.0)},
		{several("http", 80.0, "admin", 81.0), several("http", 80.0)},
	} {
		require.NoError(t, mayChange(allowed[0], allowed[1]))
	}
	require.ErrorContains(t, mayChange(one(80), change.Inputs{"serviceName": "volumes", "port": 80.0}),
		"service books cannot get the name volumes")
	require.ErrorContains(t, mayChange(one(80), one(81)), "the port of service books cannot change from 80 to 81")
	require.ErrorContains(t, mayChange(several("http", 80.0, "admin", 81.0), several("http", 80.0, "admin", 82.0)), "from 81 to 82")
	require.ErrorContains(t, mayChange(one(80), several("web", 81.0)), "the port 80 of service books cannot go")
}

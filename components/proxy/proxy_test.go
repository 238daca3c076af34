package proxy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/componenttest"
	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	"github.com/apigateway-ingress/apigateway-ingress/components/target"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

func routes(t *testing.T) *route.Table {
	t.Helper()
	ingresses, err := ingress.Parse("x", []byte(`
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: a}
spec: {ingressClassName: apigateway, rules: [{http: {paths: [{path: /a, pathType: Prefix, backend: {service: {name: s, port: {number: 80}}}}]}}]}`))
	require.NoError(t, err)
	table, err := ingress.Compile(ingresses, ingress.Options{Services: []route.Service{{Namespace: "default", Name: "s",
		Ports: []route.ServicePort{{Number: 80}}}}})
	require.NoError(t, err)
	return table
}

func TestTheTargetIsWhatTheServiceIs(t *testing.T) {
	var to target.Target
	graph := componenttest.Run(t, func(ctx *pulumi.Context) error {
		p, err := New(ctx, "Edge", &Args{
			Settings: Settings{NodePort: 30099, Port: 8082}, Routes: routes(t), Namespace: pulumi.String("edge"),
			Nodes: target.Nodes{SecurityGroupID: pulumi.String("sg-1"), AutoScalingGroups: pulumi.StringMap{"asg": pulumi.String("asg")}},
		})
		if err != nil {
			return err
		}
		to = p.Target()
		return nil
	})
	require.Equal(t, target.Target{
		Nodes:    target.Nodes{SecurityGroupID: pulumi.String("sg-1"), AutoScalingGroups: pulumi.StringMap{"asg": pulumi.String("asg")}},
		NodePort: pulumi.Int(30099),
		Pods: target.Pods{
			Namespace: pulumi.String("edge"), ServiceName: pulumi.String("edge"), ServicePort: pulumi.Int(ServicePort), Port: pulumi.Int(8082),
		},
	}, to)
	// One Service for pods, and one for the nodes' port, which another port's may stand beside.
	services := graph.All("kubernetes:core/v1:Service")
	require.Len(t, services, 2)
	for i, want := range []struct {
		name     string
		nodePort any
	}{{"edge", nil}, {"edge-30099", 30099.0}} {
		require.Equal(t, want.name, services[i].Inputs["metadata"].(map[string]any)["name"])
		port := services[i].Inputs["spec"].(map[string]any)["ports"].([]any)[0].(map[string]any)
		require.Equal(t, want.nodePort, port["nodePort"])
	}
	config := graph.One(t, "kubernetes:core/v1:ConfigMap").Inputs
	require.Nil(t, config["metadata"].(map[string]any)["name"], "a change makes another ConfigMap, to which pods roll over")
	require.Contains(t, config["data"].(map[string]any)[configFile], "listen 8082")
}

func TestBadArguments(t *testing.T) {
	for want, a := range map[string]Args{
		"Port 8081 is taken by the health check": {Settings: Settings{Port: route.HealthPort}},
		"NodePort 80 is not from 30000 to 32767": {Settings: Settings{NodePort: 80}},
		"Replicas -1 is not from 1 to 1000":      {Settings: Settings{Replicas: -1}},
		`Paths "any" is not known`:               {Settings: Settings{Paths: "any"}},
		`ServiceName "1" is not valid`:           {ServiceName: "1"},
	} {
		_, err := a.Complete("x")
		require.ErrorContains(t, err, want)
	}
}

// The configuration is for what the image's NGINX can do, as far as its tag tells.
func TestTheConfigurationIsForTheImage(t *testing.T) {
	for image, follows := range map[string]bool{"docker.io/library/nginx:1.30.0": true, "nginx:1.26.3": false, DefaultImage(): true} {
		graph := componenttest.Run(t, func(ctx *pulumi.Context) error {
			_, err := New(ctx, "edge", &Args{Settings: Settings{Image: pulumi.String(image)}, Routes: routes(t), Namespace: pulumi.String("edge")})
			return err
		})
		config := graph.One(t, "kubernetes:core/v1:ConfigMap").Inputs["data"].(map[string]any)[configFile]
		if follows {
			require.Contains(t, config, "server s.default.svc.cluster.local:80 resolve;")
			require.Contains(t, config, `include "`+resolverFile+`";`)
		} else {
			require.NotContains(t, config, "resolve")
		}
	}
}

// NGINX asks the servers that the pod's resolv.conf names.
func TestNameServersAreThePods(t *testing.T) {
	dir := t.TempDir()
	given, made := filepath.Join(dir, "resolv.conf"), filepath.Join(dir, "resolver.conf")
	require.NoError(t, os.WriteFile(given, []byte("# of the node\nsearch default.svc.cluster.local\nnameserver 10.100.0.10\nnameserver "+
		"fd00::a\noptions ndots:5\n"), 0o600))
	script := strings.NewReplacer("/etc/resolv.conf", given, resolverFile, made).Replace(nameServers)
	output, err := exec.Command("/bin/sh", "-euc", script).CombinedOutput()
	require.NoError(t, err, "%s", output)
	written, err := os.ReadFile(made)
	require.NoError(t, err)
	require.Equal(t, "resolver 10.100.0.10 [fd00::a] valid=5s;\n", string(written))
}

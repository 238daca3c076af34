package integration

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/automation/permissions"
	"github.com/apigateway-ingress/apigateway-ingress/examples/component/shop"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud"
	"github.com/apigateway-ingress/apigateway-ingress/policies"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

const examplePool = "arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_Example"

// Every example comes up beside the bookstore, in the same local cloud, does what it is there for, and goes again.
func TestExamples(t *testing.T) {
	t.Parallel()
	base := newEnvironment(t, nil)
	base.up()
	tried := map[string]func(*testing.T, *environment){
		"several-ingresses": testSeveralIngresses, "usage-plans": testUsagePlans, "authorizers": testAuthorizers,
		"custom-domain": testCustomDomain, "services": testServices,
		"private-api": testPrivateAPI, "kube2iam": testKube2IAM, "shared-platform": testSharedPlatform, "existing-cluster": testSharedPlatform,
	}
	for _, name := range exampleStacks(t) {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, tried, name, "every example is tried")
			e := base.beside(t, name)
			if name == "existing-cluster" {
				e.simulate("my-cluster", "bookservice")
			}
			before := base.cloud.Objects()
			e.open(nil)
			_, err := e.session.Stack.Preview(context.Background())
			require.NoError(t, err)
			e.up()
			e.expectNoChanges()
			tried[name](t, e)
			expectPermissions(t, e)
			expectPolicies(t, e)
			_, err = e.session.Updates.Destroy(context.Background(), optdestroy.SuppressProgress())
			require.NoError(t, err)
			if name == "custom-domain" {
				before++ // The validation record stays, because other certificates of the domain share it.
			}
			require.Equal(t, before, base.cloud.Objects(), "destroy leaves nothing")
		})
	}
	require.Equal(t, http.StatusOK, base.get("/api/book/list").status, "the bookstore is as it was")
	_, err := base.session.Updates.Destroy(context.Background(), optdestroy.SuppressProgress())
	require.NoError(t, err)
	require.Equal(t, 1, base.cloud.Objects(), "only the validation record stays")
}

// simulate makes a cluster that no stack owns, with a Service that a stand-in answers.
func (e *environment) simulate(cluster, service string) {
	e.t.Helper()
	require.NoError(e.t, e.cloud.Simulate(context.Background(), localcloud.Simulated{
		Region: "us-east-1", Cluster: cluster,
		Services: []localcloud.SimulatedService{{Namespace: "default", Name: service, Ports: []localcloud.SimulatedPort{{Number: 80}}}},
	}))
}

// expectPermissions: `apigw-ingress iam` knows every type of resource.
func expectPermissions(t *testing.T, e *environment) {
	resources, err := e.session.Resources(context.Background())
	require.NoError(t, err)
	described := permissions.Stack{Partition: "aws", Region: "us-east-1", Account: "111122223333", Project: "p", Stack: e.stack,
		Name: "bookstore"}
	for _, r := range resources {
		if r.Custom && strings.HasPrefix(r.Type, "aws:") {
			described.Resources = append(described.Resources, permissions.Resource{Type: r.Type, Inputs: r.Inputs})
		}
	}
	_, err = described.Policies()
	require.NoError(t, err)
}

// expectPolicies: every resource, as it was declared, keeps to the policies.
func expectPolicies(t *testing.T, e *environment) {
	resources, err := e.session.Resources(context.Background())
	require.NoError(t, err)
	pack, err := policies.Load(context.Background())
	require.NoError(t, err)
	var declared []policies.Resource
	for _, r := range resources {
		declared = append(declared, policies.Resource{Type: r.Type, Name: r.Name(), Inputs: r.Inputs})
	}
	violations, err := pack.CheckAll(context.Background(), declared)
	require.NoError(t, err)
	require.Empty(t, slices.DeleteFunc(violations, func(v policies.Violation) bool { return v.Advisory }))
}

// exampleStacks are the folders with a stack's config.
func exampleStacks(t *testing.T) []string {
	files, err := filepath.Glob(filepath.Join(repository, "examples", "*", "Pulumi.*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var names []string
	for _, file := range files {
		if _, err := os.Stat(filepath.Join(filepath.Dir(file), "Pulumi.yaml")); err == nil {
			continue // A project of its own has a test of its own.
		}
		name := filepath.Base(filepath.Dir(file))
		require.Equal(t, "Pulumi."+name+".yaml", filepath.Base(file))
		names = append(names, name)
	}
	return names
}

// beside is another stack in the same project and local cloud.
func (e *environment) beside(t *testing.T, name string) *environment {
	other := &environment{t: t, root: e.root, state: e.state, stack: name, cloud: e.cloud}
	content, err := os.ReadFile(filepath.Join(e.root, "examples", name, "Pulumi."+name+".yaml"))
	require.NoError(t, err)
	var settings struct {
		Config map[string]any `json:"config"`
	}
	require.NoError(t, yaml.Unmarshal(content, &settings))
	commands := map[string][]string{}
	functions, _ := settings.Config["apigateway-ingress:localFunctions"].(map[string]any)
	for function, command := range functions {
		for _, word := range command.([]any) {
			commands[function] = append(commands[function], fmt.Sprint(word))
		}
	}
	require.NoError(t, e.cloud.AddFunctions(commands))
	content, err = yaml.Marshal(settings)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(e.root, "Pulumi."+name+".yaml"), content, 0o600))
	return other
}

func testSeveralIngresses(t *testing.T, e *environment) {
	require.Equal(t, http.StatusOK, e.get("/api/book/list").status)
	require.Equal(t, http.StatusOK, e.get("/api/author/list").status)
	require.Equal(t, http.StatusForbidden, e.send(http.MethodPost, "/api/book/list", "", nil, true).status, "only GET and HEAD")
	require.Equal(t, http.StatusOK, e.send(http.MethodGet, "/healthz", "", nil, false).status, "a public route")
	require.Equal(t, http.StatusForbidden, e.send(http.MethodGet, "/api/book/list", "", nil, false).status,
		"beside a public route the others stay closed")
	preflight := e.send(http.MethodOptions, "/healthz", "", map[string]string{"Origin": "https://app.example.com",
		"Access-Control-Request-Method": "GET"}, false)
	require.Equal(t, "*", preflight.header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, http.StatusForbidden, e.get("/elsewhere").status, "another group's route")
}

func testUsagePlans(t *testing.T, e *environment) {
	keys, ok := e.outputs()["apiKeys"].Value.(map[string]any)
	require.True(t, ok)
	require.True(t, e.outputs()["apiKeys"].Secret)
	require.Equal(t, http.StatusForbidden, e.get("/api/book/list").status, "signed, but without a key")
	key := func(name string) map[string]string { return map[string]string{"X-Api-Key": keys[name].(string)} }
	require.Equal(t, http.StatusForbidden, e.send(http.MethodGet, "/api/book/list", "", key("acme"), false).status, "a key is no identity")
	limited := 0
	for range 30 {
		if e.send(http.MethodGet, "/api/book/list", "", key("acme"), true).status == http.StatusTooManyRequests {
			limited++
		}
	}
	require.Positive(t, limited, "five at once is what the free plan allows")
	require.Equal(t, http.StatusOK, e.send(http.MethodGet, "/api/book/list", "", key("globex"), true).status)
}

func testAuthorizers(t *testing.T, e *environment) {
	token, err := e.cloud.Token(examplePool, "alice", nil)
	require.NoError(t, err)
	member := map[string]string{"Authorization": token, "Content-Type": "application/json", "X-Idempotency-Key": "1"}
	require.Equal(t, http.StatusOK, e.send(http.MethodGet, "/api/book/list", "", member, false).status)
	stranger := e.send(http.MethodGet, "/api/book/list", "", nil, false)
	require.Equal(t, http.StatusUnauthorized, stranger.status)
	require.Equal(t, "Bearer", stranger.header.Get("WWW-Authenticate"))
	require.Equal(t, http.StatusOK, e.send(http.MethodGet, "/api/author/list", "", map[string]string{"X-Token": "open sesame"}, false).status)
	require.Equal(t, http.StatusForbidden, e.send(http.MethodGet, "/api/author/list", "", map[string]string{"X-Token": "please"},
		false).status)

	require.Equal(t, http.StatusBadRequest, e.send(http.MethodPost, "/api/book", `{"title":""}`, member, false).status,
		"the model wants a title")
	refused := e.send(http.MethodPost, "/api/book", `{"title":"Dune"}`, map[string]string{"Authorization": token}, false)
	require.Contains(t, refused.body, "Missing required request parameters: [X-Idempotency-Key]")
	require.NotEqual(t, http.StatusBadRequest, e.send(http.MethodPost, "/api/book", `{"title":"Dune"}`, member, false).status)
}

func testCustomDomain(t *testing.T, e *environment) {
	require.Equal(t, "https://api.example.com/v1", e.output("domainUrl"))
	require.Equal(t, http.StatusForbidden, e.get("/api/book/list").status, "the execute-api endpoint is off")
	root := strings.TrimSuffix(e.output("apiEndpoint"), "/prod")
	require.Equal(t, http.StatusOK, e.sendTo(http.MethodGet, root+"/v1/api/book/list", "", map[string]string{"Host": "api.example.com"},
		true).status)
	require.Equal(t, http.StatusForbidden, e.sendTo(http.MethodGet, root+"/api/book/list", "",
		map[string]string{"Host": "api.example.com"}, true).status, "outside the base path")
}

func testPrivateAPI(t *testing.T, e *environment) {
	require.Equal(t, http.StatusForbidden, e.get("/api/book/list").status, "not through the VPC endpoint")
	through := map[string]string{"X-Apigw-Api-Id": e.output("restApiId")}
	require.Equal(t, http.StatusOK, e.send(http.MethodGet, "/api/book/list", "", through, true).status)
	require.Equal(t, http.StatusForbidden, e.send(http.MethodGet, "/api/book/list", "", through, false).status)
}

func testKube2IAM(t *testing.T, e *environment) {
	require.Equal(t, http.StatusOK, e.get("/api/book/list").status)
	for _, role := range e.cloud.PodRoles() {
		if role.RoleARN == e.output("podRoleArn") {
			require.Empty(t, role.Refused)
			return
		}
	}
	t.Fatal("no service account has the pod role")
}

func testServices(t *testing.T, e *environment) {
	require.Equal(t, http.StatusOK, e.get("/api/book/list").status)
	require.Equal(t, http.StatusOK, e.get("/api/author/list").status)
}

func testSharedPlatform(t *testing.T, e *environment) {
	require.Equal(t, http.StatusOK, e.get("/api/book/list").status)
	exported, err := e.session.Export(context.Background())
	require.NoError(t, err)
	require.NotContains(t, string(exported), `"aws:eks/cluster:Cluster"`)
	require.NotContains(t, string(exported), `"aws:ec2/vpc:Vpc"`)
}

// What another stack made is published with the consent of its owner only.
func TestServicesOfOthers(t *testing.T) {
	t.Parallel()
	owner := newEnvironment(t, nil)
	owner.up()
	other := owner.beside(t, "shared-platform")
	path := filepath.Join(other.root, "Pulumi.shared-platform.yaml")
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	var settings map[string]map[string]any
	require.NoError(t, yaml.Unmarshal(content, &settings))
	settings["config"]["apigateway-ingress:services"] = []any{map[string]any{"name": "bookservice", "port": 80}}
	settings["config"]["apigateway-ingress:manifests"] = []any{"theirs.yaml"}
	content, err = yaml.Marshal(settings)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(other.root, "theirs.yaml"), []byte(`
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: theirs
  annotations: {apigateway.ingress.kubernetes.io/auth: none}
spec:
  ingressClassName: apigateway
  rules: [{http: {paths: [{path: /api/book, pathType: Prefix, backend: {service: {name: bookservice, port: {number: 80}}}}]}}]
`), 0o600))
	other.open(nil)
	other.up()
	call := func() int { return other.send(http.MethodGet, "/api/book/list", "", nil, false).status }
	require.GreaterOrEqual(t, call(), http.StatusInternalServerError, "the owner did not consent")
	require.Equal(t, http.StatusOK, owner.get("/api/book/list").status)

	require.NoError(t, os.WriteFile(filepath.Join(owner.root, "consent.yaml"), []byte(`
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: preview, namespace: default}
spec:
  from: [{group: networking.k8s.io, kind: Ingress, namespace: preview-proxy}]
  to: [{group: "", kind: Service, name: bookservice}]
`), 0o600))
	owner.setConfig("manifests", []string{"examples/bookstore/ingress.yaml", "consent.yaml"})
	owner.up()
	require.Eventually(t, func() bool { return call() == http.StatusOK }, time.Minute, 50*time.Millisecond, "the owner consented")
	_, err = other.session.Updates.Destroy(context.Background(), optdestroy.SuppressProgress())
	require.NoError(t, err)
	owner.destroy()
}

// A program of one's own, with a second gateway on the cluster.
func TestComponentInAnotherProgram(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t, nil)
	project, err := engine.OpenProject(e.root, "local")
	require.NoError(t, err)
	e.session, err = engine.Open(context.Background(), project, e.state, e.cloud.ProviderPorts(), true, shop.Declare)
	require.NoError(t, err)
	e.up()
	e.expectNoChanges()
	require.Equal(t, http.StatusOK, e.get("/api/author/list").status)
	require.Eventually(t, func() bool {
		for _, name := range []string{"apiEndpoint", "clientAccessKeyId", "clientSecretAccessKey"} {
			partner := strings.Replace(strings.Replace(name, "api", "partners", 1), "client", "partners", 1)
			e.outputs()[name] = e.outputs()[partner]
		}
		return e.get("/api/book/list").status == http.StatusOK
	}, time.Minute, 50*time.Millisecond)
	require.Equal(t, http.StatusForbidden, e.get("/api/author/list").status, "partners do not get authors")
	e.destroy()
}

package integration

import (
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

// testWrittenByTheEngine: neither logs nor checksums, and in the state no stack but the program's own.
func testWrittenByTheEngine(t *testing.T, e *environment) {
	backend := filepath.Join(e.state, "backend")
	require.NoError(t, filepath.WalkDir(backend, func(path string, _ fs.DirEntry, err error) error {
		require.NotEqual(t, ".attrs", filepath.Ext(path), path)
		return err
	}))
	require.FileExists(t, filepath.Join(e.state, "home", "logs"))
	state, err := os.ReadFile(filepath.Join(backend, ".pulumi", "stacks", "apigateway-ingress", "local.json"))
	require.NoError(t, err)
	require.Contains(t, string(state), "components/gateway/gateway.go", "where a resource was declared")
	var document struct {
		Checkpoint struct {
			Latest struct{ Resources []json.RawMessage }
		}
	}
	require.NoError(t, json.Unmarshal(state, &document))
	require.NotEmpty(t, document.Checkpoint.Latest.Resources)
	for _, resource := range document.Checkpoint.Latest.Resources {
		if !strings.Contains(string(resource), `"type":"pulumi:pulumi:Stack"`) {
			require.NotContains(t, string(resource), "go/auto/stack.go")
		}
	}
}

// The life of a stack: preview, up, calls, changes, refresh, restart, destroy.
func TestBookstore(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t, nil)

	preview, err := e.session.Stack.Preview(context.Background(), optpreview.SuppressProgress())
	require.NoError(t, err)
	require.Zero(t, e.cloud.Objects(), "a preview makes nothing")
	created := e.up()
	require.Equal(t, preview.ChangeSummary["create"], created["create"])
	e.expectNoChanges()

	e.expectPodRole()
	t.Run("the engine writes no more than it must", func(t *testing.T) { testWrittenByTheEngine(t, e) })
	t.Run("calls", func(t *testing.T) { testCalls(t, e) })
	t.Run("restart", func(t *testing.T) {
		require.NoError(t, e.cloud.Close())
		e.startCloud()
		e.open(nil)
		require.Eventually(t, e.cloud.Settled, settleTime, pollTime)
		require.Equal(t, http.StatusOK, e.get("/api/book/list").status)
	})
	t.Run("route edit", func(t *testing.T) {
		e.editManifest("path: /api/author", "path: /api/writer")
		changes := e.up()
		require.Positive(t, changes["replace"], "a new deployment")
		require.Equal(t, http.StatusForbidden, e.get("/api/author/list").status, "the old path is gone")
		require.Equal(t, http.StatusNotFound, e.get("/api/writer/list").status, "the service answers on its own paths only")
		require.Equal(t, http.StatusOK, e.get("/api/book/list").status)
		e.editManifest("path: /api/writer", "path: /api/author")
		e.up()
		require.Equal(t, http.StatusOK, e.get("/api/author/list").status)
	})
	t.Run("the same manifest in networking.k8s.io/v1 changes nothing", func(t *testing.T) {
		e.setConfig("manifests", []string{"examples/bookstore/ingress-v1.yaml"})
		e.expectNoChanges()
	})
	t.Run("refresh", func(t *testing.T) {
		result, err := e.session.Stack.Refresh(context.Background())
		require.NoError(t, err)
		for op, n := range *result.Summary.ResourceChanges {
			require.True(t, op == "same" || n == 0, "%s %d", op, n)
		}
	})
	e.destroy()
	_, err = net.Dial("tcp", strings.Split(strings.TrimPrefix(e.output("apiEndpoint"), "http://"), "/")[0])
	require.Error(t, err, "nothing listens any more")
}

func testCalls(t *testing.T, e *environment) {
	list := e.get("/api/book/list")
	require.Equal(t, http.StatusOK, list.status)
	require.Len(t, decode(t, list.body)["books"], 10)
	require.Equal(t, "Kubernetes on AWS", decode(t, e.get("/api/book/9781788390071").body)["title"])
	require.Len(t, decode(t, e.get("/api/author/list").body)["authors"], 13)
	require.Equal(t, "Peter Sbarski", decode(t, e.get("/api/author/Peter-Sbarski").body)["author"])
	require.Equal(t, said{404, "{\"error\":\"no book with ISBN-13 1\"}\n", ""}, e.get("/api/book/1").said, "the service's own answer")

	missing := said{403, `{"message":"Missing Authentication Token"}`, ""}
	require.Equal(t, missing, e.call("/api/book/list", nil).said, "unsigned")
	require.Equal(t, missing, e.get("/api").said, "no such resource")
	require.Equal(t, missing, e.get("/api/bookstore").said, "a prefix ends at a segment")
	foreign := e.call("/api/book/list", &aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "x"})
	require.Equal(t, said{403, `{"message":"The security token included in the request is invalid."}`, ""}, foreign.said)
	forged := e.call("/api/book/list", &aws.Credentials{AccessKeyID: e.output("clientAccessKeyId"), SecretAccessKey: "guess"})
	require.Equal(t, http.StatusForbidden, forged.status)
	require.Contains(t, forged.body, "does not match")
}

// A program that declares something else than it should must fail as it would in AWS.
func TestBrokenGraphs(t *testing.T) {
	for name, c := range map[string]struct {
		change func(args *pulumi.ResourceTransformArgs)
		status int
		reason string
	}{
		"wrong selector": {func(a *pulumi.ResourceTransformArgs) {
			if a.Type == "kubernetes:core/v1:Service" && a.Name == "bookstore-proxy-30080" {
				spec := a.Props["spec"].(pulumi.Map)
				spec["selector"] = pulumi.StringMap{"app.kubernetes.io/name": pulumi.String("nobody")}
			}
		}, 504, "selects no ready pod"},
		"rule for another port": {func(a *pulumi.ResourceTransformArgs) {
			if a.Type == "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule" {
				a.Props["fromPort"], a.Props["toPort"] = pulumi.Float64(443), pulumi.Float64(443)
			}
		}, 504, "lets nothing in to port 30080"},
		"service of another name": {func(a *pulumi.ResourceTransformArgs) {
			if a.Type == "kubernetes:core/v1:Service" && a.Name == "bookstore-bookservice" {
				spec := a.Props["spec"].(pulumi.Map)
				spec["selector"] = pulumi.StringMap{"app.kubernetes.io/name": pulumi.String("nobody")}
			}
		}, 503, ""},
		"a network policy for another range": {func(a *pulumi.ResourceTransformArgs) {
			if spec := networkPolicy(a, "bookstore-proxy"); spec != nil {
				spec["ingress"] = pulumi.Array{pulumi.Map{"from": pulumi.Array{pulumi.Map{"ipBlock": pulumi.Map{"cidr": pulumi.String("192.168.0.0/16")}}}}}
			}
		}, 504, "selects no ready pod"},
		"a network policy that forgets the proxy": {func(a *pulumi.ResourceTransformArgs) {
			if spec := networkPolicy(a, "bookstore-bookservice"); spec != nil {
				spec["ingress"] = pulumi.Array{pulumi.Map{"from": pulumi.Array{pulumi.Map{"podSelector": pulumi.Map{}}}}}
			}
		}, 503, ""},
		"a proxy that may not go to the service": {func(a *pulumi.ResourceTransformArgs) {
			if spec := networkPolicy(a, "bookstore-proxy"); spec != nil {
				spec["egress"] = pulumi.Array{}
			}
		}, 503, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnvironment(t, func(program pulumi.RunFunc) pulumi.RunFunc {
				return func(ctx *pulumi.Context) error {
					err := ctx.RegisterResourceTransform(func(_ context.Context, a *pulumi.ResourceTransformArgs) *pulumi.ResourceTransformResult {
						c.change(a)
						return &pulumi.ResourceTransformResult{Props: a.Props, Opts: a.Opts}
					})
					if err != nil {
						return err
					}
					return program(ctx)
				}
			})
			e.up()
			got := e.get("/api/book/list")
			require.Equal(t, c.status, got.status)
			require.Contains(t, got.reason, c.reason)
			e.destroy()
		})
	}
}

func networkPolicy(a *pulumi.ResourceTransformArgs, name string) pulumi.Map {
	if a.Type != "kubernetes:networking.k8s.io/v1:NetworkPolicy" || a.Name != name {
		return nil
	}
	return a.Props["spec"].(pulumi.Map)
}

// Without a trigger the deployment keeps serving what it was made of.
func TestNoTriggerNoRedeploy(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t, func(program pulumi.RunFunc) pulumi.RunFunc {
		return func(ctx *pulumi.Context) error {
			err := ctx.RegisterResourceTransform(func(_ context.Context, a *pulumi.ResourceTransformArgs) *pulumi.ResourceTransformResult {
				if a.Type == "aws:apigateway/deployment:Deployment" {
					delete(a.Props, "triggers")
				}
				return &pulumi.ResourceTransformResult{Props: a.Props, Opts: a.Opts}
			})
			if err != nil {
				return err
			}
			return program(ctx)
		}
	})
	e.up()
	e.editManifest("path: /api/book", "path: /api/volume")
	e.up()
	require.Equal(t, http.StatusForbidden, e.get("/api/volume/list").status, "the new path is not deployed")
	require.Equal(t, http.StatusOK, e.get("/api/book/list").status, "the old deployment names its backend itself")
	e.destroy()
}

func TestKube2IAM(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t, nil)
	e.setConfig("podRole", "kube2iam")
	e.up()
	require.Equal(t, http.StatusOK, e.get("/api/book/list").status)
	e.expectPodRole()
	e.expectNoChanges()
	e.destroy()
}

// What annotations ask for is what requests get.
func TestRouteAnnotations(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t, nil)
	e.editManifest("    apigateway.ingress.kubernetes.io/client-arns: arn:aws:iam::111122223333:user/bookstore-client\n", "")
	e.editManifest("  annotations:\n", `  annotations:
    apigateway.ingress.kubernetes.io/auth: none
    apigateway.ingress.kubernetes.io/methods: GET
    apigateway.ingress.kubernetes.io/throttle-rate: "0.01"
    apigateway.ingress.kubernetes.io/throttle-burst: "3"
    apigateway.ingress.kubernetes.io/cors-allow-origins: https://app.example.com
`)
	e.up()
	e.expectNoChanges()
	ask := func(method, path, origin string) *http.Response {
		request, err := http.NewRequest(method, e.output("apiEndpoint")+path, nil)
		require.NoError(t, err)
		request.Header.Set("Origin", origin)
		request.Header.Set("Access-Control-Request-Method", "GET")
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		return response
	}
	preflight := ask(http.MethodOptions, "/api/book/list", "https://app.example.com")
	require.Equal(t, http.StatusNoContent, preflight.StatusCode)
	require.Equal(t, "https://app.example.com", preflight.Header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "GET", preflight.Header.Get("Access-Control-Allow-Methods"))
	require.Empty(t, ask(http.MethodOptions, "/api/book/list", "https://evil.example.com").Header.Get("Access-Control-Allow-Origin"))

	require.Equal(t, http.StatusForbidden, ask(http.MethodPost, "/api/book/list", "").StatusCode, "only GET is let through")
	for range 3 {
		answered := ask(http.MethodGet, "/api/book/list", "https://app.example.com")
		require.Equal(t, http.StatusOK, answered.StatusCode, "no signature is needed")
		require.Equal(t, []string{"https://app.example.com"}, answered.Header.Values("Access-Control-Allow-Origin"))
	}
	require.Equal(t, http.StatusTooManyRequests, ask(http.MethodGet, "/api/book/list", "").StatusCode)
	e.destroy()
}

func TestRoutesVerb(t *testing.T) {
	t.Parallel()
	b := newBinary(t)
	var told struct {
		Routes []map[string]any
		Counts map[string]int
	}
	b.json(&told, "routes")
	rows := told.Routes
	require.Len(t, rows, 2)
	require.Equal(t, map[string]int{"served": 1, "served with notices": 0, "refused": 0, "not ours": 0}, told.Counts)
	require.Equal(t, map[string]any{
		"host": "*", "path": "/api/author", "pathType": "Prefix", "methods": []any{"*"}, "auth": "iam", "namespace": "default",
		"service": "authorservice", "port": 80.0, "source": `examples/bookstore/ingress.yaml:1: ingress default/api-95d8427d: rule 1 path 2 "/api/author"`,
	}, rows[0])
	require.Contains(t, b.run("routes", "examples/bookstore").out, "default/bookservice:80")
	require.Contains(t, b.run("routes", "--nginx").out, `location = "/api/book"`)
	require.Equal(t, "3.0.1", decode(t, b.run("routes", "--openapi").out)["openapi"])
	b.edit("examples/bookstore/ingress.yaml", "path: /api/author", "path: api/author")
	o := b.run("routes", "examples/bookstore/ingress.yaml")
	require.Equal(t, 2, o.code)
	require.Contains(t, o.errOut, `rule 1 path 2 "api/author": the path must start with "/"`)
	require.NoDirExists(t, filepath.Join(b.root, ".apigw-ingress"), "routes needs no cloud")
}

// With a domain of its own the API tells hosts apart, and nothing that a client says but the name it calls.
func TestCustomDomain(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t, nil)
	path := filepath.Join(e.root, "examples/bookstore/ingress.yaml")
	require.NoError(t, os.WriteFile(path, []byte(`
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: hosts
  annotations:
    apigateway.ingress.kubernetes.io/custom-domain-name: "*.example.com"
    apigateway.ingress.kubernetes.io/certificate-arn: arn:aws:acm:us-east-1:111122223333:certificate/12345678-1234-1234-1234-123456789012
spec:
  ingressClassName: apigateway
  rules:
  - host: books.example.com
    http: {paths: [{path: /api, pathType: Prefix, backend: {service: {name: bookservice, port: {number: 80}}}}]}
  - host: "*.example.com"
    http: {paths: [{path: /api, pathType: Prefix, backend: {service: {name: authorservice, port: {number: 80}}}}]}
`), 0o600))
	e.up()
	e.expectNoChanges()
	ask := func(host, path string, headers map[string]string) (int, string) {
		address := strings.TrimSuffix(e.output("apiEndpoint"), "/"+e.output("stageName"))
		request, err := http.NewRequest(http.MethodGet, address+path, nil)
		require.NoError(t, err)
		request.Host = host
		for name, value := range headers {
			request.Header.Set(name, value)
		}
		e.sign(request, "", *e.key())
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return response.StatusCode, string(body)
	}
	status, body := ask("books.example.com", "/api/book/9781788390071", nil)
	require.Equal(t, http.StatusOK, status, body)
	status, body = ask("anything.example.com", "/api/author/Peter-Sbarski", nil)
	require.Equal(t, http.StatusOK, status, body)
	status, _ = ask("books.example.com", "/api/author/Peter-Sbarski",
		map[string]string{"X-Forwarded-Host": "anything.example.com", "X-Apigw-Backends": "=default.authorservice.80"})
	require.Equal(t, http.StatusNotFound, status, "books answers, and knows no authors, whatever the headers say")
	status, _ = ask("example.org", "/api/book/9781788390071", nil)
	require.Equal(t, http.StatusForbidden, status, "no domain of the API")
	require.Equal(t, http.StatusNotFound, e.get("/api/book/9781788390071").status, "no rule is for the execute-api name")
	require.NotEmpty(t, e.output("domainTarget"))
	e.destroy()
}

package dataplane

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/awsrules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/cognito"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/functions"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/restapi"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/require"
)

// pods stand for the supervisor: one address behind node port 30080 of the cluster "c".
type pods struct {
	addresses  []string
	generation atomic.Uint64
}

func (p *pods) NodePortEndpoints(cluster string, nodePort int) ([]string, bool) {
	return p.addresses, cluster == "c" && nodePort == 30080
}

func (p *pods) ServiceEndpoints(cluster, namespace, name string, port int) ([]string, bool) {
	return p.addresses, cluster == "c" && namespace == "proxy" && name == "nginx" && port == 80
}

func (p *pods) Generation() uint64 { return p.generation.Load() }

// world is the smallest graph that answers, made through AWS's rules.
type world struct {
	t         testing.TB
	objects   *store.Store
	rules     *awsrules.Rules
	plane     *DataPlane
	pods      *pods
	ids       map[string]*store.Object
	backend   *http.Request
	logs      string
	pools     *cognito.Pools
	functions *functions.Functions
	// stop ends the data plane, and returns when it has ended.
	stop func()
}

const definition = `{"openapi":"3.0.1","paths":{%s},
"components":{"securitySchemes":{"sigv4":{"type":"apiKey","name":"Authorization","in":"header","x-amazon-apigateway-authtype":"awsSigv4"}}}}`

// patience is how long an integration may take, in milliseconds, where the test is not about that.
const patience = 20_000

func path(name, link, uri string) string {
	proxy, parameters, timeout := "", "", patience
	if name == "/slow" {
		timeout = 300
	}
	if strings.HasSuffix(name, "{proxy+}") {
		proxy, parameters = `"integration.request.path.proxy":"method.request.path.proxy",`, `"parameters":[{"name":"proxy","in":"path"}],`
	}
	return fmt.Sprintf(`%q:{"x-amazon-apigateway-any-method":{%s"security":[{"sigv4":[]}],"x-amazon-apigateway-integration":{"type":"http_proxy","httpMethod":"ANY",
		"uri":%q,"connectionType":"VPC_LINK","connectionId":%q,"timeoutInMillis":%d,
		"requestParameters":{%s"integration.request.header.X-Request-Id":"context.requestId"}}}}`,
		name, parameters, uri, link, timeout, proxy)
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, pods: &pods{}, ids: map[string]*store.Object{}, logs: t.TempDir()}
	backend := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.backend = r.Clone(context.Background())
		if r.URL.Path == "/slow" {
			time.Sleep(3 * time.Second)
		}
		rw.Header().Set("X-Backend", "yes")
		rw.WriteHeader(http.StatusTeapot)
		_, _ = rw.Write([]byte("hello"))
	}))
	t.Cleanup(backend.Close)
	w.pods.addresses = []string{backend.Listener.Addr().String()}
	var err error
	w.objects, err = store.Open(t.TempDir())
	require.NoError(t, err)
	w.pools, err = cognito.Open(filepath.Join(t.TempDir(), "cognito.json"))
	require.NoError(t, err)
	w.functions, err = functions.Open(filepath.Join(t.TempDir(), "functions.json"))
	require.NoError(t, err)
	w.plane = New(w.objects, w.pods, w.pools, w.functions, w.logs, slog.New(slog.DiscardHandler))
	w.rules = awsrules.New(w.objects, w.plane, 0)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { w.plane.Run(ctx); close(done) }()
	w.stop = func() { cancel(); <-done }
	t.Cleanup(w.stop)
	w.declare()
	return w
}

func (w *world) make(name, token string, inputs map[string]any) *store.Object {
	w.t.Helper()
	checked, failures, err := w.rules.Check(token, name, nil, inputs, nil)
	require.NoError(w.t, err)
	require.Empty(w.t, failures, name)
	o, err := w.rules.Create(context.Background(), token, "us-east-1", "urn:"+name, checked)
	require.NoError(w.t, err, name)
	w.ids[name] = o
	return o
}

func (w *world) declare() {
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":["eks.amazonaws.com","ec2.amazonaws.com"]}}]}`
	vpc := w.make("vpc", awsrules.VPC, map[string]any{"cidrBlock": "10.0.0.0/16"}).ID
	a := w.make("a", awsrules.Subnet, map[string]any{"vpcId": vpc, "cidrBlock": "10.0.0.0/20", "availabilityZone": "us-east-1a"}).ID
	b := w.make("b", awsrules.Subnet, map[string]any{"vpcId": vpc, "cidrBlock": "10.0.16.0/20", "availabilityZone": "us-east-1b"}).ID
	role := w.make("role", awsrules.Role, map[string]any{"assumeRolePolicy": trust}).Text("arn")
	cluster := w.make("cluster", awsrules.Cluster, map[string]any{"name": "c", "roleArn": role,
		"vpcConfig": map[string]any{"subnetIds": []any{a, b}}})
	group := w.make("nodes", awsrules.NodeGroup, map[string]any{
		"clusterName": "c", "nodeRoleArn": role, "subnetIds": []any{a, b},
		"scalingConfig": map[string]any{"minSize": 1.0, "desiredSize": 2.0, "maxSize": 3.0},
	})
	sg := w.make("sg", awsrules.SecurityGroup, map[string]any{"vpcId": vpc, "name": "balancer"}).ID
	nlb := w.make("nlb", awsrules.LoadBalancer, map[string]any{"loadBalancerType": "network", "internal": true, "subnets": []any{a, b},
		"securityGroups": []any{sg}}).ID
	targets := w.make("targets", awsrules.TargetGroup, map[string]any{"vpcId": vpc, "port": 30080.0, "protocol": "TCP"}).ID
	w.make("listener", awsrules.Listener, map[string]any{"loadBalancerArn": nlb, "port": 80.0, "protocol": "TCP",
		"defaultActions": []any{map[string]any{"type": "forward", "targetGroupArn": targets}}})
	w.make("attachment", awsrules.AutoScalingAttachment, map[string]any{"autoscalingGroupName": awsrules.AutoScalingGroupOf(group),
		"lbTargetGroupArn": targets})
	nodes := awsrules.ClusterSecurityGroup(cluster)
	w.make("egress", awsrules.SecurityGroupEgressRule, map[string]any{"securityGroupId": sg, "referencedSecurityGroupId": nodes,
		"ipProtocol": "tcp", "fromPort": 30080.0, "toPort": 30080.0})
	w.make("ingress", awsrules.SecurityGroupIngressRule, map[string]any{"securityGroupId": nodes, "referencedSecurityGroupId": sg,
		"ipProtocol": "tcp", "fromPort": 30080.0, "toPort": 30080.0})
	link := w.make("link", awsrules.VPCLink, map[string]any{"targetArn": nlb}).ID
	user := w.make("user", awsrules.User, map[string]any{"name": "alice"})
	w.make("key", awsrules.AccessKey, map[string]any{"user": "alice"})
	body := fmt.Sprintf(definition, strings.Join([]string{path("/hello", link, "http://nlb/hello"),
		path("/hello/{proxy+}", link, "http://nlb/hello/{proxy}"), path("/slow", link, "http://nlb/slow")}, ","))
	api := w.make("api", awsrules.RestAPI, map[string]any{"body": body, "policy": policyFor("Allow", user.Text("arn"))}).ID
	deployment := w.make("deployment", awsrules.Deployment, map[string]any{"restApi": api}).ID
	log := w.make("log", awsrules.LogGroup, map[string]any{"name": "access"}).Text("arn")
	w.make("stage", awsrules.Stage, map[string]any{"restApi": api, "deployment": deployment, "stageName": "prod",
		"accessLogSettings": map[string]any{"destinationArn": log,
			"format": `{"status":"$context.status","caller":"$context.identity.userArn","path":"$context.path"}`}})
}

func policyFor(effect, arn string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":%q,"Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*","Condition":{"ArnEquals":{"aws:PrincipalArn":%q}}}]}`, effect, arn)
}

// change updates an object through the rules.
func (w *world) change(name string, inputs map[string]any) {
	w.t.Helper()
	merged := maps.Clone(w.ids[name].Inputs)
	maps.Copy(merged, inputs)
	changed, err := w.rules.Update(w.ids[name].Type, "us-east-1", w.ids[name].ID, merged)
	require.NoError(w.t, err)
	w.ids[name] = changed
}

// drop takes an object away as if it had never been declared, whatever depends on it.
func (w *world) drop(name string) { require.NoError(w.t, w.objects.Delete(w.ids[name])) }

type answered struct {
	status int
	body   string
	header http.Header
}

func (w *world) call(method, path, body string, signed bool) answered {
	w.t.Helper()
	request, err := http.NewRequest(method, w.ids["stage"].Text("invokeUrl")+path, strings.NewReader(body))
	require.NoError(w.t, err)
	if signed {
		sum := sha256.Sum256([]byte(body))
		credentials := aws.Credentials{AccessKeyID: w.ids["key"].ID, SecretAccessKey: w.ids["key"].Text("secret")}
		require.NoError(w.t, v4.NewSigner().SignHTTP(context.Background(), credentials, request, hex.EncodeToString(sum[:]), "execute-api",
			"us-east-1", time.Now()))
	}
	return w.do(request)
}

func (w *world) do(request *http.Request) answered {
	w.t.Helper()
	response, err := http.DefaultClient.Do(request)
	require.NoError(w.t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	require.NoError(w.t, err)
	return answered{response.StatusCode, string(content), response.Header}
}

func TestRequestReachesThePod(t *testing.T) {
	w := newWorld(t)
	a := w.call(http.MethodPost, "/hello/a%20b/c?x=1&x=2", "payload", true)
	require.Equal(t, http.StatusTeapot, a.status)
	require.Equal(t, "hello", a.body)
	require.Equal(t, "yes", a.header.Get("X-Backend"))
	require.NotEmpty(t, a.header.Get("X-Amzn-Requestid"))

	require.Equal(t, "/hello/a%20b/c", w.backend.URL.EscapedPath(), "the stage stays at the gateway")
	require.Equal(t, "x=1&x=2", w.backend.URL.RawQuery)
	require.Equal(t, "nlb", w.backend.Host)
	require.Equal(t, a.header.Get("X-Amzn-Requestid"), w.backend.Header.Get("X-Request-Id"))
	require.Equal(t, "Go-http-client/1.1", w.backend.UserAgent())
	require.Empty(t, w.backend.Header.Get("Authorization"), "a signature is not passed on")
}

func TestRefusalsAreAPIGateways(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		got  answered
		kind string
		body string
	}{
		"unsigned": {w.call(http.MethodGet, "/hello", "", false), "MissingAuthenticationTokenException",
			`{"message":"Missing Authentication Token"}`},
		"unknown path": {w.call(http.MethodGet, "/nothing", "", true), "MissingAuthenticationTokenException",
			`{"message":"Missing Authentication Token"}`},
	} {
		require.Equal(t, http.StatusForbidden, c.got.status, name)
		require.Equal(t, c.kind, c.got.header.Get("X-Amzn-Errortype"), name)
		require.JSONEq(t, c.body, c.got.body, name)
	}
	response, err := http.Get(strings.Replace(w.ids["stage"].Text("invokeUrl"), "/prod", "/dev", 1))
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, "ForbiddenException", response.Header.Get("X-Amzn-Errortype"), "unknown stage")
	long := w.call(http.MethodPost, "/hello", strings.Repeat("x", restapi.RequestBody.Max+1), true)
	require.Equal(t, http.StatusRequestEntityTooLarge, long.status)
	slow := w.call(http.MethodGet, "/slow", "", true)
	require.Equal(t, http.StatusGatewayTimeout, slow.status)
	require.JSONEq(t, `{"message":"Endpoint request timed out"}`, slow.body)
}

// Each case takes one link out of a graph that answers.
func TestEveryLinkIsNeeded(t *testing.T) {
	for name, c := range map[string]struct {
		break_ func(*world)
		status int
		reason string
	}{
		"no VPC link": {func(w *world) { w.drop("link") }, 500, "does not exist"},
		"VPC link is pending": {func(w *world) {
			pending := *w.ids["link"]
			pending.Status = "PENDING"
			require.NoError(w.t, w.objects.Put(&pending))
		}, 500, "is PENDING"},
		"no load balancer":         {func(w *world) { w.drop("nlb") }, 500, "the load balancer of VPC link"},
		"no listener":              {func(w *world) { w.drop("listener") }, 504, "has no listener on port 80"},
		"listener on another port": {func(w *world) { w.change("listener", map[string]any{"port": 81.0}) }, 504, "has no listener on port 80"},
		"no target group":          {func(w *world) { w.drop("targets") }, 504, "has no listener on port 80 that forwards"},
		"no attachment":            {func(w *world) { w.drop("attachment") }, 504, "no Auto Scaling group is attached"},
		"no nodes": {func(w *world) {
			w.change("nodes", map[string]any{"scalingConfig": map[string]any{"minSize": 0.0, "desiredSize": 0.0, "maxSize": 1.0}})
		}, 504, "has no targets"},
		"no egress rule":  {func(w *world) { w.drop("egress") }, 504, "lets nothing out to port 30080"},
		"no ingress rule": {func(w *world) { w.drop("ingress") }, 504, "lets nothing in to port 30080"},
		"ingress on another port": {func(w *world) { w.change("ingress", map[string]any{"fromPort": 443.0, "toPort": 443.0}) }, 504,
			"lets nothing in"},
		"no ready pod": {func(w *world) { w.pods.addresses = nil; w.pods.generation.Add(1) }, 504, "selects no ready pod"},
		"pod refuses":  {func(w *world) { w.pods.addresses = []string{closedPort(w.t)}; w.pods.generation.Add(1) }, 504, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			require.Equal(t, http.StatusTeapot, w.call(http.MethodGet, "/hello", "", true).status)
			c.break_(w)
			a := w.call(http.MethodGet, "/hello", "", true)
			require.Equal(t, c.status, a.status)
			require.Contains(t, a.header.Get("X-Local-Target-Reason"), c.reason)
		})
	}
}

func closedPort(t testing.TB) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

func TestChangesActOnlyAfterADeployment(t *testing.T) {
	w := newWorld(t)
	link := w.ids["link"].ID
	w.change("api", map[string]any{
		"body":   fmt.Sprintf(definition, path("/new", link, "http://nlb/new")),
		"policy": policyFor("Deny", w.ids["user"].Text("arn")),
	})
	require.Equal(t, http.StatusTeapot, w.call(http.MethodGet, "/hello", "", true).status, "the snapshot is still served")
	require.Equal(t, http.StatusForbidden, w.call(http.MethodGet, "/new", "", true).status)

	w.make("deployment2", awsrules.Deployment, map[string]any{"restApi": w.ids["api"].ID, "triggers": map[string]any{"a": "b"}})
	w.change("stage", map[string]any{"deployment": w.ids["deployment2"].ID})
	denied := w.call(http.MethodGet, "/new", "", true)
	require.Equal(t, http.StatusForbidden, denied.status)
	require.Equal(t, "AccessDeniedException", denied.header.Get("X-Amzn-Errortype"))
	require.JSONEq(t, fmt.Sprintf(`{"Message":"User: arn:aws:iam::111122223333:user/alice is not authorized to perform: execute-api:Invoke on resource: arn:aws:execute-api:us-east-1:********3333:%s/prod/GET/new with an explicit deny"}`, w.ids["api"].ID), denied.body)
	require.Equal(t, "MissingAuthenticationTokenException", w.call(http.MethodGet, "/hello", "", true).header.Get("X-Amzn-Errortype"))
}

func TestKeysAndPolicies(t *testing.T) {
	w := newWorld(t)
	w.change("key", map[string]any{"status": "Inactive"})
	require.Equal(t, "UnrecognizedClientException", w.call(http.MethodGet, "/hello", "", true).header.Get("X-Amzn-Errortype"))
	w.change("key", map[string]any{"status": "Active"})
	require.Equal(t, http.StatusTeapot, w.call(http.MethodGet, "/hello", "", true).status)

	w.make("denial", awsrules.UserPolicy, map[string]any{"user": "alice",
		"policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"execute-api:*","Resource":"*"}]}`})
	require.Equal(t, "AccessDeniedException", w.call(http.MethodGet, "/hello", "", true).header.Get("X-Amzn-Errortype"),
		"a Deny of the identity wins")
}

func TestAccessLog(t *testing.T) {
	w := newWorld(t)
	w.call(http.MethodGet, "/hello/%22quoted", "", true)
	w.plane.flushLogs()
	content, err := os.ReadFile(filepath.Join(w.logs, "access.log"))
	require.NoError(t, err)
	var line map[string]string
	require.NoError(t, json.Unmarshal(content, &line))
	require.Equal(t, map[string]string{"status": "418", "caller": "arn:aws:iam::111122223333:user/alice", "path": "/prod/hello/%22quoted"},
		line)
}

func TestPortsAreOpenedAgainAfterARestart(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(context.Background())
	second := New(w.objects, w.pods, w.pools, w.functions, w.logs, slog.New(slog.DiscardHandler))
	w.stop()
	done := make(chan struct{})
	go func() { second.Run(ctx); close(done) }()
	defer func() { cancel(); <-done }()
	require.Eventually(t, func() bool {
		connection, err := net.Dial("tcp", strings.Split(strings.TrimPrefix(w.ids["stage"].Text("invokeUrl"), "http://"), "/")[0])
		return err == nil && connection.Close() == nil
	}, time.Minute, 10*time.Millisecond)
	require.Equal(t, http.StatusTeapot, w.call(http.MethodGet, "/hello", "", true).status)
}

func TestThrottle(t *testing.T) {
	w := newWorld(t)
	w.make("settings", awsrules.MethodSettings, map[string]any{
		"restApi": w.ids["api"].ID, "stageName": "prod", "methodPath": "~1hello/GET",
		"settings": map[string]any{"throttlingRateLimit": 0.001, "throttlingBurstLimit": 2.0},
	})
	for range 2 {
		require.Equal(t, http.StatusTeapot, w.call(http.MethodGet, "/hello", "", true).status)
	}
	refused := w.call(http.MethodGet, "/hello", "", true)
	require.Equal(t, http.StatusTooManyRequests, refused.status)
	require.JSONEq(t, `{"message":"Too Many Requests"}`, refused.body)
	require.Equal(t, http.StatusTeapot, w.call(http.MethodGet, "/hello/other", "", true).status, "another method has its own bucket")
}

func TestCache(t *testing.T) {
	w := newWorld(t)
	answers := 0
	backend := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		answers++
		_, _ = fmt.Fprintf(rw, "%s %d", r.URL.Path, answers)
	}))
	defer backend.Close()
	w.pods.addresses = []string{backend.Listener.Addr().String()}
	w.pods.generation.Add(1)
	cached := strings.Replace(path("/hello/{proxy+}", w.ids["link"].ID, "http://nlb/hello/{proxy}"), `"timeoutInMillis"`,
		`"cacheKeyParameters":["method.request.path.proxy"],"timeoutInMillis"`, 1)
	w.change("api", map[string]any{"body": fmt.Sprintf(definition, cached)})
	w.make("deployment2", awsrules.Deployment, map[string]any{"restApi": w.ids["api"].ID, "triggers": map[string]any{"a": "b"}})
	w.change("stage", map[string]any{"deployment": w.ids["deployment2"].ID})
	w.make("settings", awsrules.MethodSettings, map[string]any{
		"restApi": w.ids["api"].ID, "stageName": "prod", "methodPath": "~1hello~1{proxy+}/GET",
		"settings": map[string]any{"cachingEnabled": true, "cacheTtlInSeconds": 60.0},
	})
	require.Equal(t, "/hello/a 1", w.call(http.MethodGet, "/hello/a", "", true).body)
	require.Equal(t, "/hello/b 2", w.call(http.MethodGet, "/hello/b", "", true).body, "the path is part of the key")
	require.Equal(t, "/hello/a 1", w.call(http.MethodGet, "/hello/a", "", true).body)
	require.Equal(t, http.StatusForbidden, w.call(http.MethodGet, "/hello/a", "", false).status,
		"who may not ask is not answered from the cache")
}

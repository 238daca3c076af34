package awscloud

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/identity"
	"github.com/stretchr/testify/require"
)

const executionARN = "arn:aws:execute-api:eu-west-1:111122223333:abc123"

// fake is AWS as this package sees it: an HTTP server that answers each API in its own protocol.
type fake struct {
	t          *testing.T
	kubernetes *httptest.Server
	// answers overrides what an operation answers; a status below 400 is a success.
	answers map[string]string

	mu     sync.Mutex
	tokens []string
	// asked are the parameters of the last question for a log, and bodies what was sent to CloudWatch.
	asked  url.Values
	bodies []string
}

func newFake(t *testing.T) (*fake, *Account) {
	t.Helper()
	f := &fake{t: t, answers: map[string]string{}}
	server := httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(server.Close)
	f.kubernetes = httptest.NewTLSServer(http.HandlerFunc(f.serveKubernetes))
	t.Cleanup(f.kubernetes.Close)
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	account, err := Connect(t.Context(), "eu-west-1", "")
	require.NoError(t, err)
	return f, account
}

// policyText is as API Gateway returns a policy: with backslashes, and with the API's ARN written out.
var policyText = strings.NewReplacer(`"`, `\"`, `/`, `\/`).Replace(
	`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":["execute-api:Invoke"],"Resource":"` + executionARN + `/*"}}`)

const declaredPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:root"]},"Action":"execute-api:Invoke","Resource":["execute-api:/*"]}]}`

func jsonText(value any) string {
	encoded, _ := json.Marshal(value)
	return string(encoded)
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		f.t.Error(err)
	}
	operation := r.Method + " " + r.URL.Path
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		operation = target[strings.LastIndexByte(target, '.')+1:]
	} else if form, err := url.ParseQuery(string(body)); err == nil && form.Has("Action") {
		operation = form.Get("Action")
	}
	if operation == "FilterLogEvents" {
		f.bodies = append(f.bodies, string(body))
	}
	answer, ok := f.answers[operation]
	if !ok {
		answer, ok = f.usual(operation)
	}
	if !ok {
		f.t.Errorf("unexpected operation %s", operation)
	}
	if status, kind, failed := strings.Cut(answer, "!"); failed {
		w.Header().Set("X-Amzn-Errortype", kind)
		code := http.StatusInternalServerError
		_, _ = fmt.Sscan(status, &code)
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"message": %q}`, kind)
		return
	}
	fmt.Fprint(w, answer)
}

func (f *fake) usual(operation string) (string, bool) {
	authority := base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.kubernetes.Certificate().Raw}))
	answers := map[string]string{
		"GET /restapis/abc123":             jsonText(map[string]any{"id": "abc123", "policy": policyText}),
		"GET /restapis/abc123/stages/prod": `{"deploymentId": "d1", "stageName": "prod"}`,
		"GET /vpclinks/link":               `{"id": "link", "status": "AVAILABLE"}`,
		"GET /vpclinks":                    `{"item": [{"id": "a"}, {"id": "b"}]}`,
		"DescribeLoadBalancers":            `<DescribeLoadBalancersResponse><DescribeLoadBalancersResult><LoadBalancers><member><Type>network</Type><State><Code>active</Code></State></member><member><Type>application</Type></member></LoadBalancers></DescribeLoadBalancersResult></DescribeLoadBalancersResponse>`,
		"DescribeTargetHealth":             targetHealth("healthy", "unhealthy"),
		"GET /clusters/shop": jsonText(map[string]any{"cluster": map[string]any{"name": "shop", "status": "ACTIVE",
			"endpoint": f.kubernetes.URL, "certificateAuthority": map[string]any{"data": authority}}}),
		"GET /clusters":                    `{"clusters": ["shop"]}`,
		"GET /clusters/shop/node-groups/n": `{"nodegroup": {"status": "ACTIVE"}}`,
		"DescribeVpcs":                     `<DescribeVpcsResponse><vpcSet><item/><item/><item/><item/><item/></vpcSet></DescribeVpcsResponse>`,
		"DescribeAddresses":                `<DescribeAddressesResponse><addressesSet><item/></addressesSet></DescribeAddressesResponse>`,
		"GetServiceQuota":                  `{"Quota": {"Value": 5}}`,
	}
	answer, ok := answers[operation]
	return answer, ok
}

func targetHealth(states ...string) string {
	text := "<DescribeTargetHealthResponse><DescribeTargetHealthResult><TargetHealthDescriptions>"
	for _, state := range states {
		text += "<member><TargetHealth><State>" + state + "</State>"
		if state != "healthy" {
			text += "<Reason>Target.FailedHealthChecks</Reason><Description>Health checks failed</Description>"
		}
		text += "</TargetHealth></member>"
	}
	return text + "</TargetHealthDescriptions></DescribeTargetHealthResult></DescribeTargetHealthResponse>"
}

func (f *fake) serveKubernetes(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.tokens = append(f.tokens, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	f.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/apis/apps/v1/namespaces/default/deployments/bookservice":
		fmt.Fprint(w, `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"bookservice"},"spec":{"replicas":2},"status":{"readyReplicas":2}}`)
	case "/apis/apps/v1/namespaces/default/deployments/authorservice":
		fmt.Fprint(w, `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"authorservice"},"spec":{"replicas":2},"status":{"conditions":[{"type":"Available","status":"False","message":"Deployment does not have minimum availability."}]}}`)
	case "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices":
		slice := `{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"a"},"addressType":"IPv4","endpoints":[%s]}`
		endpoints := map[string]string{
			"kubernetes.io/service-name=front-end": `{"addresses":["10.0.0.1"],"conditions":{"ready":true}},{"addresses":["10.0.0.2"],"conditions":{"ready":false}}`,
			"kubernetes.io/service-name=idle":      "",
		}[r.URL.Query().Get("labelSelector")]
		fmt.Fprintf(w, `{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSliceList","items":[`+slice+`]}`, endpoints)
	case "/apis/apps/v1/namespaces/default/deployments/crashing":
		fmt.Fprint(w, `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"crashing"},"spec":{"replicas":3,`+
			`"selector":{"matchLabels":{"app":"crashing"}}},"status":{"readyReplicas":2}}`)
	case "/api/v1/namespaces/default/pods":
		if r.URL.Query().Get("labelSelector") == "app=crashing" {
			fmt.Fprint(w, `{"apiVersion":"v1","kind":"PodList","items":[{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},`+
				`"status":{"containerStatuses":[{"ready":true}]}},{"apiVersion":"v1","kind":"Pod","metadata":{"name":"b"},"status":`+
				`{"containerStatuses":[{"restartCount":4,"state":{"waiting":{"reason":"CrashLoopBackOff"}},"lastState":{"terminated":`+
				`{"exitCode":3}}}]}}]}`)
			return
		}
		require.Equal(f.t, "app.kubernetes.io/name=bookservice", r.URL.Query().Get("labelSelector"))
		fmt.Fprint(w, `{"apiVersion":"v1","kind":"PodList","items":[{"metadata":{"namespace":"default","name":"bookservice-1"},`+
			`"spec":{"containers":[{"readinessProbe":{"httpGet":{"path":"/readyz","port":80}}}]}}]}`)
	case "/api/v1/namespaces/default/pods/bookservice-1/log":
		f.asked = r.URL.Query()
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprint(w, "2026-12-01T10:00:00.5Z {\"msg\":\"hello\"}\n2026-12-01T10:00:01Z no line end")
	default:
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"apiVersion":"v1","kind":"Status","status":"Failure","reason":"NotFound","code":404}`)
	}
}

func stack() []engine.Resource {
	urn := func(token, name string) string { return "urn:pulumi:dev::shop::" + token + "::" + name }
	resource := func(token, name, id string, inputs map[string]any) engine.Resource {
		return engine.Resource{URN: urn(token, name), Type: token, ID: id, Custom: true, Inputs: inputs}
	}
	api := resource("aws:apigateway/restApi:RestApi", "api", "abc123", map[string]any{"policy": declaredPolicy})
	api.Outputs = map[string]any{"executionArn": executionARN}
	return []engine.Resource{
		api,
		resource("aws:apigateway/stage:Stage", "prod", "s", map[string]any{"restApi": "abc123", "stageName": "prod", "deployment": "d1"}),
		resource("aws:apigateway/vpcLink:VpcLink", "main", "link", nil),
		resource("aws:lb/loadBalancer:LoadBalancer", "nlb", "arn:nlb", nil),
		resource("aws:lb/targetGroup:TargetGroup", "targets", "arn:targets", nil),
		resource("aws:eks/cluster:Cluster", "cluster", "shop", nil),
		resource("aws:eks/nodeGroup:NodeGroup", "nodes", "shop:n", nil),
		resource("kubernetes:apps/v1:Deployment", "books", "default/bookservice", nil),
	}
}

func TestChainThatWorks(t *testing.T) {
	f, account := newFake(t)
	var lines []string
	for _, hop := range account.Chain(t.Context(), stack(), "shop") {
		lines = append(lines, fmt.Sprintf("%s: %s, %s", hop.Name, hop.Health, hop.Detail))
	}
	require.Equal(t, []string{
		"stage prod: ok, serves deployment d1",
		"resource policy api: ok, as declared",
		"VPC link main: ok, AVAILABLE",
		"load balancer nlb: ok, active",
		"target group targets: ok, 1 of 2 targets healthy: unhealthy Health checks failed",
		"cluster cluster: ok, ACTIVE",
		"node group nodes: ok, ACTIVE",
		"Deployment books: ok, 2 of 2 pods ready",
	}, lines)
	require.NoError(t, account.CheckPolicies(t.Context(), stack()))

	// What the cluster is shown for credentials is a request that STS would take, for this cluster alone.
	require.Len(t, f.tokens, 1)
	encoded, ok := strings.CutPrefix(f.tokens[0], "k8s-aws-v1.")
	require.True(t, ok)
	presigned, err := base64.RawURLEncoding.DecodeString(encoded)
	require.NoError(t, err)
	request := httptest.NewRequest(http.MethodGet, string(presigned), nil)
	require.Equal(t, "60", request.URL.Query().Get("X-Amz-Expires"))
	verifier := identity.Verifier{Region: "eu-west-1", Service: "sts", Now: time.Now, Lookup: func(string) (identity.Key, bool) {
		return identity.Key{Secret: "secret", Active: true}, true
	}}
	request.Header.Set(clusterHeader, "other")
	_, refusal := verifier.Verify(request, nil)
	require.NotNil(t, refusal, "for another cluster it is worth nothing")
	request.Header.Set(clusterHeader, "shop")
	_, refusal = verifier.Verify(request, nil)
	require.Nil(t, refusal)
}

// Each hop that does not work is told apart, with the cause that AWS gives; and what cannot be asked is not called broken.
func TestHopsThatDoNotWork(t *testing.T) {
	for _, c := range []struct {
		operation, answer, hop string
		health                 Health
		detail                 string
	}{
		{"GET /restapis/abc123/stages/prod", `{"deploymentId": "d7"}`, "stage prod", Broken, "it serves deployment d7, and the stack made d1"},
		{"GET /restapis/abc123/stages/prod", "404!NotFoundException", "stage prod", Broken, "it is gone"},
		{"GET /restapis/abc123/stages/prod", "403!AccessDeniedException", "stage prod", Unknown, "AccessDenied"},
		{"GET /restapis/abc123", `{"id": "abc123"}`, "resource policy api", Broken, "it is gone"},
		{"GET /restapis/abc123", jsonText(map[string]any{"policy": strings.ReplaceAll(policyText, "root", "user\\/eve")}),
			"resource policy api", Broken, "it was changed"},
		{"GET /vpclinks/link", `{"status": "FAILED", "statusMessage": "NLB is in the wrong state"}`, "VPC link main", Broken,
			"FAILED NLB is in the wrong state; only a new one helps: run pulumi destroy --target"},
		{"DescribeLoadBalancers", `<R><DescribeLoadBalancersResult><LoadBalancers><member><State><Code>failed</Code><Reason>no addresses</Reason></State></member></LoadBalancers></DescribeLoadBalancersResult></R>`, "load balancer nlb", Broken, "failed no addresses"},
		{"DescribeTargetHealth", targetHealth("unhealthy", "unhealthy"), "target group targets", Broken,
			"0 of 2 targets healthy: unhealthy Health checks failed"},
		{"DescribeTargetHealth", targetHealth(), "target group targets", Broken, "0 of 0 targets healthy"},
		{"GET /clusters/shop/node-groups/n", `{"nodegroup": {"status": "CREATE_FAILED", "health": {"issues": [{"code": "NodeCreationFailure", "message": "Instances failed to join"}]}}}`, "node group nodes", Broken, "CREATE_FAILED; NodeCreationFailure: Instances failed to join"},
		{"GET /clusters/shop", "404!ResourceNotFoundException", "Deployment books", Unknown, "ResourceNotFound"},
	} {
		t.Run(c.hop+" "+c.detail, func(t *testing.T) {
			f, account := newFake(t)
			f.answers[c.operation] = c.answer
			for _, hop := range account.Chain(t.Context(), stack(), "shop") {
				if hop.Name == c.hop {
					require.Equal(t, c.health, hop.Health, hop.Detail)
					require.Contains(t, hop.Detail, c.detail)
					return
				}
			}
			t.Fatal("the hop is not there")
		})
	}
}

// Services that the stack only reads are told by their endpoints; those that it makes by their Deployments.
func TestPublishedServices(t *testing.T) {
	_, account := newFake(t)
	const token = "kubernetes:core/v1:Service"
	hops := account.Chain(t.Context(), []engine.Resource{
		{URN: "u::a", Type: token, ID: "shop/front-end", External: true},
		{URN: "u::b", Type: token, ID: "shop/idle", External: true},
		{URN: "u::c", Type: token, ID: "shop/own"},
	}, "shop")
	require.Equal(t, []Hop{
		{Name: "service a", URN: "u::a", Health: Healthy, Detail: "shop/front-end: 1 of 2 endpoints ready"},
		{Name: "service b", URN: "u::b", Health: Broken, Detail: "shop/idle: 0 of 0 endpoints ready"},
	}, hops)
}

func TestPodsThatAreNotThere(t *testing.T) {
	_, account := newFake(t)
	resources := []engine.Resource{
		{URN: "u::a", Type: "kubernetes:apps/v1:Deployment", ID: "default/authorservice"},
		{URN: "u::b", Type: "kubernetes:apps/v1:Deployment", ID: "default/gone"},
	}
	hops := account.Chain(t.Context(), resources, "shop")
	require.Equal(t, Broken, hops[0].Health)
	require.Equal(t, "0 of 2 pods ready: Deployment does not have minimum availability.", hops[0].Detail)
	require.Equal(t, Broken, hops[1].Health)
	require.Contains(t, hops[1].Detail, "it is gone")
}

// A workload that serves with some of its pods is degraded, and the first pod that waits says why.
func TestPodsThatCrash(t *testing.T) {
	_, account := newFake(t)
	hops := account.Chain(t.Context(), []engine.Resource{{URN: "u::a", Type: "kubernetes:apps/v1:Deployment", ID: "default/crashing"}}, "shop")
	require.Equal(t, []Hop{{Name: "Deployment a", URN: "u::a", Health: Degraded,
		Detail: "2 of 3 pods ready: CrashLoopBackOff, exit 3, restarted 4 times"}}, hops)
}

func TestPolicyInForce(t *testing.T) {
	f, account := newFake(t)
	f.answers["GET /restapis/abc123"] = jsonText(map[string]any{"policy": strings.ReplaceAll(policyText, "root", "user\\/eve")})
	require.ErrorIs(t, account.CheckPolicies(t.Context(), stack()), ErrPolicy)
	f.answers["GET /restapis/abc123"] = "403!AccessDeniedException"
	err := account.CheckPolicies(t.Context(), stack())
	require.NotErrorIs(t, err, ErrPolicy)
	require.ErrorContains(t, err, "cannot be read back")
}

func TestQuotas(t *testing.T) {
	_, account := newFake(t)
	enough := map[string]string{}
	for _, q := range account.Quotas(context.Background(), Needs{VPCs: 1, ElasticIPs: 1, Clusters: 1, LoadBalancers: 1, VPCLinks: 4}) {
		require.NoError(t, q.Err)
		enough[q.Name] = fmt.Sprintf("%d+%d of %d: %v", q.Used, q.Needed, q.Most, q.Enough())
	}
	require.Equal(t, map[string]string{
		"VPCs per Region": "5+1 of 5: false", "EC2-VPC Elastic IPs": "1+1 of 5: true", "EKS clusters": "1+1 of 5: true",
		"Network Load Balancers per Region": "1+1 of 5: true", "VPC links per Region": "2+4 of 5: false",
	}, enough)
	require.Empty(t, account.Quotas(context.Background(), Needs{}), "what is not needed is not asked for")
}

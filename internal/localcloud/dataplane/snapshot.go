package dataplane

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/awsrules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/identity"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/restapi"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
)

// snapshot is everything that requests need, computed from the objects as they are at one moment.
type snapshot struct {
	storeGeneration, podGeneration uint64

	apis     map[string]*api
	policies map[string][]*identity.Policy
	keys     map[string]identity.Key
	// functionPolicies say who may invoke a Lambda function.
	functionPolicies map[functionKey]*identity.Policy

	// hops are resolved when first asked for.
	mu   sync.RWMutex
	hops map[hopKey]*hop
}

type hopKey struct {
	link string
	uri  string
}

type api struct {
	id, region string
	stages     map[string]*stage
	// domains are the custom domains that lead to this API.
	domains map[string]mapping
	// vpcEndpoints are those for which API Gateway keeps a DNS record, as soon as they are associated.
	vpcEndpoints []string
	verifier     *identity.Verifier
}

// mapping is the stage to which a domain leads, below a prefix that is empty or starts with a slash.
type mapping struct{ stage, prefix string }

type stage struct {
	name      string
	variables map[string]string
	release
	// canary is nil without one; it gets percent of the requests.
	canary  *release
	percent float64
	log     *accessLog
	methods map[string]*methodSettings
	// keys are the API keys of the stage's usage plans, by their values.
	keys map[string]*meter
}

// release is what a deployment serves.
type release struct {
	deployment string
	definition *restapi.Definition
	policy     *identity.Policy
	// onlyDomain says that the execute-api endpoint is off.
	onlyDomain bool
	// private APIs are called through their VPC endpoints.
	private bool
	// apiKeys are the ids of the keys that were enabled.
	apiKeys []string
}

// choose draws a release for a request.
func (s *stage) choose() *release {
	if s.canary != nil && rand.Float64()*100 < s.percent { //nolint:gosec // a share of the traffic is no secret
		return s.canary
	}
	return &s.release
}

// current returns a snapshot of now, made anew when anything has changed.
func (d *DataPlane) current() *snapshot {
	if s := d.snapshot.Load(); s != nil && s.storeGeneration == d.store.Generation() && s.podGeneration == d.cluster.Generation() {
		return s
	}
	d.rebuild.Lock()
	defer d.rebuild.Unlock()
	if s := d.snapshot.Load(); s != nil && s.storeGeneration == d.store.Generation() && s.podGeneration == d.cluster.Generation() {
		return s
	}
	fresh := d.newSnapshot()
	d.snapshot.Store(fresh)
	return fresh
}

func (d *DataPlane) newSnapshot() *snapshot {
	s := &snapshot{
		storeGeneration: d.store.Generation(), podGeneration: d.cluster.Generation(),
		apis: map[string]*api{}, policies: map[string][]*identity.Policy{}, keys: map[string]identity.Key{}, hops: map[hopKey]*hop{},
	}
	for _, o := range d.store.List(awsrules.AccessKey) {
		if user := d.store.Get(awsrules.User, o.Text("user")); user != nil {
			s.keys[o.ID] = identity.Key{
				Secret: o.Text("secret"), Active: o.Text("status") == "Active",
				Principal: identity.Principal{ARN: user.Text("arn"), Account: awsrules.Account, UserName: user.ID, UserID: user.Text("uniqueId")},
			}
		}
	}
	for _, o := range d.store.List(awsrules.UserPolicy) {
		policy, err := identity.ParsePolicy(o.Text("policy"))
		user := d.store.Get(awsrules.User, o.Text("user"))
		if err != nil || user == nil {
			d.log.Error("user policy is left out", "policy", o.ID, "error", fmt.Sprint(err))
			continue
		}
		arn := user.Text("arn")
		s.policies[arn] = append(s.policies[arn], policy)
	}
	for _, o := range d.store.List(awsrules.RestAPI) {
		s.apis[o.ID] = d.newAPI(o)
	}
	s.functionPolicies = d.newFunctionPolicies()
	return s
}

type functionKey struct{ arn, qualifier string }

// newFunctionPolicies reads each function's permissions as what they are, statements of one policy.
func (d *DataPlane) newFunctionPolicies() map[functionKey]*identity.Policy {
	statements := map[functionKey][]any{}
	for _, o := range d.store.List(awsrules.LambdaPermission) {
		condition := map[string]map[string]string{}
		if arn := o.Text("sourceArn"); arn != "" {
			condition["ArnLike"] = map[string]string{"aws:SourceArn": arn}
		}
		if account := o.Text("sourceAccount"); account != "" {
			condition["StringEquals"] = map[string]string{"aws:SourceAccount": account}
		}
		key := functionKey{o.Text("function"), o.Text("qualifier")}
		statements[key] = append(statements[key], map[string]any{
			"Effect": "Allow", "Action": o.Text("action"), "Principal": map[string]string{"Service": o.Text("principal")},
			"Resource": o.Text("function"), "Condition": condition,
		})
	}
	policies := map[functionKey]*identity.Policy{}
	for key, list := range statements {
		policy, err := identity.PolicyOf(map[string]any{"Statement": list})
		if err != nil {
			d.log.Error("permissions are left out", "function", key.arn, "error", err.Error())
			continue
		}
		policies[key] = policy
	}
	return policies
}

func (d *DataPlane) newAPI(o *store.Object) *api {
	region := strings.Split(o.Text("arn")+":::::", ":")[3]
	a := &api{id: o.ID, region: region, stages: map[string]*stage{}, domains: map[string]mapping{}, verifier: d.verifier(region)}
	a.vpcEndpoints = o.Inputs.Texts("endpointConfiguration.vpcEndpointIds[]")
	for _, st := range d.store.List(awsrules.Stage) {
		if st.Text("restApi") != o.ID {
			continue
		}
		built, err := d.newStage(a, st)
		if err != nil {
			d.log.Error("stage is not served", "stage", st.ID, "error", err.Error())
			continue
		}
		a.stages[built.name] = built
	}
	for _, m := range d.store.List(awsrules.BasePathMapping) {
		if m.Text("restApi") == o.ID {
			prefix := m.Text("basePath")
			if prefix != "" {
				prefix = "/" + prefix
			}
			a.domains[m.Text("domainName")] = mapping{m.Text("stageName"), prefix}
		}
	}
	return a
}

// mappingOf is where a custom domain leads; a domain *.name stands for one label in front of name.
func (a *api) mappingOf(host string) (mapping, bool) {
	if found, ok := a.domains[host]; ok {
		return found, true
	}
	if _, rest, ok := strings.Cut(host, "."); ok {
		found, ok := a.domains["*."+rest]
		return found, ok
	}
	return mapping{}, false
}

func (d *DataPlane) newStage(a *api, o *store.Object) (*stage, error) {
	main, err := d.newRelease(a, o.Text("deployment"))
	if err != nil {
		return nil, err
	}
	name := o.Text("stageName")
	s := &stage{name: name, release: *main, variables: map[string]string{}, log: d.accessLogOf(o), methods: d.settingsOf(a.id, name),
		keys: d.plansOf(a.id, name)}
	variables, _ := o.Inputs["variables"].(map[string]any)
	for key, value := range variables {
		s.variables[key] = fmt.Sprint(value)
	}
	if canary, ok := o.Inputs["canarySettings"].(map[string]any); ok {
		deployment, _ := canary["deploymentId"].(string)
		s.percent, _ = canary["percentTraffic"].(float64)
		s.canary, err = d.newRelease(a, deployment)
	}
	return s, err
}

// newRelease reads what was true when a deployment was made.
func (d *DataPlane) newRelease(a *api, id string) (*release, error) {
	deployment := d.store.Get(awsrules.Deployment, id)
	if deployment == nil {
		return nil, fmt.Errorf("deployment %s does not exist", id)
	}
	frozen := deployment.Private.Object("api")
	definition, err := restapi.Parse([]byte(frozen.Text("body")))
	if err != nil {
		return nil, err
	}
	// A relative resource means this API.
	absolute := fmt.Sprintf(`"arn:%s:execute-api:%s:%s:%s/`, awsrules.Partition(a.region), a.region, awsrules.Account, a.id)
	policy, err := identity.ParsePolicy(strings.ReplaceAll(frozen.Text("policy"), `"execute-api:/`, absolute))
	if err != nil {
		return nil, err
	}
	return &release{
		deployment: id, definition: definition, policy: policy, apiKeys: deployment.Private.Texts("apiKeys[]"),
		onlyDomain: frozen.True("disableExecuteApiEndpoint"), private: frozen.Text("endpointConfiguration.types") == "PRIVATE",
	}, nil
}

// verifier is kept for a region, because it remembers signing keys.
func (d *DataPlane) verifier(region string) *identity.Verifier {
	if known, ok := d.verifiers.Load(region); ok {
		return known.(*identity.Verifier)
	}
	made := &identity.Verifier{Region: region, Service: "execute-api", Now: d.now, Used: d.keyUses.note,
		Lookup: func(id string) (identity.Key, bool) {
			key, ok := d.current().keys[id]
			return key, ok
		}}
	actual, _ := d.verifiers.LoadOrStore(region, made)
	return actual.(*identity.Verifier)
}

func (s *snapshot) hop(d *DataPlane, integration restapi.Integration) *hop {
	key := hopKey{integration.ConnectionID, integration.URI}
	s.mu.RLock()
	known := s.hops[key]
	s.mu.RUnlock()
	if known != nil && (known.expires.IsZero() || time.Now().Before(known.expires)) {
		return known
	}
	resolved := d.resolve(integration)
	s.mu.Lock()
	s.hops[key] = &resolved
	s.mu.Unlock()
	return &resolved
}

// next takes the addresses in turn.
func (h *hop) next(turn *atomic.Uint64) string {
	return h.addresses[turn.Add(1)%uint64(len(h.addresses))]
}

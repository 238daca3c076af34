package dataplane

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

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
	// domains are the custom domains that lead to this API, and the stages to which they lead.
	domains  map[string]string
	verifier *identity.Verifier
}

type stage struct {
	name       string
	definition *restapi.Definition
	policy     *identity.Policy
	log        *accessLog
	methods    map[string]*methodSettings
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
	return s
}

func (d *DataPlane) newAPI(o *store.Object) *api {
	region := strings.Split(o.Text("arn")+":::::", ":")[3]
	a := &api{id: o.ID, region: region, stages: map[string]*stage{}, domains: map[string]string{}, verifier: d.verifier(region)}
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
	for _, mapping := range d.store.List(awsrules.BasePathMapping) {
		if mapping.Text("restApi") == o.ID {
			a.domains[mapping.Text("domainName")] = mapping.Text("stageName")
		}
	}
	return a
}

// stageOf is the stage to which a custom domain leads; a domain *.name stands for one label in front of name.
func (a *api) stageOf(host string) *stage {
	if name, ok := a.domains[host]; ok {
		return a.stages[name]
	}
	if _, rest, ok := strings.Cut(host, "."); ok {
		return a.stages[a.domains["*."+rest]]
	}
	return nil
}

// newStage reads what was true when the stage's deployment was made.
func (d *DataPlane) newStage(a *api, o *store.Object) (*stage, error) {
	deployment := d.store.Get(awsrules.Deployment, o.Text("deployment"))
	if deployment == nil {
		return nil, fmt.Errorf("deployment %s does not exist", o.Text("deployment"))
	}
	body, _ := deployment.Private["body"].(string)
	definition, err := restapi.Parse([]byte(body))
	if err != nil {
		return nil, err
	}
	text, _ := deployment.Private["policy"].(string)
	// A relative resource means this API.
	absolute := fmt.Sprintf(`"arn:%s:execute-api:%s:%s:%s/`, awsrules.Partition, a.region, awsrules.Account, a.id)
	policy, err := identity.ParsePolicy(strings.ReplaceAll(text, `"execute-api:/`, absolute))
	if err != nil {
		return nil, err
	}
	return &stage{name: o.Text("stageName"), definition: definition, policy: policy, log: d.accessLogOf(o), methods: d.settingsOf(a.id, o.Text("stageName"))}, nil
}

// verifier is kept for a region, because it remembers signing keys.
func (d *DataPlane) verifier(region string) *identity.Verifier {
	if known, ok := d.verifiers.Load(region); ok {
		return known.(*identity.Verifier)
	}
	made := &identity.Verifier{Region: region, Service: "execute-api", Now: d.now, Lookup: func(id string) (identity.Key, bool) {
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
	if known != nil {
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

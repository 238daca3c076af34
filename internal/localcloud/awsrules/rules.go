// Package awsrules is what AWS enforces on the resource types that the program uses: inputs, unique names,
// references that must exist, the order of deletion, replacement instead of update, and life-cycle states.
// Each type is one entry of a table; what entries share is here.
package awsrules

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/faults"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
)

// rule describes one resource type. Zero fields mean that AWS has no such rule for it.
type rule struct {
	token string
	// args is the SDK's argument type, a nil pointer: it names the inputs. nil where the program writes a type out itself.
	args any
	// autoName is the property that gets the resource's name and a random suffix when it is not set.
	autoName string
	// maxName is the longest value of autoName.
	maxName int
	// unique is the property whose value no other object of the type may have.
	unique string
	// required lists that must not be empty and properties that the SDK leaves optional.
	required []string
	// replace names the inputs whose change makes a new object.
	replace  []string
	defaults map[string]any
	refs     []ref
	// check reports what else is wrong with the inputs.
	check func(inputs map[string]any) []schema.Failure
	// id makes the object's id.
	id func(c *call) string
	// outputs are the attributes besides the inputs.
	outputs func(c *call) map[string]any
	// stable names the outputs that can be told before the object exists.
	stable []string
	// prepare runs before the object is stored or changed, may refuse it, and may fill its Private part.
	prepare func(c *call) error
	// created and deleted run after the object was stored or removed.
	created, deleted func(c *call) error
	// mayDelete refuses a deletion for reasons that refs do not show.
	mayDelete func(c *call) error
	// pending and ready are the states during and after creation; failed is the one in which it may end instead, and
	// reason an example of what AWS says then.
	pending, ready, failed, reason string
	// createTakes and deleteTakes are how long AWS usually needs.
	createTakes, deleteTakes time.Duration
	// quick says of some that they take hardly any time.
	quick func(inputs map[string]any) bool
}

// ref says that an input names another object.
type ref struct {
	// path is the input, with [] for each element of a list: "vpcConfig.subnetIds[]".
	path string
	// to is the type that is named, by attr or else by id.
	to, attr string
	// missing is the API error when the object does not exist.
	missing string
	// inUse is the API error when the object is deleted first; empty lets it go.
	inUse string
}

// call is one operation on one object.
type call struct {
	*Rules
	region string
	rule   *rule
	object *store.Object
}

// Rules are the AWS half of the local cloud, for one account.
type Rules struct {
	store *store.Store
	host  Host
	mu    sync.Mutex
	// scale shortens AWS's own durations; 0 leaves them out.
	scale float64
	// hidden counts, for objects that AWS has made and not yet told everywhere, how often they are still denied.
	hidden map[*store.Object]int
}

// Host is what the rules need of the rest of the local cloud.
type Host interface {
	// ListenForAPI opens a port for a REST API and returns it.
	ListenForAPI(id string) (int, error)
}

// New makes the rules. latencyScale multiplies the durations of AWS: 0 for none, 1 for real time.
func New(objects *store.Store, host Host, latencyScale float64) *Rules {
	return &Rules{store: objects, host: host, scale: latencyScale, hidden: map[*store.Object]int{}}
}

var table = index(slices.Concat(ec2Rules, iamRules, elbRules, apiGatewayRules, eksRules, cloudwatchRules, domainRules, firewallRules))

func index(rules []*rule) map[string]*rule {
	byToken := map[string]*rule{}
	for _, r := range rules {
		byToken[r.token] = r
	}
	return byToken
}

var shapes sync.Map

func (r *rule) shape() *schema.Type {
	if known, ok := shapes.Load(r.token); ok {
		return known.(*schema.Type)
	}
	shape := schema.Anything
	if r.args != nil {
		shape = schema.Of(r.args)
	}
	shapes.Store(r.token, shape)
	return shape
}

func find(token string) (*rule, error) {
	if r := table[token]; r != nil {
		return r, nil
	}
	return nil, fmt.Errorf("the local target does not know the resource type %s", token)
}

// Check validates inputs and fills in defaults and automatic names. name is the resource's, olds are the
// inputs of the object that exists, nil for a new one.
func (r *Rules) Check(token, name string, olds, news map[string]any) (map[string]any, []schema.Failure, error) {
	rule, err := find(token)
	if err != nil {
		return nil, nil, err
	}
	inputs := maps.Clone(news)
	for property, value := range rule.defaults {
		if inputs[property] == nil {
			inputs[property] = value
		}
	}
	if rule.autoName != "" && inputs[rule.autoName] == nil {
		if inputs[rule.autoName] = olds[rule.autoName]; inputs[rule.autoName] == nil {
			inputs[rule.autoName] = name + "-" + randomHex(7)
		}
	}
	failures := rule.shape().Check(inputs)
	if chosen, ok := inputs[rule.autoName].(string); ok && rule.maxName > 0 && len(chosen) > rule.maxName {
		failures = append(failures, schema.Failure{Property: rule.autoName, Reason: fmt.Sprintf("%q is longer than %d characters", chosen, rule.maxName)})
	}
	for _, property := range rule.required {
		if isEmpty(inputs[property]) {
			failures = append(failures, schema.Failure{Property: property, Reason: "is required"})
		}
	}
	if rule.check != nil && len(failures) == 0 {
		failures = rule.check(inputs)
	}
	return inputs, failures, nil
}

func isEmpty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	}
	return false
}

// Diff names the inputs that changed and those of them that make a new object.
func (r *Rules) Diff(token string, olds, news map[string]any) (changed, replaced []string, err error) {
	rule, err := find(token)
	if err != nil {
		return nil, nil, err
	}
	for _, property := range changedKeys(olds, news) {
		changed = append(changed, property)
		if slices.Contains(rule.replace, property) {
			replaced = append(replaced, property)
		}
	}
	return changed, replaced, nil
}

func changedKeys(olds, news map[string]any) []string {
	var changed []string
	for key := range olds {
		if !reflect.DeepEqual(olds[key], news[key]) {
			changed = append(changed, key)
		}
	}
	for key := range news {
		if _, both := olds[key]; !both && news[key] != nil {
			changed = append(changed, key)
		}
	}
	slices.Sort(changed)
	return slices.Compact(changed)
}

// Preview returns the outputs of an object that is not created: those that can be known.
func (r *Rules) Preview(token, region string, inputs map[string]any) (map[string]any, error) {
	rule, err := find(token)
	if err != nil {
		return nil, err
	}
	outputs := maps.Clone(inputs)
	if len(rule.stable) > 0 && !containsUnknown(inputs[rule.autoName]) {
		c := &call{r, region, rule, &store.Object{Type: token, Inputs: inputs, ID: "preview"}}
		known := rule.outputs(c)
		for _, name := range rule.stable {
			outputs[name] = known[name]
		}
	}
	return outputs, nil
}

func containsUnknown(value any) bool {
	_, unknown := value.(schema.Unknown)
	return unknown
}

// Create makes an object and returns it when AWS would: after it has reached its final state.
func (r *Rules) Create(ctx context.Context, token, region, urn string, inputs map[string]any) (*store.Object, error) {
	rule, err := find(token)
	if err != nil {
		return nil, err
	}
	c := &call{r, region, rule, &store.Object{Type: token, URN: urn, Inputs: inputs, Private: map[string]any{}, Created: time.Now().UTC()}}
	if err := c.admitPatiently(ctx); err != nil {
		return nil, fmt.Errorf("creating %s: %w", token, err)
	}
	if err := r.wait(ctx, rule.takes(rule.createTakes, inputs)); err != nil {
		return nil, err
	}
	done := *c.object
	done.Status = rule.ready
	if faults.Asked(ctx) == faults.Failed && rule.failed != "" {
		done.Status = rule.failed
	}
	c.object = &done
	r.mu.Lock()
	defer r.mu.Unlock()
	done.Outputs = c.allOutputs()
	if err := r.store.Put(&done); err != nil {
		return nil, err
	}
	if faults.Asked(ctx) == faults.Delayed {
		r.hidden[&done] = lookupsDenied
	}
	return &done, c.stateProblem()
}

// What AWS's own provider does about objects that are not yet known everywhere: it asks again.
const (
	lookupsDenied = 2
	maxLookups    = 10
	lookupPause   = 20 * time.Millisecond
)

func (c *call) admitPatiently(ctx context.Context) error {
	for attempt := 1; ; attempt++ {
		err := c.admit()
		if !errors.Is(err, errMissing) || attempt == maxLookups {
			return err
		}
		select {
		case <-time.After(lookupPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// stateProblem is about an object that ended in its state of failure: it exists, and is good for nothing.
func (c *call) stateProblem() error {
	if c.rule.failed == "" || c.object.Status != c.rule.failed {
		return nil
	}
	return fmt.Errorf("waiting for %s (%s): unexpected state '%s', wanted target '%s'. last error: %s", c.rule.token, c.object.ID, c.rule.failed, c.rule.ready, c.rule.reason)
}

// admit checks and stores the object in its pending state.
func (c *call) admit() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.checkUnique(); err != nil {
		return err
	}
	if err := c.checkRefs(); err != nil {
		return err
	}
	c.object.ID = c.rule.id(c)
	if c.rule.prepare != nil {
		if err := c.rule.prepare(c); err != nil {
			return err
		}
	}
	c.object.Status = c.rule.pending
	c.object.Outputs = c.allOutputs()
	if err := c.store.Put(c.object); err != nil {
		return err
	}
	if c.rule.created != nil {
		return c.rule.created(c)
	}
	return nil
}

func (c *call) allOutputs() map[string]any {
	outputs := maps.Clone(c.object.Inputs)
	if tags, tagged := c.object.Inputs["tags"]; tagged {
		outputs["tagsAll"] = tags
	}
	if c.rule.outputs != nil {
		maps.Copy(outputs, c.rule.outputs(c))
	}
	return outputs
}

func (c *call) checkUnique() error {
	if c.rule.unique == "" {
		return nil
	}
	value := c.object.Inputs[c.rule.unique]
	for _, other := range c.store.List(c.rule.token) {
		if other.ID != c.object.ID && reflect.DeepEqual(other.Inputs[c.rule.unique], value) {
			return apiError("AlreadyExists", "%s %q exists already", c.rule.unique, value)
		}
	}
	return nil
}

func (c *call) checkRefs() error {
	for _, ref := range c.rule.refs {
		for _, value := range valuesAt(c.object.Inputs, ref.path) {
			if found := c.findBy(ref.to, ref.attr, value); found == nil || c.denied(found) {
				return fmt.Errorf("%w%w", errMissing, apiError(ref.missing, "%s %q does not exist", ref.path, value))
			}
		}
	}
	return nil
}

// errMissing marks that what an input names does not exist, or not yet for everybody.
var errMissing = errors.New("")

// denied counts down how often an object is not yet known.
func (r *Rules) denied(o *store.Object) bool {
	if r.hidden[o] == 0 {
		return false
	}
	r.hidden[o]--
	return true
}

func (r *Rules) findBy(token, attr, value string) *store.Object {
	if attr == "" {
		return r.store.Get(token, value)
	}
	for _, o := range r.store.List(token) {
		if o.Text(attr) == value {
			return o
		}
	}
	return nil
}

// Update changes an object in place.
func (r *Rules) Update(token, region, id string, inputs map[string]any) (*store.Object, error) {
	rule, err := find(token)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.store.Get(token, id)
	if old == nil {
		return nil, fmt.Errorf("updating %s %s: %w", token, id, apiError("NotFound", "it does not exist"))
	}
	updated := *old
	updated.Inputs = inputs
	updated.Private = maps.Clone(old.Private)
	c := &call{r, region, rule, &updated}
	if err := c.checkRefs(); err != nil {
		return nil, fmt.Errorf("updating %s %s: %w", token, id, err)
	}
	if rule.prepare != nil {
		if err := rule.prepare(c); err != nil {
			return nil, fmt.Errorf("updating %s %s: %w", token, id, err)
		}
	}
	updated.Outputs = c.allOutputs()
	if err := r.store.Put(&updated); err != nil {
		return nil, err
	}
	return &updated, c.stateProblem()
}

// Read returns the object as it is, or nil.
func (r *Rules) Read(token, id string) *store.Object { return r.store.Get(token, id) }

// Delete removes an object unless something still needs it. One that is gone already is no error.
func (r *Rules) Delete(ctx context.Context, token, region, id string) error {
	rule, err := find(token)
	if err != nil {
		return err
	}
	if object := r.store.Get(token, id); object != nil {
		if err := r.wait(ctx, rule.takes(rule.deleteTakes, object.Inputs)); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	object := r.store.Get(token, id)
	if object == nil {
		return nil
	}
	c := &call{r, region, rule, object}
	if err := c.checkUnused(); err != nil {
		return fmt.Errorf("deleting %s %s: %w", token, id, err)
	}
	if err := r.store.Delete(object); err != nil {
		return err
	}
	if rule.deleted != nil {
		return rule.deleted(c)
	}
	return nil
}

// Lose removes an object as somebody would behind the engine's back, whatever depends on it.
func (r *Rules) Lose(token, region, id string) error {
	rule, err := find(token)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	object := r.store.Get(token, id)
	if object == nil {
		return fmt.Errorf("%s %s does not exist", token, id)
	}
	if err := r.store.Delete(object); err != nil || rule.deleted == nil {
		return err
	}
	return rule.deleted(&call{r, region, rule, object})
}

func (c *call) checkUnused() error {
	for _, other := range table {
		for _, ref := range other.refs {
			if ref.to != c.rule.token || ref.inUse == "" {
				continue
			}
			name := c.object.ID
			if ref.attr != "" {
				name = c.object.Text(ref.attr)
			}
			for _, user := range c.store.List(other.token) {
				if slices.Contains(valuesAt(user.Inputs, ref.path), name) && user.ID != c.object.ID {
					return apiError(ref.inUse, "%s is still used by %s %s", name, other.token, user.ID)
				}
			}
		}
	}
	if c.rule.mayDelete != nil {
		return c.rule.mayDelete(c)
	}
	return nil
}

const quickTakes = 5 * time.Second

func (r *rule) takes(usually time.Duration, inputs map[string]any) time.Duration {
	if r.quick != nil && r.quick(inputs) {
		return min(usually, quickTakes)
	}
	return usually
}

func (r *Rules) wait(ctx context.Context, d time.Duration) error {
	if d = time.Duration(float64(d) * r.scale); d == 0 {
		return nil
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// valuesAt returns the strings at a path such as "vpcConfig.subnetIds[]".
func valuesAt(inputs map[string]any, path string) []string {
	values := []any{inputs}
	for step := range strings.SplitSeq(path, ".") {
		name, each := strings.CutSuffix(step, "[]")
		var next []any
		for _, value := range values {
			fields, ok := value.(map[string]any)
			if !ok || fields[name] == nil {
				continue
			}
			if items, isList := fields[name].([]any); isList && each {
				next = append(next, items...)
			} else {
				next = append(next, fields[name])
			}
		}
		values = next
	}
	var texts []string
	for _, value := range values {
		if s, ok := value.(string); ok && s != "" {
			texts = append(texts, s)
		}
	}
	return texts
}

// APIError is how AWS answers a call that it refuses.
type APIError struct{ Code, Message string }

func (e *APIError) Error() string { return fmt.Sprintf("api error %s: %s", e.Code, e.Message) }

func apiError(code, format string, args ...any) error {
	return &APIError{code, fmt.Sprintf(format, args...)}
}

func randomHex(digits int) string {
	buffer := make([]byte, (digits+1)/2)
	_, _ = rand.Read(buffer) // never fails: https://pkg.go.dev/crypto/rand#Read
	return hex.EncodeToString(buffer)[:digits]
}

func randomID(prefix string, digits int) func(*call) string {
	return func(*call) string { return prefix + randomHex(digits) }
}

// byName takes the name as the id.
func byName(c *call) string { return c.object.Text("name") }

func (c *call) arn(service, region, resource string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", Partition, service, region, Account, resource)
}

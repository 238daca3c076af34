package awsrules

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/faults"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
)

// Create makes an object and returns it when AWS would: after it has reached its final state.
func (r *Rules) Create(ctx context.Context, token, region, urn string, inputs properties) (*store.Object, error) {
	rule, err := find(token)
	if err != nil {
		return nil, err
	}
	c := &call{r, region, rule, &store.Object{Type: token, URN: urn, Inputs: inputs, Private: properties{}, Created: time.Now().UTC()}}
	if err := c.admitPatiently(ctx); err != nil {
		return nil, fmt.Errorf("creating %s: %w", token, err)
	}
	if err := r.wait(ctx, r.admitted(rule)+rule.takes(rule.createTakes, inputs)); err != nil {
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
	return fmt.Errorf("waiting for %s (%s): unexpected state '%s', wanted target '%s'. last error: %s", c.rule.token, c.object.ID,
		c.rule.failed, c.rule.ready, c.rule.reason)
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

func (c *call) allOutputs() properties {
	outputs := maps.Clone(c.object.Inputs)
	if tags, tagged := c.object.Inputs["tags"]; tagged {
		outputs["tagsAll"] = tags
	}
	if c.rule.outputs != nil {
		maps.Copy(outputs, c.rule.outputs(c))
	}
	return outputs
}

// Update changes an object in place.
func (r *Rules) Update(token, region, id string, inputs properties) (*store.Object, error) {
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

const quickTakes = 5 * time.Second

func (r *rule) takes(usually time.Duration, inputs properties) time.Duration {
	if r.quick != nil && r.quick(inputs) {
		return min(usually, quickTakes)
	}
	return usually
}

// admitted is how long a creation waits for those before it, in AWS's time.
func (r *Rules) admitted(rule *rule) time.Duration {
	if rule.every == 0 || r.scale == 0 {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	turn := now
	if r.next[rule.token].After(now) {
		turn = r.next[rule.token]
	}
	r.next[rule.token] = turn.Add(time.Duration(float64(rule.every) * r.scale))
	return time.Duration(float64(turn.Sub(now)) / r.scale)
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

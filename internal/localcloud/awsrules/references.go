package awsrules

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
)

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
		for _, value := range c.object.Inputs.Texts(ref.path) {
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
				if slices.Contains(user.Inputs.Texts(ref.path), name) && user.ID != c.object.ID {
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

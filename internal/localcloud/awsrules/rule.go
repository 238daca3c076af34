package awsrules

import (
	"fmt"
	"sync"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

type properties = store.Properties

// rule describes one resource type. Zero fields mean that AWS has no such rule for it.
type rule struct {
	token string
	// args and resource are the SDK's types for it, nil pointers: they name the inputs and the outputs.
	args     pulumi.Input
	resource pulumi.CustomResource
	// autoName is the property that gets the resource's name and a random suffix when it is not set.
	autoName string
	// maxName is the longest value of autoName.
	maxName int
	// unique is the property whose value no other object of the type may have.
	unique string
	// required lists that must not be empty and properties that the SDK leaves optional.
	required []string
	// replace names the inputs whose change makes a new object.
	replace []string
	// replaceIf names more of them, where it depends on how they change.
	replaceIf func(olds, news properties) []string
	defaults  properties
	refs      []ref
	// check reports what else is wrong with the inputs.
	check func(in properties) []schema.Failure
	// id makes the object's id.
	id func(c *call) string
	// outputs are the attributes besides the inputs.
	outputs func(c *call) properties
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
	// every is the time between two creations that AWS admits in an account, where it has a rate of its own for them.
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
	every time.Duration
	// quick says of some that they take hardly any time.
	quick func(in properties) bool
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

// text is a text property of the object: an input, which during a change is the new one, or else an output.
func (c *call) text(name string) string {
	if value := c.object.Inputs.Text(name); value != "" {
		return value
	}
	return c.object.Outputs.Text(name)
}

// isNew says whether the object is being made, and not changed.
func (c *call) isNew() bool { return c.object.Outputs == nil }

func index(rules ...*rule) map[string]*rule {
	byToken := map[string]*rule{}
	for _, r := range rules {
		byToken[r.token] = r
	}
	return byToken
}

var shapes sync.Map

// shape is what the SDK says of the inputs.
func (r *rule) shape() *schema.Type {
	if known, ok := shapes.Load(r.token); ok {
		return known.(*schema.Type)
	}
	shape := schema.Of(r.args)
	shapes.Store(r.token, shape)
	return shape
}

func find(token string) (*rule, error) {
	if r := table[token]; r != nil {
		return r, nil
	}
	return nil, fmt.Errorf("the local target does not know the resource type %s", token)
}

// wrong is one problem of one property.
func wrong(property, reason string, args ...any) []schema.Failure {
	return []schema.Failure{{Property: property, Reason: fmt.Sprintf(reason, args...)}}
}

// Package awsrules is what AWS enforces on the resource types that the program uses: inputs, unique names,
// references that must exist, the order of deletion, replacement instead of update, and life-cycle states.
// Each type is a rule in a file of its own or of its service; lifecycle.go is what becomes of an object by its rule.
package awsrules

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Rules are the AWS half of the local cloud, for one account.
type Rules struct {
	store *store.Store
	host  Host
	mu    sync.Mutex
	// scale shortens AWS's own durations; 0 leaves them out.
	scale float64
	// hidden counts, for objects that AWS has made and not yet told everywhere, how often they are still denied.
	hidden map[*store.Object]int
	// next is when AWS admits another creation of a type.
	next map[string]time.Time
}

// Host is what the rules need of the rest of the local cloud.
type Host interface {
	// ListenForAPI opens a port for a REST API and returns it.
	ListenForAPI(id string) (int, error)
}

// New makes the rules. latencyScale multiplies the durations of AWS: 0 for none, 1 for real time.
func New(objects *store.Store, host Host, latencyScale float64) *Rules {
	return &Rules{store: objects, host: host, scale: latencyScale, hidden: map[*store.Object]int{}, next: map[string]time.Time{}}
}

// Tokens lists the resource types that the local target knows.
func Tokens() []string { return slices.Sorted(maps.Keys(table)) }

// Check validates inputs and fills in defaults and automatic names. name is the resource's, olds are the
// inputs of the object that exists, nil for a new one. Automatic names come from seed, or from chance without one.
func (r *Rules) Check(token, name string, olds, news store.Properties, seed []byte) (store.Properties, []schema.Failure, error) {
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
			if inputs[rule.autoName], err = resource.NewUniqueName(seed, name+"-", 7, 0, nil); err != nil {
				return nil, nil, err
			}
		}
	}
	failures := append(rule.shape().Check(inputs), checkTags(inputs)...)
	if chosen := inputs.Text(rule.autoName); rule.maxName > 0 && len(chosen) > rule.maxName {
		failures = append(failures, wrong(rule.autoName, "%q is longer than %d characters", chosen, rule.maxName)...)
	}
	for _, property := range rule.required {
		if !inputs.Has(property) {
			failures = append(failures, wrong(property, "is required")...)
		}
	}
	if rule.check != nil && len(failures) == 0 {
		failures = rule.check(inputs)
	}
	return inputs, failures, nil
}

// Diff names the inputs that changed and those of them that make a new object.
func (r *Rules) Diff(token string, olds, news properties) (changed, replaced []string, err error) {
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
	if rule.replaceIf != nil {
		replaced = append(replaced, rule.replaceIf(olds, news)...)
	}
	return changed, replaced, nil
}

func changedKeys(olds, news properties) []string {
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
func (r *Rules) Preview(token, region string, inputs store.Properties) (store.Properties, error) {
	rule, err := find(token)
	if err != nil {
		return nil, err
	}
	outputs := maps.Clone(inputs)
	if _, unknown := inputs[rule.autoName].(schema.Unknown); len(rule.stable) > 0 && !unknown {
		c := &call{r, region, rule, &store.Object{Type: token, Inputs: inputs, ID: "preview"}}
		known := rule.outputs(c)
		for _, name := range rule.stable {
			outputs[name] = known[name]
		}
	}
	return outputs, nil
}

// APIError is how AWS answers a call that it refuses.
type APIError struct{ Code, Message string }

func (e *APIError) Error() string { return fmt.Sprintf("api error %s: %s", e.Code, e.Message) }

func apiError(code, format string, args ...any) error {
	return &APIError{code, fmt.Sprintf(format, args...)}
}

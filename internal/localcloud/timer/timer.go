// Package timer stands for the provider time: its one type lets time pass, which here is as short as everything else of AWS.
// https://www.pulumi.com/registry/packages/time/api-docs/sleep/
package timer

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/provider"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
	sdk "github.com/pulumiverse/pulumi-time/sdk/go/time"
)

// Sleep is the one type that is served.
const Sleep = "time:index/sleep:Sleep"

// Package makes instances without any configuration. Scale multiplies what they wait: 0 for nothing, 1 for real time.
type Package struct{ Scale float64 }

// Configure accepts what there is: the provider has no settings.
func (p Package) Configure(map[string]string) (provider.Instance, error) { return instance(p), nil }

type instance Package

var shape = schema.Of((*sdk.SleepArgs)(nil))

func (instance) Check(token, _ string, _, news map[string]any, _ []byte) (map[string]any, []schema.Failure, error) {
	if token != Sleep {
		return nil, nil, fmt.Errorf("the local target does not know the resource type %s", token)
	}
	failures := shape.Check(news)
	for _, name := range []string{"createDuration", "destroyDuration"} {
		if text, given := news[name].(string); given {
			if _, err := time.ParseDuration(text); err != nil {
				failures = append(failures, schema.Failure{Property: name, Reason: err.Error()})
			}
		}
	}
	return maps.Clone(news), failures, nil
}

// Diff: other triggers make another one, which waits again. Other durations alone do not.
func (instance) Diff(_ string, olds, news map[string]any) (provider.Diff, error) {
	var d provider.Diff
	for _, name := range []string{"createDuration", "destroyDuration", "triggers"} {
		if !reflect.DeepEqual(olds[name], news[name]) {
			d.Changed = append(d.Changed, name)
			if name == "triggers" {
				d.Replaced = []string{name}
			}
		}
	}
	return d, nil
}

func (instance) Preview(_ string, inputs map[string]any) (map[string]any, error) { return inputs, nil }

func (i instance) Create(ctx context.Context, _, _ string, inputs map[string]any) (string, map[string]any, error) {
	return time.Now().UTC().Format(time.RFC3339Nano), inputs, i.pass(ctx, inputs["createDuration"])
}

func (i instance) pass(ctx context.Context, duration any) error {
	text, _ := duration.(string)
	// What cannot be read waits for nothing; Check has refused it.
	whole, _ := time.ParseDuration(text)
	select {
	case <-time.After(time.Duration(float64(whole) * i.Scale)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Read gives back what the engine knows: there is nothing else to read.
func (instance) Read(string, string) (inputs, outputs map[string]any) { return nil, nil }

// InStateOnly says that refresh believes the engine's state.
func (instance) InStateOnly() {}

func (instance) Update(_ context.Context, _, _ string, inputs map[string]any) (map[string]any, error) {
	return inputs, nil
}

// Delete waits for nothing: the program sets no destroyDuration.
func (instance) Delete(context.Context, string, string) error { return nil }

func (instance) Invoke(token string, _ map[string]any) (map[string]any, error) {
	return nil, fmt.Errorf("the local target does not know the function %s", token)
}

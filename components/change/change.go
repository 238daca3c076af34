// Package change lets a component refuse a change of its inputs in preview, before anything is touched: what AWS would
// refuse half way, or what would drop requests, with the reason and what to do instead.
package change

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Inputs are what a component has recorded in the state, or is about to. Values that a preview cannot know are left out.
type Inputs map[string]any

// Text is an input that is text; empty when it is not there.
func (i Inputs) Text(name string) string {
	text, _ := i[name].(string)
	return text
}

// True says whether an input is there and true.
func (i Inputs) True(name string) bool {
	set, _ := i[name].(bool)
	return set
}

// Texts are the elements of an input that is a list of texts.
func (i Inputs) Texts(name string) []string {
	items, _ := i[name].([]any)
	var texts []string
	for _, item := range items {
		if text, ok := item.(string); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

// Objects are the elements of an input that is a list of objects.
func (i Inputs) Objects(name string) []map[string]any {
	items, _ := i[name].([]any)
	var objects []map[string]any
	for _, item := range items {
		if fields, ok := item.(map[string]any); ok {
			objects = append(objects, fields)
		}
	}
	return objects
}

// Object are the inputs within an input that is an object; nil when it is not there.
func (i Inputs) Object(name string) Inputs {
	object, _ := i[name].(map[string]any)
	return object
}

// Guard is an option for a component that is registered with its inputs: the engine asks mayChange in preview and in up
// alike when they differ from those in the state. token is the component's type. A component that is made or removed is
// not asked for.
func Guard(ctx *pulumi.Context, token, name string, mayChange func(old, new Inputs) error) (pulumi.ResourceOption, error) {
	return GuardWithOutputs(ctx, token, name, func(_, old, new Inputs) error { return mayChange(old, new) })
}

// GuardWithOutputs is Guard for a component that needs to know what its outputs were as well.
func GuardWithOutputs(ctx *pulumi.Context, token, name string, mayChange func(outputs, old, new Inputs) error) (
	pulumi.ResourceOption, error) {
	hook, err := ctx.RegisterResourceHook(token+" "+name, func(args *pulumi.ResourceHookArgs) error {
		return mayChange(plain(args.OldOutputs), plain(args.OldInputs), plain(args.NewInputs))
	}, &pulumi.ResourceHookOptions{OnDryRun: true})
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", token, name, err)
	}
	return pulumi.ResourceHooks(&pulumi.ResourceHookBinding{BeforeUpdate: []*pulumi.ResourceHook{hook}}), nil
}

func plain(properties resource.PropertyMap) Inputs {
	inputs := Inputs{}
	for key, value := range properties {
		if !value.ContainsUnknowns() {
			inputs[string(key)] = value.Mappable()
		}
	}
	return inputs
}

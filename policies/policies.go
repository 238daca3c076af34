// Package policies judges declared resources by the Rego rules beside it: what every gateway of this project keeps to,
// whoever declares it. The folder is a Pulumi policy pack as well.
package policies

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/rego"
)

// Name and Version are the pack's.
const (
	Name    = "apigw-ingress"
	Version = "1.0.0"
)

// Files are the rules and the pack's description.
//
//go:embed *.rego PulumiPolicy.yaml
var Files embed.FS

// Resource is what a rule sees.
type Resource struct {
	// Type is a Pulumi type token, Name the resource's name in the program.
	Type, Name string
	// Inputs are its properties as declared. An unknown one may be absent or any text.
	Inputs map[string]any
}

// Violation is a rule that a resource breaks.
type Violation struct {
	// Policy is the rule's name, and Message what is wrong, with what to do.
	Policy, Message string
	// Advisory marks what is told and stops nothing.
	Advisory bool
	Resource Resource
}

func (v Violation) String() string {
	level := "policy"
	if v.Advisory {
		level = "advice of policy"
	}
	return fmt.Sprintf("%s %s: %s (%s %s)", v.Resource.Type, v.Resource.Name, v.Message, level, v.Policy)
}

// Pack is the compiled rules.
type Pack struct {
	query rego.PreparedEvalQuery
	// Descriptions say what each policy is about.
	Descriptions map[string]string
	// advisory are the policies that stop nothing.
	advisory map[string]bool
}

// Advisory says whether a policy is told and stops nothing.
func (p *Pack) Advisory(policy string) bool { return p.advisory[policy] }

// Load compiles the rules.
func Load(ctx context.Context) (*Pack, error) {
	names, err := fs.Glob(Files, "*.rego")
	if err != nil {
		return nil, err
	}
	options := []func(*rego.Rego){rego.Query("deny = data.apigateway.deny; policies = data.apigateway.policies; advisory = " +
		"data.apigateway.advisory")}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.rego") {
			continue
		}
		text, err := Files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		options = append(options, rego.Module(name, string(text)))
	}
	p := &Pack{Descriptions: map[string]string{}, advisory: map[string]bool{}}
	if p.query, err = rego.New(options...).PrepareForEval(ctx); err != nil {
		return nil, fmt.Errorf("policies: %w", err)
	}
	results, err := p.query.Eval(ctx, rego.EvalInput(map[string]any{}))
	if err != nil || len(results) == 0 {
		return nil, fmt.Errorf("policies: no answer: %w", err)
	}
	described, _ := results[0].Bindings["policies"].(map[string]any)
	for policy, description := range described {
		p.Descriptions[policy] = fmt.Sprint(description)
	}
	told, _ := results[0].Bindings["advisory"].([]any)
	for _, policy := range told {
		p.advisory[fmt.Sprint(policy)] = true
	}
	return p, nil
}

// Check returns what is wrong with a resource, in the order of the policies' names.
func (p *Pack) Check(ctx context.Context, r Resource) ([]Violation, error) {
	inputs, isObject := plain(r.Inputs).(map[string]any)
	if !isObject || inputs == nil {
		inputs = map[string]any{}
	}
	results, err := p.query.Eval(ctx, rego.EvalInput(map[string]any{"type": r.Type, "name": r.Name, "properties": inputs}))
	if err != nil {
		return nil, fmt.Errorf("policies: %s %s: %w", r.Type, r.Name, err)
	}
	var violations []Violation
	for _, result := range results {
		denied, _ := result.Bindings["deny"].([]any)
		for _, d := range denied {
			found, _ := d.(map[string]any)
			policy := fmt.Sprint(found["policy"])
			violations = append(violations, Violation{Policy: policy, Message: fmt.Sprint(found["message"]), Advisory: p.advisory[policy],
				Resource: r})
		}
	}
	slices.SortFunc(violations, func(a, b Violation) int { return strings.Compare(a.Policy+a.Message, b.Policy+b.Message) })
	return violations, nil
}

// Keys by which the engine marks values that are more than plain ones, and those of what they hold.
const (
	signature   = "4dabf18193072939515e22adb298388d"
	secretValue = "1b47061264138c4ac30d75fd1eb44270"
	outputValue = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
	// unknownText stands for any value that is not known yet.
	unknownText = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
)

// plain takes secrets and outputs out of their envelopes: what is secret is judged as well. What is encrypted, as in an
// exported state, or not known counts as unknown.
func plain(value any) any {
	switch v := value.(type) {
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = plain(item)
		}
		return list
	case map[string]any:
		if mark := v[signature]; mark == secretValue || mark == outputValue {
			return opened(v)
		}
		object := make(map[string]any, len(v))
		for key, item := range v {
			object[key] = plain(item)
		}
		return object
	}
	return value
}

func opened(envelope map[string]any) any {
	if value, found := envelope["value"]; found {
		return plain(value)
	}
	var value any
	if text, isText := envelope["plaintext"].(string); isText && json.Unmarshal([]byte(text), &value) == nil {
		return plain(value)
	}
	return unknownText
}

// CheckAll judges all resources of a program.
func (p *Pack) CheckAll(ctx context.Context, resources []Resource) ([]Violation, error) {
	var all []Violation
	for _, r := range resources {
		violations, err := p.Check(ctx, r)
		if err != nil {
			return nil, err
		}
		all = append(all, violations...)
	}
	return all, nil
}

// Package policies judges declared resources by the Rego rules beside it: what every gateway of this project keeps to,
// whoever declares it. The folder is a Pulumi policy pack as well.
package policies

import (
	"context"
	"embed"
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
	Resource        Resource
}

func (v Violation) String() string {
	return fmt.Sprintf("%s %s: %s (policy %s)", v.Resource.Type, v.Resource.Name, v.Message, v.Policy)
}

// Pack is the compiled rules.
type Pack struct {
	query rego.PreparedEvalQuery
	// Descriptions say what each policy is about.
	Descriptions map[string]string
}

// Load compiles the rules.
func Load(ctx context.Context) (*Pack, error) {
	names, err := fs.Glob(Files, "*.rego")
	if err != nil {
		return nil, err
	}
	options := []func(*rego.Rego){rego.Query("deny = data.apigateway.deny; policies = data.apigateway.policies")}
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
	p := &Pack{Descriptions: map[string]string{}}
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
	return p, nil
}

// Check returns what is wrong with a resource, in the order of the policies' names.
func (p *Pack) Check(ctx context.Context, r Resource) ([]Violation, error) {
	inputs := r.Inputs
	if inputs == nil {
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
			violations = append(violations, Violation{Policy: fmt.Sprint(found["policy"]), Message: fmt.Sprint(found["message"]), Resource: r})
		}
	}
	slices.SortFunc(violations, func(a, b Violation) int { return strings.Compare(a.Policy+a.Message, b.Policy+b.Message) })
	return violations, nil
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

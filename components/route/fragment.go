package route

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Fragment is a part of an OpenAPI document that says what requests to some resources must look like. API Gateway
// refuses others with 400 before they reach a backend.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html
type Fragment struct {
	Source   string
	document *openapi3.T
}

// LoadFragments reads OpenAPI 3.0 documents, in JSON or YAML.
func LoadFragments(paths []string) ([]Fragment, error) {
	var fragments []Fragment
	var problems []error
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err == nil {
			var fragment Fragment
			if fragment, err = ParseFragment(path, data); err == nil {
				fragments = append(fragments, fragment)
			}
		}
		problems = append(problems, err)
	}
	return fragments, errors.Join(problems...)
}

// ParseFragment reads one document. Its references must stay within it.
func ParseFragment(source string, data []byte) (Fragment, error) {
	document, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return Fragment{}, fmt.Errorf("%s: %w", source, err)
	}
	if document.Paths.Len() == 0 {
		return Fragment{}, fmt.Errorf("%s: it has no paths", source)
	}
	// Only what is about requests is taken, so that responses may be left out.
	for _, item := range document.Paths.Map() {
		for _, operation := range item.Operations() {
			operation.Responses = openapi3.NewResponses(openapi3.WithName("default", openapi3.NewResponse().WithDescription("")))
		}
	}
	if document.Info == nil {
		document.Info = &openapi3.Info{Title: source, Version: "1"}
	}
	if err := document.Validate(context.Background()); err != nil {
		return Fragment{}, fmt.Errorf("%s: %w", source, err)
	}
	return Fragment{source, document}, nil
}

// Expectation is what a fragment says about one method of one resource.
type Expectation struct {
	Source     string
	Parameters openapi3.Parameters
	Body       *openapi3.RequestBodyRef
}

// Expectations are those for a resource, by HTTP method.
func (t *Table) Expectations(resource string) map[string]Expectation {
	found := map[string]Expectation{}
	for _, f := range t.Fragments {
		item := f.document.Paths.Value(resource)
		if item == nil {
			continue
		}
		for verb, operation := range item.Operations() {
			found[verb] = Expectation{f.Source, slices.Concat(item.Parameters, operation.Parameters), operation.RequestBody}
		}
	}
	return found
}

// Models are the schemas of all fragments.
func (t *Table) Models() openapi3.Schemas {
	all := openapi3.Schemas{}
	for _, f := range t.Fragments {
		if f.document.Components != nil {
			maps.Copy(all, f.document.Components.Schemas)
		}
	}
	return all
}

// checkFragments wants each described method to exist, once, and to be one that API Gateway can check.
func (t *Table) checkFragments() error {
	var problems []error
	resources := map[string]*Route{}
	for _, l := range t.Locations() {
		resources[l.Resource] = l.First
	}
	described, models := map[string]string{}, map[string]string{}
	for _, f := range t.Fragments {
		for _, path := range slices.Sorted(maps.Keys(f.document.Paths.Map())) {
			r := resources[path]
			if r == nil {
				problems = append(problems, fmt.Errorf("%s: path %q is no resource of the API: it has %s", f.Source, path,
					strings.Join(slices.Sorted(maps.Keys(resources)), ", ")))
				continue
			}
			for verb := range f.document.Paths.Value(path).Operations() {
				place := verb + " " + path
				if len(r.Behavior.Methods) > 0 && !slices.Contains(r.Behavior.Methods, verb) {
					problems = append(problems, fmt.Errorf("%s: %s: the route lets only %v through", f.Source, place, r.Behavior.Methods))
				}
				if described[place] != "" {
					problems = append(problems, fmt.Errorf("%s: %s is described already in %s", f.Source, place, described[place]))
				}
				described[place] = f.Source
			}
			problems = append(problems, At(f.Source+": "+path, checkExpectations(t.Expectations(path))))
		}
		problems = append(problems, f.checkModels(models))
	}
	return errors.Join(problems...)
}

func checkExpectations(expectations map[string]Expectation) error {
	var problems []error
	for _, verb := range slices.Sorted(maps.Keys(expectations)) {
		for _, p := range expectations[verb].Parameters {
			if in := p.Value.In; in != "query" && in != "header" {
				problems = append(problems, fmt.Errorf("%s: parameter %s is in %s: API Gateway checks query and header parameters", verb,
					p.Value.Name, in))
			}
		}
		if body := expectations[verb].Body; body != nil && body.Value != nil {
			for _, contentType := range slices.Sorted(maps.Keys(body.Value.Content)) {
				problems = append(problems, At(verb+": "+contentType, checkSchema("", body.Value.Content[contentType].Schema, nil)))
			}
		}
	}
	return errors.Join(problems...)
}

func (f Fragment) checkModels(models map[string]string) error {
	if f.document.Components == nil {
		return nil
	}
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(f.document.Components.Schemas)) {
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
			problems = append(problems, fmt.Errorf("%s: schema %s: a model's name has letters and digits only", f.Source, name))
		}
		if models[name] != "" {
			problems = append(problems, fmt.Errorf("%s: schema %s is declared already in %s", f.Source, name, models[name]))
		}
		models[name] = f.Source
		schema := f.document.Components.Schemas[name]
		problems = append(problems, At(f.Source+": schema "+name, checkSchema("", schema, nil)))
	}
	return errors.Join(problems...)
}

// checkSchema reports what API Gateway would leave out of a model without checking it, or refuse.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
func checkSchema(place string, ref *openapi3.SchemaRef, above []*openapi3.Schema) error {
	if ref == nil || ref.Value == nil || slices.Contains(above, ref.Value) {
		return nil
	}
	s := ref.Value
	above = append(slices.Clone(above), s)
	var problems []error
	for word, used := range map[string]bool{
		"nullable": s.Nullable, "discriminator": s.Discriminator != nil, "exclusiveMinimum": s.ExclusiveMin.IsSet(),
		"exclusiveMaximum": s.ExclusiveMax.IsSet(),
		"minItems":         s.MinItems > 0, "maxItems": s.MaxItems != nil, "readOnly": s.ReadOnly,
	} {
		if used {
			problems = append(problems, fmt.Errorf("%s: API Gateway does not check %s: leave it out, and let the service check it",
				cmp.Or(place, "body"), word))
		}
	}
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		problems = append(problems, checkSchema(strings.TrimPrefix(place+"."+name, "."), s.Properties[name], above))
	}
	for _, part := range slices.Concat(s.AllOf, s.AnyOf, s.OneOf, openapi3.SchemaRefs{s.Not, s.AdditionalProperties.Schema}) {
		problems = append(problems, checkSchema(place, part, above))
	}
	return errors.Join(append(problems, checkSchema(place+"[]", s.Items, above))...)
}

// Package schema knows which inputs a resource type takes, read from the argument types of the
// Pulumi SDKs: names, kinds and which are required. What the SDK offers is what the local cloud accepts.
package schema

import (
	"fmt"
	"reflect"
	"sort"
	"strings"
)

// Unknown stands for a value that a preview cannot know yet.
type Unknown struct{}

// Failure is one problem of one property.
type Failure struct{ Property, Reason string }

// Type is the shape of one value.
type Type struct {
	kind     kind
	required bool
	element  *Type
	fields   map[string]*Type
}

type kind int

const (
	anything kind = iota
	text
	number
	boolean
	list
	dictionary
	object
)

// Anything is the shape of a type about which nothing is known.
var Anything = &Type{kind: anything}

// Of reads the shape of an SDK's argument type, for example (*ec2.VpcArgs)(nil).
func Of(args any) *Type {
	pointer := reflect.TypeOf(args)
	described, ok := reflect.Zero(pointer.Elem()).Interface().(interface{ ElementType() reflect.Type })
	if !ok {
		panic(fmt.Sprintf("%s is not the argument type of a Pulumi SDK", pointer.Elem()))
	}
	return shapeOf(described.ElementType(), map[reflect.Type]*Type{})
}

func shapeOf(t reflect.Type, seen map[reflect.Type]*Type) *Type {
	if known := seen[t]; known != nil {
		return known
	}
	switch t.Kind() {
	case reflect.Pointer:
		return shapeOf(t.Elem(), seen)
	case reflect.String:
		return &Type{kind: text}
	case reflect.Int, reflect.Float64:
		return &Type{kind: number}
	case reflect.Bool:
		return &Type{kind: boolean}
	case reflect.Slice:
		return &Type{kind: list, element: shapeOf(t.Elem(), seen)}
	case reflect.Map:
		return &Type{kind: dictionary, element: shapeOf(t.Elem(), seen)}
	case reflect.Struct:
		result := &Type{kind: object, fields: map[string]*Type{}}
		seen[t] = result
		for i := range t.NumField() {
			field := t.Field(i)
			name := strings.Split(field.Tag.Get("pulumi"), ",")[0]
			if name == "" {
				continue
			}
			copied := *shapeOf(field.Type, seen)
			copied.required = requiredKind(field.Type)
			result.fields[name] = &copied
		}
		return result
	}
	return &Type{kind: anything}
}

// requiredKind says whether the SDK leaves no way to omit a field: optional ones are pointers.
// Lists and maps are never omitted in Go and so are never required here; rules say where one must not be empty.
func requiredKind(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return false
	}
	return true
}

// Check compares inputs with the shape: unknown names, missing required ones, and wrong kinds.
func (t *Type) Check(inputs map[string]any) []Failure {
	failures := t.check("", inputs)
	sort.Slice(failures, func(i, j int) bool { return failures[i].Property < failures[j].Property })
	return failures
}

func (t *Type) check(path string, value any) []Failure {
	if _, unknown := value.(Unknown); unknown || value == nil {
		return nil
	}
	switch t.kind {
	case text:
		return expect[string](path, value, "a string")
	case number:
		return expect[float64](path, value, "a number")
	case boolean:
		return expect[bool](path, value, "true or false")
	case list:
		items, ok := value.([]any)
		if !ok {
			return []Failure{{path, "must be a list"}}
		}
		var failures []Failure
		for i, item := range items {
			failures = append(failures, t.element.check(fmt.Sprintf("%s[%d]", path, i), item)...)
		}
		return failures
	case dictionary, object:
		fields, ok := value.(map[string]any)
		if !ok {
			return []Failure{{path, "must be an object"}}
		}
		return t.checkFields(path, fields)
	}
	return nil
}

func (t *Type) checkFields(path string, values map[string]any) []Failure {
	var failures []Failure
	for name, value := range values {
		field := t.element
		if t.kind == object {
			if field = t.fields[name]; field == nil {
				failures = append(failures, Failure{join(path, name), "is not a property of this resource"})
				continue
			}
		}
		failures = append(failures, field.check(join(path, name), value)...)
	}
	for name, field := range t.fields {
		if field.required && values[name] == nil {
			failures = append(failures, Failure{join(path, name), "is required"})
		}
	}
	return failures
}

func expect[T any](path string, value any, what string) []Failure {
	if _, ok := value.(T); ok {
		return nil
	}
	return []Failure{{path, "must be " + what}}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// OfOutputs reads the shape of the outputs of an SDK's resource type, for example (*ec2.Vpc)(nil).
func OfOutputs(resource any) *Type {
	result := &Type{kind: object, fields: map[string]*Type{}}
	t := reflect.TypeOf(resource).Elem()
	for i := range t.NumField() {
		field := t.Field(i)
		output, ok := reflect.Zero(field.Type).Interface().(interface{ ElementType() reflect.Type })
		if name := field.Tag.Get("pulumi"); name != "" && ok {
			result.fields[name] = shapeOf(output.ElementType(), map[reflect.Type]*Type{})
		}
	}
	return result
}

// Kind is what a path such as "vpcConfig.subnetIds[]" leads to, for example "text" or "list"; empty when to nothing.
// [] stands for each element of a list.
func (t *Type) Kind(path string) string {
	for step := range strings.SplitSeq(path, ".") {
		name, each := strings.CutSuffix(step, "[]")
		if t = t.fields[name]; t == nil || each && t.kind != list {
			return ""
		}
		if each {
			t = t.element
		}
	}
	return [...]string{"anything", "text", "number", "boolean", "list", "dictionary", "object"}[t.kind]
}

package store

import "strings"

// Properties are the inputs or outputs of a resource as the engine sends them: text, numbers as float64, true and
// false, lists and objects. A path such as "vpcConfig.subnetIds[]" leads into them; [] stands for each element of a list.
// What is missing, not yet known or of another kind is the zero value.
type Properties map[string]any

// At lists the values at a path.
func (p Properties) At(path string) []any {
	values := []any{map[string]any(p)}
	for step := range strings.SplitSeq(path, ".") {
		name, each := strings.CutSuffix(step, "[]")
		var next []any
		for _, value := range values {
			fields, ok := value.(map[string]any)
			if !ok || fields[name] == nil {
				continue
			}
			if items, isList := fields[name].([]any); isList && each {
				next = append(next, items...)
			} else {
				next = append(next, fields[name])
			}
		}
		values = next
	}
	return values
}

func first[T any](p Properties, path string) T {
	var zero T
	for _, value := range p.At(path) {
		if wanted, ok := value.(T); ok {
			return wanted
		}
	}
	return zero
}

// Text is the string at a path.
func (p Properties) Text(path string) string { return first[string](p, path) }

// Number is the number at a path.
func (p Properties) Number(path string) float64 { return first[float64](p, path) }

// Int is the number at a path without its fraction.
func (p Properties) Int(path string) int { return int(p.Number(path)) }

// True says whether the value at a path is true.
func (p Properties) True(path string) bool { return first[bool](p, path) }

// Object is the object at a path; nil when there is none.
func (p Properties) Object(path string) Properties { return first[map[string]any](p, path) }

// Objects are the objects of the list at a path, which ends in [].
func (p Properties) Objects(path string) []Properties {
	var objects []Properties
	for _, value := range p.At(path) {
		if fields, ok := value.(map[string]any); ok {
			objects = append(objects, fields)
		}
	}
	return objects
}

// Texts are the strings at a path that are not empty.
func (p Properties) Texts(path string) []string {
	var texts []string
	for _, value := range p.At(path) {
		if text, ok := value.(string); ok && text != "" {
			texts = append(texts, text)
		}
	}
	return texts
}

// Has says whether the property is set to something that is not empty, known or not.
func (p Properties) Has(name string) bool {
	switch v := p[name].(type) {
	case nil:
		return false
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	}
	return true
}

package settings

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/route/spelling"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Source is a stack's config.
type Source struct {
	// Get gives a key's value as Pulumi hands it to programs: text as it is, everything else as JSON. The second result is
	// false when the key is not set.
	Get func(key string) (string, bool)
	// Secret says which keys the stack's file keeps encrypted; nil means none.
	Secret func(key string) bool
	// Hidden, unless it is empty, is the text that Get gives for encrypted values: who only checks cannot read them.
	Hidden string
	// Written says which keys the stack's own file sets, where Get gives defaults as well; nil means none.
	Written func(key string) bool
	// Keys are all keys that are set, for finding unknown ones; nil where nobody can tell.
	Keys []string
}

// Read fills a struct from a stack's config. All problems are reported together: unknown keys, values of another type
// and secrets where a value would stand in the state in plain text. A key that is not set takes its default, unless an
// annotation or Harden may still decide.
func Read[T any](source Source, into *T) error {
	r := reader{source: source}
	value := reflect.ValueOf(into).Elem()
	fields := Fields(value.Type())
	r.unknown("config %s", source.Keys, fields)
	for _, f := range fields {
		r.field(value, f)
	}
	return r.Err()
}

type reader struct {
	Problems
	source Source
	// secret says that the value at hand is a secret, and input that it is part of an input, which may hold secrets.
	secret, input bool
}

func (r *reader) field(value reflect.Value, f Field) {
	text, set := r.source.Get(f.Key)
	if !set && f.Annotation == "" && f.Hardened == "" {
		text = f.Default
	}
	if text == "" {
		return
	}
	r.secret = f.Secret || r.source.Secret != nil && r.source.Secret(f.Key)
	// Within objects the plain values cannot be told from the secret ones.
	if r.secret && f.Type.Kind() != reflect.Interface && Members(f.Type) == nil {
		r.visible("config " + f.Key)
		return
	}
	if text == r.source.Hidden && f.Type.Kind() != reflect.Interface {
		r.When(true, "config %s is encrypted as a whole, and decides what is made: encrypt the values in it that are secrets, "+
			"each with `pulumi config set --secret --path`", f.Key)
		return
	}
	if text == r.source.Hidden {
		r.hide(fieldOf(value, f.index))
		return
	}
	decoded, err := decode(f, text)
	if err != nil {
		r.When(true, "config %s: %q is not %s", f.Key, text, kindWords[Kind(f.Type)])
		return
	}
	if isEmpty(decoded) {
		return
	}
	r.assign("config "+f.Key, fieldOf(value, f.index), decoded)
}

// visible reports a secret that would not stay one.
func (r *reader) visible(place string) {
	r.When(true, "%s is a secret, and decides what is made: it would stand in the state in plain text; set it without --secret", place)
}

// hide sets an input whose value cannot be read to a secret that nobody knows yet.
func (r *reader) hide(into reflect.Value) {
	var unknown pulumi.Input = pulumi.String(r.source.Hidden)
	switch Kind(into.Type()) {
	case "array":
		unknown = pulumi.StringArray{}
	case "object":
		unknown = pulumi.StringMap{}
	}
	into.Set(reflect.ValueOf(pulumi.ToSecret(unknown)))
}

// fieldOf is a field by its index, with the pointers on the way to it filled in.
func fieldOf(value reflect.Value, index []int) reflect.Value {
	for _, i := range index {
		if value.Kind() == reflect.Pointer {
			if value.IsNil() {
				value.Set(reflect.New(value.Type().Elem()))
			}
			value = value.Elem()
		}
		value = value.Field(i)
	}
	return value
}

func decode(f Field, text string) (decoded any, err error) {
	if Kind(f.Type) == "string" {
		return text, nil
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	err = decoder.Decode(&decoded)
	return decoded, err
}

// isEmpty says whether a list or an object has nothing in it: that is how a key without a default is written.
func isEmpty(decoded any) bool {
	switch v := decoded.(type) {
	case nil:
		return true
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// kindWords say what a value must be.
var kindWords = map[string]string{
	"string": "a text", "integer": "a whole number", "boolean": "true or false", "array": "a list", "object": "an object",
}

func (r *reader) wrong(place string, value any, kind string) {
	r.When(true, "%s: %s is not %s", place, asText(value), kindWords[kind])
}

func asText(value any) string {
	encoded, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(encoded)
}

// assign sets a field to a decoded value. The place is for people.
func (r *reader) assign(place string, into reflect.Value, value any) {
	if into.Kind() == reflect.Pointer {
		into.Set(reflect.New(into.Type().Elem()))
		into = into.Elem()
	}
	kind := Kind(into.Type())
	if r.source.Hidden != "" && value == r.source.Hidden {
		r.assignHidden(place, into)
		return
	}
	switch v := value.(type) {
	case string:
		if short := shortOf(into.Type()); short != nil {
			r.text(fieldOf(into, short.index), v)
			return
		}
		if kind != "string" {
			break
		}
		r.text(into, v)
		return
	case bool:
		if kind != "boolean" {
			break
		}
		into.SetBool(v)
		return
	case json.Number:
		if kind == "integer" && r.number(into, v) {
			return
		}
	case []any:
		if kind != "array" {
			break
		}
		r.list(place, into, v)
		return
	case map[string]any:
		if kind != "object" {
			break
		}
		r.object(place, into, v)
		return
	}
	if kind == "object" && shortOf(target(into.Type())) != nil {
		r.When(true, "%s: %s is neither a text nor an object: quote it", place, asText(value))
		return
	}
	r.wrong(place, value, kind)
}

func (r *reader) assignHidden(place string, into reflect.Value) {
	switch {
	case into.Kind() == reflect.Interface:
		r.hide(into)
	case r.input:
		into.SetString(r.source.Hidden)
	default:
		r.visible(place)
	}
}

// shortOf is the field that a text stands for; nil where none does.
func shortOf(structure reflect.Type) *Field {
	if structure.Kind() != reflect.Struct {
		return nil
	}
	fields := members(structure)
	if i := slices.IndexFunc(fields, func(f Field) bool { return f.Short }); i >= 0 {
		return &fields[i]
	}
	return nil
}

func (r *reader) text(into reflect.Value, text string) {
	switch {
	case into.Kind() == reflect.String:
		into.SetString(text)
	case text == "":
		// Whether an input is there decides what is made.
	case r.secret:
		into.Set(reflect.ValueOf(pulumi.ToSecret(pulumi.String(text))))
	default:
		into.Set(reflect.ValueOf(pulumi.String(text)))
	}
}

func (r *reader) number(into reflect.Value, number json.Number) bool {
	value, err := number.Float64()
	if err != nil {
		return false
	}
	if into.Kind() == reflect.Float64 {
		into.SetFloat(value)
		return true
	}
	if value != math.Trunc(value) || math.Abs(value) > math.MaxInt32 {
		return false
	}
	into.SetInt(int64(value))
	return true
}

func (r *reader) list(place string, into reflect.Value, list []any) {
	plain := into
	if into.Kind() == reflect.Interface {
		plain = reflect.New(reflect.TypeFor[[]string]()).Elem()
	}
	r.input = into.Kind() == reflect.Interface
	defer func() { r.input = false }()
	plain.Set(reflect.MakeSlice(plain.Type(), len(list), len(list)))
	for i, item := range list {
		r.assign(fmt.Sprintf("%s[%d]", place, i), plain.Index(i), item)
	}
	if into.Kind() != reflect.Interface {
		return
	}
	values := pulumi.ToStringArray(plain.Interface().([]string))
	if r.secret {
		into.Set(reflect.ValueOf(pulumi.ToSecret(values)))
		return
	}
	into.Set(reflect.ValueOf(values))
}

func (r *reader) object(place string, into reflect.Value, object map[string]any) {
	if into.Kind() == reflect.Struct {
		r.structure(place, into, object)
		return
	}
	plain := into
	if into.Kind() == reflect.Interface {
		plain = reflect.New(reflect.TypeFor[map[string]string]()).Elem()
	}
	r.input = into.Kind() == reflect.Interface
	defer func() { r.input = false }()
	plain.Set(reflect.MakeMap(plain.Type()))
	for name, item := range object {
		element := reflect.New(plain.Type().Elem()).Elem()
		r.assign(place+"."+name, element, item)
		plain.SetMapIndex(reflect.ValueOf(name), element)
	}
	if into.Kind() != reflect.Interface {
		return
	}
	values := pulumi.ToStringMap(plain.Interface().(map[string]string))
	if r.secret {
		into.Set(reflect.ValueOf(pulumi.ToSecret(values)))
		return
	}
	into.Set(reflect.ValueOf(values))
}

func (r *reader) structure(place string, into reflect.Value, object map[string]any) {
	fields := members(into.Type())
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	r.unknown(place+": %s", names, fields)
	for _, f := range fields {
		if item, set := object[f.Key]; set {
			r.assign(place+"."+f.Key, fieldOf(into, f.index), item)
		} else {
			r.When(!f.Optional, "%s: %s is missing", place, f.Key)
		}
	}
}

// unknown reports names that no field has.
func (r *reader) unknown(place string, names []string, fields []Field) {
	for _, name := range slices.Sorted(slices.Values(names)) {
		if slices.ContainsFunc(fields, func(f Field) bool { return f.Key == name }) {
			continue
		}
		r.When(true, place+" is not known%s", name, suggestion(name, fields))
	}
}

// maxListed is how many names an error lists.
const maxListed = 20

// suggestion names the field that was probably meant, or all where they are few.
func suggestion(name string, fields []Field) string {
	var names []string
	for _, f := range fields {
		names = append(names, f.Key)
	}
	switch near := spelling.Nearest(name, names); {
	case near != "":
		return ": did you mean " + near + "?"
	case len(names) > maxListed:
		return ": docs/reference/config.md lists all keys"
	}
	return ": write one of " + strings.Join(names, ", ")
}

package settings

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Complete puts the defaults into a struct's zero fields and into the structs in it. Slices of structs are copied first,
// so that the caller's stay as they are. Booleans are left alone, because false is a value: a default of true holds
// where a config is read.
func Complete[T any](settings *T) { complete(reflect.ValueOf(settings).Elem()) }

func complete(value reflect.Value) {
	for i := range value.NumField() {
		f, declared := value.Field(i), value.Type().Field(i)
		if !declared.IsExported() {
			continue
		}
		if text := declared.Tag.Get("default"); text != "" && f.IsZero() && f.Kind() != reflect.Bool {
			f.Set(defaultValue(declared, text))
		}
		switch {
		case !isOurs(declared):
		case f.Kind() == reflect.Struct:
			complete(f)
		case f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.Struct:
			f.Set(reflect.AppendSlice(reflect.MakeSlice(f.Type(), 0, f.Len()), f))
			for k := range f.Len() {
				complete(f.Index(k))
			}
		}
	}
}

// isOurs says whether a field is a setting or holds settings.
func isOurs(f reflect.StructField) bool {
	name, _ := tag(f, "pulumi")
	return name != "" && name != "-" || f.Anonymous
}

// defaultValue panics where a tag does not fit its field: each struct is completed by a test.
func defaultValue(f reflect.StructField, text string) reflect.Value {
	var decoded any = text
	if Kind(f.Type) != "string" {
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.UseNumber()
		if err := decoder.Decode(&decoded); err != nil {
			panic(fmt.Sprintf("default of %s: %v", f.Name, err))
		}
	}
	value := reflect.New(f.Type).Elem()
	var r reader
	r.assign(f.Name, value, decoded)
	if err := r.Err(); err != nil {
		panic(err)
	}
	return value
}

// Check reports the values of a struct that their tags enum and range do not admit.
func Check(settings any) error {
	var p Problems
	p.check(reflect.ValueOf(settings), "", nil)
	return p.Err()
}

func (p *Problems) check(value reflect.Value, path string, indices []any) {
	for i := range value.NumField() {
		f, declared := value.Field(i), value.Type().Field(i)
		if !declared.IsExported() {
			continue
		}
		own := path + declared.Name
		p.checkValue(f, declared, own, indices)
		switch {
		case !isOurs(declared):
		case declared.Anonymous && f.Kind() == reflect.Struct:
			p.check(f, path, indices)
		case f.Kind() == reflect.Struct:
			p.check(f, own+".", indices)
		case f.Kind() == reflect.Pointer && !f.IsNil() && f.Elem().Kind() == reflect.Struct:
			p.check(f.Elem(), own+".", indices)
		case f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.Struct:
			for k := range f.Len() {
				p.check(f.Index(k), own+"[%d].", append(slices.Clone(indices), k))
			}
		}
	}
}

func (p *Problems) checkValue(f reflect.Value, declared reflect.StructField, path string, indices []any) {
	if f.IsZero() {
		return
	}
	if allowed := list(declared.Tag.Get("enum")); allowed != nil {
		p.When(f.Kind() == reflect.String && !slices.Contains(allowed, f.String()), "{"+path+"} %q is not known: write %s",
			append(slices.Clone(indices), f.String(), choice(allowed))...)
		for i := range lengthOf(f) {
			item := f.Index(i).String()
			p.When(!slices.Contains(allowed, item), "{"+path+"}: %q is not one of %s",
				append(slices.Clone(indices), item, strings.Join(allowed, ", "))...)
		}
	}
	from, to, found := strings.Cut(declared.Tag.Get("range"), "..")
	if !found {
		return
	}
	least, _ := strconv.ParseFloat(from, 64)
	greatest, _ := strconv.ParseFloat(to, 64)
	number := numberOf(f)
	p.When(number < least || number > greatest, "{"+path+"} %v is not from %s to %s",
		append(slices.Clone(indices), f.Interface(), from, to)...)
}

func lengthOf(f reflect.Value) int {
	if f.Kind() == reflect.Slice {
		return f.Len()
	}
	return 0
}

func numberOf(f reflect.Value) float64 {
	for f.Kind() == reflect.Pointer {
		f = f.Elem()
	}
	if f.CanInt() {
		return float64(f.Int())
	}
	return f.Float()
}

// choice is a list for people: a, b or c.
func choice(values []string) string {
	if len(values) < 2 {
		return strings.Join(values, "")
	}
	last := len(values) - 1
	return strings.Join(values[:last], ", ") + " or " + values[last]
}

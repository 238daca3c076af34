package settings

import (
	"reflect"
	"slices"
)

// Harden puts the values of the tags hardened into a struct's fields that are not set. Those whose config keys are
// excepted stay as they are: a boolean that is to be false, for example.
func Harden[T any](settings *T, excepted ...string) {
	value := reflect.ValueOf(settings).Elem()
	for _, f := range Fields(value.Type()) {
		field, err := value.FieldByIndexErr(f.index)
		if f.Hardened == "" || err != nil || !field.IsZero() || slices.Contains(excepted, f.Key) {
			continue
		}
		owner := value.FieldByIndex(f.index[:len(f.index)-1])
		declared, _ := f.Owner.FieldByName(f.Name)
		isSet := func(sibling string) bool { return !owner.FieldByName(sibling).IsZero() }
		if when := declared.Tag.Get("when"); when != "" && !isSet(when) {
			continue
		}
		if !slices.ContainsFunc(list(declared.Tag.Get("unless")), isSet) {
			field.Set(defaultValue(declared, f.Hardened))
		}
	}
}

// Hardened are the config keys of a struct type that Harden looks at.
func Hardened(structure reflect.Type) []string {
	var keys []string
	for _, f := range Fields(structure) {
		if f.Hardened != "" {
			keys = append(keys, f.Key)
		}
	}
	return keys
}

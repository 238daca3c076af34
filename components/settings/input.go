package settings

import (
	"maps"
	"reflect"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Known is the text of a string or of an input whose value is no output of a resource. The second result is false
// where the value is not known yet.
func Known(value any) (string, bool) {
	v := reflect.ValueOf(value)
	if !v.IsValid() {
		return "", true
	}
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if v.Kind() == reflect.String {
		return v.String(), true
	}
	return "", false
}

// KnownList is Known for lists: those elements of a list whose values are known, and whether these are all.
func KnownList(value pulumi.StringArrayInput) (list []string, all bool) {
	if value == nil {
		return nil, true
	}
	array, isArray := value.(pulumi.StringArray)
	all = isArray
	for _, element := range array {
		text, known := Known(element)
		if known {
			list = append(list, text)
		}
		all = all && known
	}
	return list, all
}

// Tags adds a resource's own tags to those that are put on every resource.
func Tags(all pulumi.StringMapInput, own map[string]string) pulumi.StringMapInput {
	if all == nil {
		return pulumi.ToStringMap(own)
	}
	if known, isMap := all.(pulumi.StringMap); isMap {
		tags := maps.Clone(known)
		maps.Copy(tags, pulumi.ToStringMap(own))
		return tags
	}
	return all.ToStringMapOutput().ApplyT(func(given map[string]string) map[string]string {
		tags := maps.Clone(given)
		maps.Copy(tags, own)
		return tags
	}).(pulumi.StringMapOutput)
}

// Inputs are a struct's settings in the form in which a component's state records them.
func Inputs(settings any) pulumi.Map {
	object := pulumi.Map{}
	value := reflect.ValueOf(settings)
	for _, f := range members(value.Type()) {
		field, err := value.FieldByIndexErr(f.index)
		if err != nil || field.IsZero() {
			continue
		}
		object[f.Key] = input(field)
		if f.Secret {
			object[f.Key] = pulumi.ToSecret(object[f.Key])
		}
	}
	return object
}

func input(value reflect.Value) pulumi.Input {
	if given, isInput := value.Interface().(pulumi.Input); isInput {
		return given
	}
	switch value.Kind() {
	case reflect.Pointer:
		return input(value.Elem())
	case reflect.Struct:
		return Inputs(value.Interface())
	case reflect.Slice:
		array := pulumi.Array{}
		for i := range value.Len() {
			array = append(array, input(value.Index(i)))
		}
		return array
	case reflect.Map:
		object := pulumi.Map{}
		for entries := value.MapRange(); entries.Next(); {
			object[entries.Key().String()] = input(entries.Value())
		}
		return object
	case reflect.String:
		return pulumi.String(value.String())
	case reflect.Int:
		return pulumi.Int(int(value.Int()))
	case reflect.Float64:
		return pulumi.Float64(value.Float())
	}
	return pulumi.Bool(value.Bool())
}

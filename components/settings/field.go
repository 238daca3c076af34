package settings

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Field is one setting.
type Field struct {
	// Key is its name in a stack's config, or in the object that it is part of.
	Key string
	// Path leads to the field from the struct that was asked for: Gateway.Stage.Name.
	Path string
	// Owner is the struct that declares it, and Name its name there.
	Owner reflect.Type
	Name  string
	Type  reflect.Type
	// Default is the tag of that name, and Annotation the manifest's annotation that comes before it.
	Default, Annotation string
	// Hardened is the tag of that name.
	Hardened         string
	Enum             []string
	Optional, Secret bool
	// Short says that an object with this field alone may be written as its text.
	Short bool

	index []int
}

// Fields lists the config keys of a struct type in the order of their declaration. Structs tagged inline are looked
// into, pointers to them as well.
func Fields(structure reflect.Type) []Field {
	return walk(structure, "", nil, true)
}

// members lists the fields of an object in a config, by their names in it.
func members(structure reflect.Type) []Field {
	return walk(structure, "", nil, false)
}

func walk(structure reflect.Type, path string, index []int, keys bool) []Field {
	var fields []Field
	for i := range structure.NumField() {
		f := structure.Field(i)
		own := append(slices.Clone(index), i)
		name, optional := tag(f, "pulumi")
		key, inline := tag(f, "config")
		if f.Anonymous && name == "" {
			fields = append(fields, walk(f.Type, path, own, keys)...)
			continue
		}
		if name == "" || name == "-" || keys && key == "-" {
			continue
		}
		if keys && inline {
			fields = append(fields, walk(target(f.Type), path+f.Name+".", own, keys)...)
			continue
		}
		if !keys || key == "" {
			key = name
		}
		fields = append(fields, Field{
			Key: key, Path: path + f.Name, Owner: structure, Name: f.Name, Type: f.Type, Default: f.Tag.Get("default"),
			Annotation: f.Tag.Get("annotation"),
			Hardened:   f.Tag.Get("hardened"), Enum: list(f.Tag.Get("enum")), Optional: optional, Secret: f.Tag.Get("provider") == "secret",
			Short: f.Tag.Get("short") == "true", index: own,
		})
	}
	return fields
}

// tag cuts off an option: the second result says whether there is one.
func tag(f reflect.StructField, name string) (value string, option bool) {
	value, _, option = strings.Cut(f.Tag.Get(name), ",")
	return value, option
}

func list(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// target is what a pointer points to.
func target(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

var (
	stringInput      = reflect.TypeFor[pulumi.StringInput]()
	stringPtrInput   = reflect.TypeFor[pulumi.StringPtrInput]()
	stringArrayInput = reflect.TypeFor[pulumi.StringArrayInput]()
	stringMapInput   = reflect.TypeFor[pulumi.StringMapInput]()
)

// Kind is what a stack's config holds for a type: string, integer, boolean, array or object.
// https://www.pulumi.com/docs/iac/concepts/config/#strongly-typed-configuration
func Kind(t reflect.Type) string {
	switch t {
	case stringInput, stringPtrInput:
		return "string"
	case stringArrayInput:
		return "array"
	case stringMapInput:
		return "object"
	}
	switch target(t).Kind() {
	case reflect.String:
		return "string"
	case reflect.Int, reflect.Float64:
		return "integer"
	case reflect.Bool:
		return "boolean"
	case reflect.Slice:
		return "array"
	case reflect.Map, reflect.Struct:
		return "object"
	}
	panic(fmt.Sprintf("package settings does not know the type %s", t))
}

// Item is the kind of an array's elements; empty for what is no array.
func Item(t reflect.Type) string {
	switch {
	case t == stringArrayInput:
		return "string"
	case Kind(t) == "array":
		return Kind(t.Elem())
	}
	return ""
}

// Mixed says of an array that its elements may be texts as well as objects. No schema of Pulumi's can say so.
func Mixed(t reflect.Type) bool {
	return Item(t) == "object" && slices.ContainsFunc(Members(t), func(f Field) bool { return f.Short })
}

// Members are the settings of which a key's objects consist: of the elements of an array, or of the object itself.
// None where a key is no object, or one whose names are free.
func Members(t reflect.Type) []Field {
	t = target(t)
	if t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = target(t.Elem())
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	return members(t)
}

package provider

import (
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"google.golang.org/protobuf/types/known/structpb"
)

var marshalOptions = plugin.MarshalOptions{KeepUnknowns: true, SkipNulls: true}

// fromStruct reads properties as plain values; what is unknown becomes schema.Unknown.
func fromStruct(properties *structpb.Struct) (map[string]any, error) {
	result := map[string]any{}
	if properties == nil {
		return result, nil
	}
	unmarshalled, err := plugin.UnmarshalProperties(properties, marshalOptions)
	if err != nil {
		return nil, err
	}
	for key, value := range unmarshalled {
		result[string(key)] = plain(value)
	}
	return result, nil
}

func plain(value resource.PropertyValue) any {
	switch {
	case value.IsComputed() || value.IsOutput() && !value.OutputValue().Known:
		return schema.Unknown{}
	case value.IsOutput():
		return plain(value.OutputValue().Element)
	case value.IsSecret():
		return plain(value.SecretValue().Element)
	case value.IsArray():
		items := make([]any, len(value.ArrayValue()))
		for i, item := range value.ArrayValue() {
			items[i] = plain(item)
		}
		return items
	case value.IsObject():
		fields := map[string]any{}
		for key, item := range value.ObjectValue() {
			fields[string(key)] = plain(item)
		}
		return fields
	case value.IsResourceReference():
		id := value.ResourceReferenceValue().ID
		return plain(id)
	}
	return value.V
}

// toStruct is the way back. Unknown values stay unknown.
func toStruct(values map[string]any) (*structpb.Struct, error) {
	properties := resource.PropertyMap{}
	for key, value := range values {
		properties[resource.PropertyKey(key)] = property(value)
	}
	return plugin.MarshalProperties(properties, marshalOptions)
}

func property(value any) resource.PropertyValue {
	switch v := value.(type) {
	case schema.Unknown:
		return resource.MakeComputed(resource.NewStringProperty(""))
	case []any:
		items := make([]resource.PropertyValue, len(v))
		for i, item := range v {
			items[i] = property(item)
		}
		return resource.NewArrayProperty(items)
	case map[string]any:
		fields := resource.PropertyMap{}
		for key, item := range v {
			fields[resource.PropertyKey(key)] = property(item)
		}
		return resource.NewObjectProperty(fields)
	}
	return resource.NewPropertyValue(value)
}

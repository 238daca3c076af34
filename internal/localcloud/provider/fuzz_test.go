package provider

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/faults"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/structpb"
)

// echo is a package that takes everything.
type echo struct{}

func (echo) Configure(map[string]string) (Instance, error) { return echo{}, nil }
func (echo) Check(_, _ string, _, news map[string]any, _ []byte) (map[string]any, []schema.Failure, error) {
	return news, nil, nil
}
func (echo) Diff(string, map[string]any, map[string]any) (Diff, error) { return Diff{}, nil }
func (echo) Preview(_ string, inputs map[string]any) (map[string]any, error) {
	return inputs, nil
}

func (echo) Create(_ context.Context, _, _ string, inputs map[string]any) (string, map[string]any, error) {
	return "id", inputs, nil
}
func (echo) Read(string, string) (inputs, outputs map[string]any) { return nil, nil }
func (echo) Update(_ context.Context, _, _ string, inputs map[string]any) (map[string]any, error) {
	return inputs, nil
}
func (echo) Delete(context.Context, string, string) error { return nil }
func (echo) Invoke(_ string, args map[string]any) (map[string]any, error) {
	return args, nil
}

// Whatever an engine sends, the provider answers: with properties or an error, never with a panic.
func FuzzRPC(f *testing.F) {
	f.Add("urn:pulumi:s::p::aws:ec2/vpc:Vpc::n", `{"a":{"4dabf18193072939515e22adb298388d":"1b47061264138c4ac30d75fd1eb44270","value":"x"}}`)
	f.Add("", `{"a":[null,{"b":"04da6b54-80e4-46f7-96ec-b56ff0331ba9"}]}`)
	f.Fuzz(func(t *testing.T, urn, text string) {
		var fields map[string]any
		if json.Unmarshal([]byte(text), &fields) != nil {
			return
		}
		properties, err := structpb.NewStruct(fields)
		if err != nil {
			return
		}
		s := New("aws", "1.0.0", echo{}, NewInflight(), &faults.Injector{})
		ctx := Connections{}.TagConn(t.Context(), nil)
		if _, err := s.Configure(ctx, &pulumirpc.ConfigureRequest{}); err != nil {
			t.Fatal(err)
		}
		// Errors are answers, too.
		_, _ = s.Check(ctx, &pulumirpc.CheckRequest{Urn: urn, News: properties, Olds: properties})
		_, _ = s.Diff(ctx, &pulumirpc.DiffRequest{Urn: urn, News: properties, OldInputs: properties})
		_, _ = s.Create(ctx, &pulumirpc.CreateRequest{Urn: urn, Properties: properties})
		_, _ = s.Update(ctx, &pulumirpc.UpdateRequest{Urn: urn, News: properties, Olds: properties})
		_, _ = s.Read(ctx, &pulumirpc.ReadRequest{Urn: urn, Id: text})
		_, _ = s.Delete(ctx, &pulumirpc.DeleteRequest{Urn: urn, Id: text})
		_, _ = s.Invoke(ctx, &pulumirpc.InvokeRequest{Tok: urn, Args: properties})
	})
}

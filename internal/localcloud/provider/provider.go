// Package provider lets the Pulumi engine talk to the local cloud: a gRPC resource provider that is attached
// to the engine and knows nothing of what it stands for.
package provider

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/faults"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil/rpcerror"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

// Package is a set of resource types.
type Package interface {
	// Configure makes an instance from a provider's inputs, as far as they are text.
	Configure(config map[string]string) (Instance, error)
}

// Instance is a configured package: one region of AWS, or one cluster.
type Instance interface {
	// Check completes inputs. Names that it makes come from seed, the engine's: those of a plan are those of the update that
	// keeps to it.
	Check(token, name string, olds, news map[string]any, seed []byte) (map[string]any, []schema.Failure, error)
	Diff(token string, olds, news map[string]any) (Diff, error)
	// Preview returns the outputs of an object that is not made; unknown ones are left out.
	Preview(token string, inputs map[string]any) (map[string]any, error)
	// Create returns an id even with an error when the object was made but is not ready.
	Create(ctx context.Context, token, urn string, inputs map[string]any) (id string, outputs map[string]any, err error)
	// Read returns nil when there is no such object.
	Read(token, id string) (inputs, outputs map[string]any)
	Update(ctx context.Context, token, id string, inputs map[string]any) (outputs map[string]any, err error)
	Delete(ctx context.Context, token, id string) error
	Invoke(token string, args map[string]any) (map[string]any, error)
}

// stateOnly is an Instance that keeps nothing: what the engine's state says of its objects is all there is.
type stateOnly interface{ InStateOnly() }

// Diff is what changed: names of inputs.
type Diff struct {
	Changed, Replaced []string
	// DeleteFirst says that a new object cannot exist beside the old one.
	DeleteFirst bool
}

// Server is a gRPC provider for one package.
type Server struct {
	pulumirpc.UnimplementedResourceProviderServer
	name    string
	version string
	pkg     Package
	// inflight counts what is going on, and faults make some of it fail.
	inflight *Inflight
	faults   *faults.Injector
}

// New makes a server for the package called name, for example aws, which reports the given version.
func New(name, version string, pkg Package, inflight *Inflight, injector *faults.Injector) *Server {
	return &Server{name: name, version: version, pkg: pkg, inflight: inflight, faults: injector}
}

// connection is what one provider instance of the engine has told: the engine opens one for each, and its
// requests do not say which instance they are for.
type connection struct{ instance atomic.Pointer[Instance] }

type connectionKey struct{}

// Connections tags each connection; every gRPC server with a Server needs it as its stats handler.
type Connections struct{}

// TagConn gives a connection its own memory.
func (Connections) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context {
	return context.WithValue(ctx, connectionKey{}, &connection{})
}

// HandleConn does nothing.
func (Connections) HandleConn(context.Context, stats.ConnStats) {}

// TagRPC does nothing.
func (Connections) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC does nothing.
func (Connections) HandleRPC(context.Context, stats.RPCStats) {}

func (s *Server) instance(ctx context.Context) (Instance, error) {
	c, ok := ctx.Value(connectionKey{}).(*connection)
	if !ok || c.instance.Load() == nil {
		return nil, status.Errorf(codes.FailedPrecondition, "the %s provider was not configured", s.name)
	}
	return *c.instance.Load(), nil
}

// instanceFor is instance for a request about a resource, whose URN must be one: the SDK panics at others.
func (s *Server) instanceFor(ctx context.Context, urn string) (Instance, error) {
	if !resource.URN(urn).IsValid() {
		return nil, status.Errorf(codes.InvalidArgument, "%q is not a URN", urn)
	}
	return s.instance(ctx)
}

// Attach is the engine's greeting.
func (s *Server) Attach(context.Context, *pulumirpc.PluginAttach) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

// GetPluginInfo reports the version, at which the engine warns when it is older than the program's SDK.
func (s *Server) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: s.version}, nil
}

// CheckConfig accepts the provider's inputs as they are; Configure judges them.
func (s *Server) CheckConfig(_ context.Context, r *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	return &pulumirpc.CheckResponse{Inputs: r.GetNews()}, nil
}

// DiffConfig never replaces a provider, which would replace all that it made.
func (s *Server) DiffConfig(context.Context, *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	return &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE}, nil
}

// Configure remembers the connection's instance.
func (s *Server) Configure(ctx context.Context, r *pulumirpc.ConfigureRequest) (*pulumirpc.ConfigureResponse, error) {
	args, err := fromStruct(r.GetArgs())
	if err != nil {
		return nil, err
	}
	config := map[string]string{}
	for key, value := range args {
		if text, ok := value.(string); ok {
			config[key] = text
		}
	}
	instance, err := s.pkg.Configure(config)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	if c, ok := ctx.Value(connectionKey{}).(*connection); ok {
		c.instance.Store(&instance)
	}
	return &pulumirpc.ConfigureResponse{SupportsPreview: true}, nil
}

// Check validates inputs.
func (s *Server) Check(ctx context.Context, r *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	instance, err := s.instanceFor(ctx, r.GetUrn())
	if err != nil {
		return nil, err
	}
	olds, err := fromStruct(r.GetOlds())
	if err != nil {
		return nil, err
	}
	news, err := fromStruct(r.GetNews())
	if err != nil {
		return nil, err
	}
	urn := resource.URN(r.GetUrn())
	inputs, failures, err := instance.Check(string(urn.Type()), urn.Name(), olds, news, r.GetRandomSeed())
	if err != nil {
		return nil, err
	}
	response := &pulumirpc.CheckResponse{}
	for _, f := range failures {
		response.Failures = append(response.Failures, &pulumirpc.CheckFailure{Property: f.Property, Reason: f.Reason})
	}
	response.Inputs, err = toStruct(inputs)
	return response, err
}

// Diff compares inputs.
func (s *Server) Diff(ctx context.Context, r *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	instance, err := s.instanceFor(ctx, r.GetUrn())
	if err != nil {
		return nil, err
	}
	olds, err := fromStruct(r.GetOldInputs())
	if err != nil {
		return nil, err
	}
	news, err := fromStruct(r.GetNews())
	if err != nil {
		return nil, err
	}
	for _, ignored := range r.GetIgnoreChanges() {
		news[ignored] = olds[ignored]
	}
	diff, err := instance.Diff(string(resource.URN(r.GetUrn()).Type()), olds, news)
	if err != nil {
		return nil, err
	}
	response := &pulumirpc.DiffResponse{
		Changes: pulumirpc.DiffResponse_DIFF_NONE, Diffs: diff.Changed, Replaces: diff.Replaced,
		DeleteBeforeReplace: len(diff.Replaced) > 0 && diff.DeleteFirst,
	}
	if len(diff.Changed)+len(diff.Replaced) > 0 {
		response.Changes = pulumirpc.DiffResponse_DIFF_SOME
	}
	return response, nil
}

// Create makes a resource, or tells at preview what it would be.
func (s *Server) Create(ctx context.Context, r *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	instance, err := s.instanceFor(ctx, r.GetUrn())
	if err != nil {
		return nil, err
	}
	inputs, err := fromStruct(r.GetProperties())
	if err != nil {
		return nil, err
	}
	token := string(resource.URN(r.GetUrn()).Type())
	if r.GetPreview() {
		outputs, err := instance.Preview(token, inputs)
		if err != nil {
			return nil, err
		}
		properties, err := toStruct(outputs)
		return &pulumirpc.CreateResponse{Properties: properties}, err
	}
	defer s.inflight.begin(r.GetUrn())()
	var id string
	var outputs map[string]any
	err = s.faults.Do(ctx, token, faults.Create, func(ctx context.Context) (err error) {
		id, outputs, err = instance.Create(ctx, token, r.GetUrn(), inputs)
		return err
	})
	if errors.Is(err, faults.ErrLost) {
		// The engine never hears of what was made.
		return nil, err
	}
	if err != nil {
		return nil, initFailure(err, id, outputs, r.GetProperties())
	}
	properties, err := toStruct(outputs)
	return &pulumirpc.CreateResponse{Id: id, Properties: properties}, err
}

// initFailure tells the engine of an object that exists although the operation failed, so that it is not forgotten.
func initFailure(err error, id string, outputs map[string]any, inputs *structpb.Struct) error {
	if id == "" {
		return err
	}
	properties, convertErr := toStruct(outputs)
	if convertErr != nil {
		return convertErr
	}
	return rpcerror.WithDetails(rpcerror.New(codes.Unknown, err.Error()), &pulumirpc.ErrorResourceInitFailed{
		Id: id, Properties: properties, Inputs: inputs, Reasons: []string{err.Error()},
	})
}

// Read tells what is there.
func (s *Server) Read(ctx context.Context, r *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	instance, err := s.instanceFor(ctx, r.GetUrn())
	if err != nil {
		return nil, err
	}
	if _, ok := instance.(stateOnly); ok {
		return &pulumirpc.ReadResponse{Id: r.GetId(), Inputs: r.GetInputs(), Properties: r.GetProperties()}, nil
	}
	inputs, outputs := instance.Read(string(resource.URN(r.GetUrn()).Type()), r.GetId())
	if outputs == nil {
		return &pulumirpc.ReadResponse{}, nil
	}
	response := &pulumirpc.ReadResponse{Id: r.GetId()}
	if response.Inputs, err = toStruct(inputs); err != nil {
		return nil, err
	}
	response.Properties, err = toStruct(outputs)
	return response, err
}

// Update changes a resource.
func (s *Server) Update(ctx context.Context, r *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	instance, err := s.instanceFor(ctx, r.GetUrn())
	if err != nil {
		return nil, err
	}
	inputs, err := fromStruct(r.GetNews())
	if err != nil {
		return nil, err
	}
	if r.GetPreview() {
		known, err := fromStruct(r.GetOlds())
		if err != nil {
			return nil, err
		}
		for key, value := range inputs {
			known[key] = value
		}
		properties, err := toStruct(known)
		return &pulumirpc.UpdateResponse{Properties: properties}, err
	}
	defer s.inflight.begin(r.GetUrn())()
	var outputs map[string]any
	token := string(resource.URN(r.GetUrn()).Type())
	err = s.faults.Do(ctx, token, faults.Update, func(ctx context.Context) (err error) {
		outputs, err = instance.Update(ctx, token, r.GetId(), inputs)
		return err
	})
	if err != nil {
		if outputs == nil || errors.Is(err, faults.ErrLost) {
			return nil, err
		}
		return nil, initFailure(err, r.GetId(), outputs, r.GetNews())
	}
	properties, err := toStruct(outputs)
	return &pulumirpc.UpdateResponse{Properties: properties}, err
}

// Delete removes a resource.
func (s *Server) Delete(ctx context.Context, r *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	instance, err := s.instanceFor(ctx, r.GetUrn())
	if err != nil {
		return nil, err
	}
	defer s.inflight.begin(r.GetUrn())()
	token := string(resource.URN(r.GetUrn()).Type())
	return &emptypb.Empty{}, s.faults.Do(ctx, token, faults.Delete,
		func(ctx context.Context) error { return instance.Delete(ctx, token, r.GetId()) })
}

// Invoke answers a function.
func (s *Server) Invoke(ctx context.Context, r *pulumirpc.InvokeRequest) (*pulumirpc.InvokeResponse, error) {
	instance, err := s.instance(ctx)
	if err != nil {
		return nil, err
	}
	args, err := fromStruct(r.GetArgs())
	if err != nil {
		return nil, err
	}
	result, err := instance.Invoke(r.GetTok(), args)
	if err != nil {
		return nil, err
	}
	properties, err := toStruct(result)
	return &pulumirpc.InvokeResponse{Return: properties}, err
}

// Cancel is the engine's wish to stop; operations end with their contexts.
func (s *Server) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

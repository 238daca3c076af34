// Package ekscomponent stands for the pulumi-eks provider: it builds the component eks:index:Cluster from the
// same AWS resources as the real one.
package ekscomponent

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	awseks "github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/provider"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

// Server is the gRPC provider of the package eks.
type Server struct {
	pulumirpc.UnimplementedResourceProviderServer

	mu sync.Mutex
	// engines are the connections to the engines that have attached; each run of the CLI is a new one.
	engines map[string]*grpc.ClientConn
	latest  string
	version string
}

// New makes a server that reports the given version.
func New(version string) *Server {
	return &Server{engines: map[string]*grpc.ClientConn{}, version: version}
}

// Close ends the connections to engines.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, connection := range s.engines {
		// It is gone either way.
		_ = connection.Close()
	}
	s.engines = map[string]*grpc.ClientConn{}
}

// Attach remembers where the engine listens.
func (s *Server) Attach(_ context.Context, r *pulumirpc.PluginAttach) (*emptypb.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.engines[r.GetAddress()] == nil {
		connection, err := grpc.NewClient(r.GetAddress(), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return nil, fmt.Errorf("engine at %s: %w", r.GetAddress(), err)
		}
		s.engines[r.GetAddress()] = connection
	}
	s.latest = r.GetAddress()
	return &emptypb.Empty{}, nil
}

// GetPluginInfo reports the version, at which the engine warns when it is older than the program's SDK.
func (s *Server) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: s.version}, nil
}

// CheckConfig accepts everything.
func (s *Server) CheckConfig(_ context.Context, r *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	return &pulumirpc.CheckResponse{Inputs: r.GetNews()}, nil
}

// DiffConfig sees no difference.
func (s *Server) DiffConfig(context.Context, *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	return &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE}, nil
}

// Configure needs nothing: the component's resources have providers of their own.
func (s *Server) Configure(context.Context, *pulumirpc.ConfigureRequest) (*pulumirpc.ConfigureResponse, error) {
	return &pulumirpc.ConfigureResponse{
		AcceptSecrets: true, SupportsPreview: true, AcceptResources: true, AcceptOutputs: true,
	}, nil
}

// GetSchema says nothing of the schema.
func (s *Server) GetSchema(context.Context, *pulumirpc.GetSchemaRequest) (*pulumirpc.GetSchemaResponse, error) {
	return &pulumirpc.GetSchemaResponse{Schema: "{}"}, nil
}

// Invoke knows no function.
func (s *Server) Invoke(_ context.Context, r *pulumirpc.InvokeRequest) (*pulumirpc.InvokeResponse, error) {
	return &pulumirpc.InvokeResponse{Return: &structpb.Struct{},
		Failures: []*pulumirpc.CheckFailure{{Reason: "unknown function " + r.GetTok()}}}, nil
}

// Cancel is the engine's wish to stop.
func (s *Server) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

// Construct builds a component.
func (s *Server) Construct(ctx context.Context, r *pulumirpc.ConstructRequest) (*pulumirpc.ConstructResponse, error) {
	s.mu.Lock()
	engine := s.engines[s.latest]
	s.mu.Unlock()
	return provider.Construct(ctx, r, engine, func(ctx *pulumi.Context, token, name string, inputs provider.ConstructInputs,
		opts pulumi.ResourceOption) (*provider.ConstructResult, error) {
		if token != "eks:index:Cluster" {
			return nil, fmt.Errorf("the local target does not know the component %s", token)
		}
		args := new(clusterArgs)
		if err := knowAll(inputs); err != nil {
			return nil, fmt.Errorf("cluster %s: %w", name, err)
		}
		if err := inputs.CopyTo(args); err != nil {
			return nil, fmt.Errorf("inputs of %s: %w", name, err)
		}
		cluster, err := newCluster(ctx, name, args, opts)
		if err != nil {
			return nil, err
		}
		return provider.NewConstructResult(cluster)
	})
}

// withoutEffect are inputs that change nothing of what the local target makes.
var withoutEffect = []string{"createInstanceRole", "nodeAssociatePublicIpAddress"}

// knowAll refuses inputs that would be passed over without a word.
func knowAll(inputs provider.ConstructInputs) error {
	given, err := inputs.Map()
	if err != nil {
		return err
	}
	known := slices.Clone(withoutEffect)
	for field := range reflect.TypeFor[clusterArgs]().Fields() {
		known = append(known, field.Tag.Get("pulumi"))
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(known, name) {
			return fmt.Errorf("the local target does not know the input %s", name)
		}
	}
	return nil
}

// clusterArgs are the inputs that the local target understands.
type clusterArgs struct {
	ServiceRole           iam.RoleInput           `pulumi:"serviceRole"`
	VpcId                 pulumi.StringInput      `pulumi:"vpcId"`
	PublicSubnetIds       pulumi.StringArrayInput `pulumi:"publicSubnetIds"`
	PrivateSubnetIds      pulumi.StringArrayInput `pulumi:"privateSubnetIds"`
	Version               pulumi.StringInput      `pulumi:"version"`
	AuthenticationMode    string                  `pulumi:"authenticationMode"`
	CreateOidcProvider    pulumi.BoolInput        `pulumi:"createOidcProvider"`
	SkipDefaultNodeGroup  bool                    `pulumi:"skipDefaultNodeGroup"`
	SkipSecurityGroups    bool                    `pulumi:"skipDefaultSecurityGroups"`
	EndpointPrivateAccess pulumi.BoolInput        `pulumi:"endpointPrivateAccess"`
	EndpointPublicAccess  pulumi.BoolInput        `pulumi:"endpointPublicAccess"`
	PublicAccessCidrs     pulumi.StringArrayInput `pulumi:"publicAccessCidrs"`
	LogTypes              pulumi.StringArrayInput `pulumi:"enabledClusterLogTypes"`
	EncryptionKey         pulumi.StringInput      `pulumi:"encryptionConfigKeyArn"`
	VpcCni                *addonOptions           `pulumi:"vpcCniOptions"`
	Coredns               *addonOptions           `pulumi:"corednsAddonOptions"`
	KubeProxy             *addonOptions           `pulumi:"kubeProxyAddonOptions"`
	Tags                  pulumi.StringMapInput   `pulumi:"tags"`
}

type cluster struct {
	pulumi.ResourceState

	EksCluster             awseks.ClusterOutput `pulumi:"eksCluster"`
	ClusterSecurityGroupId pulumi.StringOutput  `pulumi:"clusterSecurityGroupId"`
	NodeSecurityGroupId    pulumi.StringOutput  `pulumi:"nodeSecurityGroupId"`
	Kubeconfig             pulumi.AnyOutput     `pulumi:"kubeconfig"`
	KubeconfigJson         pulumi.StringOutput  `pulumi:"kubeconfigJson"`
	OidcProviderArn        pulumi.StringOutput  `pulumi:"oidcProviderArn"`
	OidcProviderUrl        pulumi.StringOutput  `pulumi:"oidcProviderUrl"`
	OidcIssuer             pulumi.StringOutput  `pulumi:"oidcIssuer"`
}

func newCluster(ctx *pulumi.Context, name string, args *clusterArgs, opts pulumi.ResourceOption) (*cluster, error) {
	if args.ServiceRole == nil {
		return nil, fmt.Errorf("cluster %s: the local target needs serviceRole: declare the control plane's role", name)
	}
	if !args.SkipDefaultNodeGroup || !args.SkipSecurityGroups {
		return nil, fmt.Errorf("cluster %s: the local target needs skipDefaultNodeGroup and skipDefaultSecurityGroups: declare a managed "+
			"node group", name)
	}
	c := &cluster{}
	if err := ctx.RegisterComponentResource("eks:index:Cluster", name, c, opts); err != nil {
		return nil, err
	}
	parent := pulumi.Parent(c)
	subnets := pulumi.All(args.PublicSubnetIds, args.PrivateSubnetIds).ApplyT(func(ids []any) []string {
		return append(append([]string{}, ids[0].([]string)...), ids[1].([]string)...)
	}).(pulumi.StringArrayOutput)
	clusterArgs := &awseks.ClusterArgs{
		RoleArn: args.ServiceRole.ToRoleOutput().Arn(),
		Version: args.Version.ToStringOutput().ToStringPtrOutput(),
		AccessConfig: awseks.ClusterAccessConfigArgs{
			AuthenticationMode: pulumi.String(args.AuthenticationMode), BootstrapClusterCreatorAdminPermissions: pulumi.Bool(true),
		},
		VpcConfig: awseks.ClusterVpcConfigArgs{
			SubnetIds:             subnets,
			EndpointPrivateAccess: args.EndpointPrivateAccess.ToBoolOutput().ToBoolPtrOutput(),
			EndpointPublicAccess:  args.EndpointPublicAccess.ToBoolOutput().ToBoolPtrOutput(),
			PublicAccessCidrs:     args.PublicAccessCidrs,
		},
		EnabledClusterLogTypes: args.LogTypes,
		Tags:                   named(args.Tags, name+"-eksCluster"),
	}
	if args.EncryptionKey != nil {
		clusterArgs.EncryptionConfig = awseks.ClusterEncryptionConfigArgs{
			Provider:  awseks.ClusterEncryptionConfigProviderArgs{KeyArn: args.EncryptionKey},
			Resources: pulumi.StringArray{pulumi.String("secrets")},
		}
	}
	control, err := awseks.NewCluster(ctx, name+"-eksCluster", clusterArgs, parent)
	if err != nil {
		return nil, err
	}
	issuer := control.Identities.Index(pulumi.Int(0)).Oidcs().Index(pulumi.Int(0)).Issuer().Elem()
	identity, err := iam.NewOpenIdConnectProvider(ctx, name+"-oidcProvider", &iam.OpenIdConnectProviderArgs{
		Url: issuer, ClientIdLists: pulumi.StringArray{pulumi.String("sts.amazonaws.com")},
		ThumbprintLists: pulumi.StringArray{pulumi.String(issuersThumbprint)}, Tags: args.Tags,
	}, parent)
	if err != nil {
		return nil, err
	}
	connection := pulumi.ToSecret(kubeconfig(ctx, control)).(pulumi.StringOutput)
	if _, err := kubernetes.NewProvider(ctx, name+"-eks-k8s", &kubernetes.ProviderArgs{Kubeconfig: connection.ToStringPtrOutput()},
		parent); err != nil {
		return nil, err
	}
	if err := addons(ctx, name, args, control, parent); err != nil {
		return nil, err
	}
	group := control.VpcConfig.ClusterSecurityGroupId().Elem()
	c.EksCluster = control.ToClusterOutput()
	c.ClusterSecurityGroupId, c.NodeSecurityGroupId = group, group
	c.OidcProviderArn, c.OidcProviderUrl = identity.Arn, issuer
	c.OidcIssuer = issuer.ApplyT(func(url string) string { return url[len("https://"):] }).(pulumi.StringOutput)
	c.KubeconfigJson = connection
	c.Kubeconfig = c.KubeconfigJson.ApplyT(func(text string) (any, error) {
		var value any
		err := json.Unmarshal([]byte(text), &value)
		return value, err
	}).(pulumi.AnyOutput)
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{
		"eksCluster": c.EksCluster, "clusterSecurityGroupId": group, "nodeSecurityGroupId": group,
		"kubeconfig": c.Kubeconfig, "kubeconfigJson": c.KubeconfigJson,
		"oidcProviderArn": c.OidcProviderArn, "oidcProviderUrl": c.OidcProviderUrl, "oidcIssuer": c.OidcIssuer,
	})
}

// issuersThumbprint stands for the fingerprint of the issuer's certificate authority, which the real component asks the
// issuer for.
const issuersThumbprint = "9e99a48a9960b14926bb7f3b02e22da2b0ab7280"

// named adds the tag by which the console knows a cluster.
func named(tags pulumi.StringMapInput, name string) pulumi.StringMapInput {
	if tags == nil {
		tags = pulumi.StringMap{}
	}
	return tags.ToStringMapOutput().ApplyT(func(given map[string]string) map[string]string {
		all := map[string]string{"Name": name}
		maps.Copy(all, given)
		return all
	}).(pulumi.StringMapOutput)
}

// kubeconfig has the real provider's form: credentials come from the AWS CLI when they are needed.
func kubeconfig(ctx *pulumi.Context, control *awseks.Cluster) pulumi.StringOutput {
	region := aws.GetRegionOutput(ctx, aws.GetRegionOutputArgs{}).Name()
	return pulumi.All(control.Name, control.Endpoint, control.CertificateAuthority.Data().Elem(),
		region).ApplyT(func(values []any) (string, error) {
		encoded, err := json.Marshal(map[string]any{
			"apiVersion": "v1", "kind": "Config", "current-context": "aws",
			"clusters": []any{map[string]any{"name": "kubernetes", "cluster": map[string]any{
				"server": values[1], "certificate-authority-data": values[2],
			}}},
			"contexts": []any{map[string]any{"name": "aws", "context": map[string]any{"cluster": "kubernetes", "user": "aws"}}},
			"users": []any{map[string]any{"name": "aws", "user": map[string]any{"exec": map[string]any{
				"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "aws",
				"args": []any{"--region", values[3], "eks", "get-token", "--cluster-name", values[0], "--output", "json"},
				"env":  []any{map[string]any{"name": "KUBERNETES_EXEC_INFO", "value": `{"apiVersion": "client.authentication.k8s.io/v1beta1"}`}},
			}}}},
		})
		return string(encoded), err
	}).(pulumi.StringOutput)
}

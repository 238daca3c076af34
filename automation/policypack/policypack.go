// Package policypack is the policies of policies/ as the engine wants them: a policy pack in a folder, and a plugin that
// judges by it. The plugin is the program itself under another name.
package policypack

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/wholefile"
	"github.com/apigateway-ingress/apigateway-ingress/policies"
	"github.com/google/renameio/v2"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

// PluginName is what the engine calls for a policy pack whose runtime is policies.Name:
// https://www.pulumi.com/docs/insights/policy/
const PluginName = "pulumi-analyzer-policy-" + policies.Name

// analyzer lets the engine ask, before it creates or updates a resource, whether the policies admit it.
type analyzer struct {
	pulumirpc.UnimplementedAnalyzerServer
	pack *policies.Pack
}

// Serve answers the engine as its plugin. It prints its port, and ends with the engine.
func Serve(out io.Writer) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	pack, err := policies.Load(ctx)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	pulumirpc.RegisterAnalyzerServer(server, &analyzer{pack: pack})
	go func() {
		awaitEnd(ctx, os.Getppid())
		server.Stop()
	}()
	address, _ := listener.Addr().(*net.TCPAddr)
	fmt.Fprintln(out, address.Port)
	return server.Serve(listener)
}

// awaitEnd returns when the engine that started this process has ended: an engine that is killed takes nothing along.
func awaitEnd(ctx context.Context, engine int) {
	for os.Getppid() == engine {
		select {
		case <-ctx.Done():
			return
		case <-time.After(parentPause):
		}
	}
}

const parentPause = 200 * time.Millisecond

func (a *analyzer) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: policies.Version}, nil
}

func (a *analyzer) Configure(context.Context, *pulumirpc.ConfigureAnalyzerRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func (a *analyzer) GetAnalyzerInfo(context.Context, *emptypb.Empty) (*pulumirpc.AnalyzerInfo, error) {
	info := &pulumirpc.AnalyzerInfo{Name: policies.Name, DisplayName: policies.Name, Version: policies.Version}
	for name, description := range a.pack.Descriptions {
		info.Policies = append(info.Policies, &pulumirpc.PolicyInfo{
			Name: name, DisplayName: name, Description: description, EnforcementLevel: a.level(name),
			PolicyType: pulumirpc.PolicyType_POLICY_TYPE_RESOURCE,
		})
	}
	return info, nil
}

func (a *analyzer) level(policy string) pulumirpc.EnforcementLevel {
	if a.pack.Advisory(policy) {
		return pulumirpc.EnforcementLevel_ADVISORY
	}
	return pulumirpc.EnforcementLevel_MANDATORY
}

// Analyze judges one resource.
func (a *analyzer) Analyze(ctx context.Context, r *pulumirpc.AnalyzeRequest) (*pulumirpc.AnalyzeResponse, error) {
	violations, err := a.pack.Check(ctx, policies.Resource{Type: r.GetType(), Name: r.GetName(), Inputs: r.GetProperties().AsMap()})
	if err != nil {
		return nil, err
	}
	response := &pulumirpc.AnalyzeResponse{}
	for _, v := range violations {
		response.Diagnostics = append(response.Diagnostics, &pulumirpc.AnalyzeDiagnostic{
			PolicyName: v.Policy, PolicyPackName: policies.Name, PolicyPackVersion: policies.Version, Description: a.pack.Descriptions[v.Policy],
			Message: v.Message, EnforcementLevel: a.level(v.Policy), Urn: r.GetUrn(),
		})
	}
	return response, nil
}

// AnalyzeStack has nothing to add: every policy is about one resource.
func (a *analyzer) AnalyzeStack(context.Context, *pulumirpc.AnalyzeStackRequest) (*pulumirpc.AnalyzeResponse, error) {
	return &pulumirpc.AnalyzeResponse{}, nil
}

// Remediate changes nothing.
func (a *analyzer) Remediate(context.Context, *pulumirpc.AnalyzeRequest) (*pulumirpc.RemediateResponse, error) {
	return &pulumirpc.RemediateResponse{}, nil
}

func (a *analyzer) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

// InstallPlugin puts a program into a folder under the name that the engine looks for.
func InstallPlugin(dir, program string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	link := filepath.Join(dir, PluginName)
	if target, err := os.Readlink(link); err == nil && target == program {
		return nil
	}
	// Another operation may do the same at the same time.
	return renameio.Symlink(program, link)
}

// Write writes the pack into a folder.
func Write(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return fs.WalkDir(policies.Files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := policies.Files.ReadFile(name)
		if err != nil {
			return err
		}
		return wholefile.Write(filepath.Join(dir, name), content)
	})
}

package integration

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

// languageHost runs a program that is built already. The official one for Go builds it first; machines without the
// network cannot fetch that.
type languageHost struct {
	pulumirpc.UnimplementedLanguageRuntimeServer
	program string
	engine  string
}

func (h *languageHost) Handshake(_ context.Context, r *pulumirpc.LanguageHandshakeRequest) (*pulumirpc.LanguageHandshakeResponse, error) {
	h.engine = r.GetEngineAddress()
	return &pulumirpc.LanguageHandshakeResponse{}, nil
}

func (h *languageHost) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: "1.0.0"}, nil
}

func (h *languageHost) GetRequiredPackages(context.Context, *pulumirpc.GetRequiredPackagesRequest) (*pulumirpc.GetRequiredPackagesResponse, error) {
	return &pulumirpc.GetRequiredPackagesResponse{}, nil
}

func (h *languageHost) Run(ctx context.Context, r *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	config := "{}"
	if len(r.GetConfig()) > 0 {
		encoded, err := jsonText(r.GetConfig())
		if err != nil {
			return nil, err
		}
		config = encoded
	}
	program := exec.CommandContext(ctx, h.program)
	program.Dir = r.GetInfo().GetRootDirectory()
	program.Env = append(os.Environ(), "PULUMI_PROJECT="+r.GetProject(), "PULUMI_STACK="+r.GetStack(),
		"PULUMI_ORGANIZATION="+r.GetOrganization(),
		"PULUMI_ROOT_DIRECTORY="+r.GetInfo().GetRootDirectory(), "PULUMI_CONFIG="+config, "PULUMI_CONFIG_SECRET_KEYS=[]",
		fmt.Sprintf("PULUMI_DRY_RUN=%t", r.GetDryRun()), fmt.Sprintf("PULUMI_PARALLEL=%d", r.GetParallel()),
		"PULUMI_MONITOR="+r.GetMonitorAddress(), "PULUMI_ENGINE="+h.engine)
	if out, err := program.CombinedOutput(); err != nil {
		return &pulumirpc.RunResponse{Error: strings.TrimSpace(string(out)), Bail: strings.TrimSpace(string(out)) == ""}, nil
	}
	return &pulumirpc.RunResponse{}, nil
}

// testPlainPulumi: the official CLI works on the same stack, with what `env` prints.
func testPlainPulumi(t *testing.T, b *binary) {
	program := bin(t, "stacks")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer()
	pulumirpc.RegisterLanguageRuntimeServer(server, &languageHost{program: program})
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()

	var environment map[string]string
	b.json(&environment, "env")
	pulumi := func(args ...string) string {
		cli := os.Getenv("APIGW_INGRESS_PULUMI")
		if cli == "" {
			cli = bin(t, "pulumi")
		}
		command := exec.Command(cli, append(args, "--stack", "local", "--non-interactive", "--color", "never")...)
		command.Dir = b.root
		command.Env = append(os.Environ(), fmt.Sprintf("PULUMI_DEBUG_LANGUAGES=go:%d", listener.Addr().(*net.TCPAddr).Port))
		for name, value := range environment {
			command.Env = append(command.Env, name+"="+value)
		}
		out, err := command.CombinedOutput()
		require.NoError(t, err, string(out))
		return string(out)
	}
	require.NoError(t, os.MkdirAll(filepath.Join(b.root, "stacks"), 0o750))
	require.Contains(t, pulumi("preview", "--expect-no-changes"), "unchanged", "the binary's stack is the same to pulumi")
	require.Contains(t, pulumi("up", "--yes", "--skip-preview"), "unchanged")
	require.Contains(t, pulumi("destroy", "--yes", "--skip-preview"), "deleted")
	require.Contains(t, pulumi("up", "--yes", "--skip-preview"), "created")
	require.Zero(t, b.run("call", "/api/book/list").code)
	require.Zero(t, b.run("preview", "--expect-no-changes").code, "and the other way round")
}

package bench

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/components/network"
	"github.com/apigateway-ingress/apigateway-ingress/stacks/deploy"
	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

func projectConfig(root string) deploy.Lookup {
	project, err := engine.OpenProject(root, "local")
	if err != nil {
		return func(string) (string, bool) { return "", false }
	}
	return project.Get
}

type nodes struct {
	*network.Network
	group pulumi.StringOutput
}

func sharedNetwork(ctx *pulumi.Context) (*nodes, error) {
	net, err := network.New(ctx, "n", &network.Args{AvailabilityZones: []string{"us-east-1a", "us-east-1b"}, Region: "us-east-1"})
	if err != nil {
		return nil, err
	}
	group, err := ec2.NewSecurityGroup(ctx, "nodes", &ec2.SecurityGroupArgs{VpcId: net.VpcID.ToStringPtrOutput()})
	if err != nil {
		return nil, err
	}
	return &nodes{net, group.ID().ToStringOutput()}, nil
}

func localTarget(t *testing.T, r *report) {
	binary, err := filepath.Abs(filepath.Join(repository, "bin", "apigw-ingress"))
	require.NoError(t, err)
	root := t.TempDir()
	require.NoError(t, os.CopyFS(filepath.Join(root, "examples"), os.DirFS(filepath.Join(repository, "examples"))))
	for _, name := range []string{"Pulumi.yaml", "Pulumi.local.yaml"} {
		content, err := os.ReadFile(filepath.Join(repository, name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(root, name), content, 0o600))
	}
	_, upTook, upMemory := timedRun(t, binary, root, "up", "--json")
	_, callTook, _ := timedRun(t, binary, root, "call", "/api/book/list")
	_, noOp, _ := timedRun(t, binary, root, "up", "--json")
	var helps []time.Duration
	for range 9 {
		_, took, _ := timedRun(t, binary, root, "--help")
		helps = append(helps, took)
	}
	slices.Sort(helps)
	raw, _, _ := timedRun(t, binary, root, "outputs", "--json", "--show-secrets")
	var outputs map[string]any
	require.NoError(t, json.Unmarshal(raw, &outputs))
	text := func(name string) string { return fmt.Sprint(outputs[name]) }
	signed, address := signedRequest(t, text)
	status, _, _ := timedRun(t, binary, root, "status", "--json")
	var running struct {
		LocalCloud struct {
			PID  int
			Pods []struct{ Name, IP string }
		}
	}
	require.NoError(t, json.Unmarshal(status, &running))
	memory := residentKB(running.LocalCloud.PID)
	var proxies []string
	service := ""
	for _, pod := range running.LocalCloud.Pods {
		if strings.HasPrefix(pod.Name, "bookstore-proxy") {
			proxies = append(proxies, pod.IP+":8080")
		}
		if strings.HasPrefix(pod.Name, "bookservice") {
			service = pod.IP + ":8080"
		}
	}
	all := []*contender{
		{name: "the whole chain, signed", address: address}, {name: "one of its NGINX pods alone", address: proxies[0]},
		{name: "a Go proxy that only passes on, in the local cloud's place", address: startPassOn(t, proxies)},
		{name: fmt.Sprintf("its %d NGINX pods in turn, as the chain does", len(proxies)), address: strings.Join(proxies, ",")}, {name: "the service alone", address: service},
	}
	for range rounds {
		for i, c := range all {
			request := get(bookPath)
			if i == 0 {
				request = signed
			}
			c.results = append(c.results, load(t, c.address, request, 0, 0))
		}
	}
	_, destroyTook, _ := timedRun(t, binary, root, "destroy", "--json")

	r.section("Local target: the binary", "From nothing to the first answer, with processes and all.")
	r.table([]string{"", ""}, [][]string{
		{"`up` and the first signed 200", seconds(upTook + callTook)}, {"`up` with nothing to do", seconds(noOp)}, {"`destroy`", seconds(destroyTook)},
		{"`--help`", millis(helps[len(helps)/2])}, {"memory of the binary during `up`", figure(float64(upMemory)/1024) + " MiB"}, {"memory of the local cloud at rest", figure(float64(memory)/1024) + " MiB"},
	})
	rate := func(f figures) float64 { return f.rate }
	var rows [][]string
	var bars []bar
	for _, c := range all {
		rows = append(rows, []string{c.name, figure(c.median(rate)), fmt.Sprintf("%.2f", c.median(rate)/all[1].median(rate)), figure(c.median(p99))})
		bars = append(bars, bar{c.name, c.median(rate)})
	}
	r.line("Requests through the chain: signature, policies, stage, link, balancer, NGINX, service.\n")
	r.table([]string{"", "requests/s", "ratio to NGINX", "p99, ms"}, rows)
	r.chart(t, "benchmark-local", "Requests a second on the local target", "req/s", bars)
}

func timedRun(t *testing.T, binary, root string, args ...string) ([]byte, time.Duration, int64) {
	t.Helper()
	command := exec.Command(binary, append([]string{"--project", root}, args...)...)
	started := time.Now()
	out, err := command.Output()
	require.NoError(t, err, "%v", args)
	return out, time.Since(started), maxRSS(command.ProcessState)
}

// signedRequest is one that can be sent again and again for some minutes.
func signedRequest(t *testing.T, output func(string) string) (request, address string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, output("apiEndpoint")+bookPath, nil)
	require.NoError(t, err)
	sum := sha256.Sum256(nil)
	key := aws.Credentials{AccessKeyID: output("clientAccessKeyId"), SecretAccessKey: output("clientSecretAccessKey")}
	require.NoError(t, v4.NewSigner().SignHTTP(context.Background(), key, r, hex.EncodeToString(sum[:]), "execute-api", output("region"), time.Now()))
	var wire strings.Builder
	require.NoError(t, r.Write(&wire))
	return wire.String(), r.URL.Host
}

// maxRSS is the most memory that a process had, in kB.
func maxRSS(state *os.ProcessState) int64 {
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		return usage.Maxrss
	}
	return 0
}

func residentKB(pid int) int64 {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.SplitSeq(string(content), "\n") {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			return n
		}
	}
	return 0
}

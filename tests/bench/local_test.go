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
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/components/network"
	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/target"
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
	net, err := network.New(ctx, "n", &network.Args{})
	if err != nil {
		return nil, err
	}
	group, err := ec2.NewSecurityGroup(ctx, "nodes", &ec2.SecurityGroupArgs{VpcId: net.VpcID.ToStringPtrOutput()})
	if err != nil {
		return nil, err
	}
	return &nodes{net, group.ID().ToStringOutput()}, nil
}

func (n *nodes) target(port int) target.Target {
	return target.Target{Nodes: target.Nodes{SecurityGroupID: n.group, AutoScalingGroups: pulumi.StringMap{}}, NodePort: pulumi.Int(port)}
}

func localTarget(t *testing.T, r *report) {
	binary, err := filepath.Abs(filepath.Join(repository, "bin", "apigw-ingress"))
	require.NoError(t, err)
	r.section("Local target: the binary", "From nothing to the first answer, with processes and all. Seconds.")
	var first, noOp, destroy, help samples
	var memory int64
	for range rounds {
		root := newProject(t)
		first.time(t, func() error {
			memory = max(memory, peakMemory(t, binary, root, "up", "--json"))
			peakMemory(t, binary, root, "call", "/api/book/list")
			return nil
		})
		help.time(t, func() error { peakMemory(t, binary, root, "--help"); return nil })
		noOp.time(t, func() error { peakMemory(t, binary, root, "up", "--json"); return nil })
		destroy.time(t, func() error { peakMemory(t, binary, root, "destroy", "--json"); return nil })
	}
	r.table([]string{"", ""}, [][]string{
		{"`up` and the first signed 200", first.String()}, {"`up` with nothing to do", noOp.String()}, {"`destroy`", destroy.String()},
		{"`--help`", help.String()}, {"memory of the binary during `up`, at most", mebibytes(memory)},
	})
	chain(t, r, binary)
}

type pod struct {
	Name, IP string
	PID      int
}

func (p pod) isProxy() bool       { return strings.HasPrefix(p.Name, "bookstore-proxy") }
func (p pod) isBookService() bool { return strings.HasPrefix(p.Name, "bookservice") }

// newProject is one of a user who has just begun.
func newProject(t *testing.T) (root string) {
	t.Helper()
	root = t.TempDir()
	require.NoError(t, os.CopyFS(filepath.Join(root, "examples"), os.DirFS(filepath.Join(repository, "examples"))))
	for _, name := range []string{"Pulumi.yaml", "Pulumi.local.yaml"} {
		content, err := os.ReadFile(filepath.Join(repository, name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(root, name), content, 0o600))
	}
	return root
}

// chain measures requests through everything, next to parts of it.
func chain(t *testing.T, r *report, binary string) {
	root := newProject(t)
	answer(t, binary, root, nil, "up")
	var outputs map[string]any
	answer(t, binary, root, &outputs, "outputs", "--show-secrets")
	text := func(name string) string { return fmt.Sprint(outputs[name]) }
	signed, address := signedRequest(t, text)
	var running struct {
		LocalCloud struct {
			PID  int
			Pods []pod
		}
	}
	answer(t, binary, root, &running, "status")
	memory := residentKB(running.LocalCloud.PID)
	var proxies []string
	service := ""
	for _, p := range running.LocalCloud.Pods {
		switch {
		case p.isProxy():
			proxies = append(proxies, p.IP+":8080")
		case p.isBookService():
			service = p.IP + ":8080"
		}
	}
	// NGINX pods want a proof that a request comes through the API.
	proved := strings.Replace(get(bookPath), "\r\n", "\r\n"+route.OriginHeader+": "+originOf(t, root)+"\r\n", 1)
	hops := podHops(running.LocalCloud.PID, running.LocalCloud.Pods)
	whole, one := &contender{name: "the whole chain, signed", address: address},
		&contender{name: "one of its NGINX pods alone", address: proxies[0]}
	bare := &contender{name: "a Go proxy that only passes on, in the local cloud's place"}
	all := []*contender{
		whole, one, bare,
		{name: fmt.Sprintf("its %d NGINX pods in turn, as the chain does", len(proxies)), address: strings.Join(proxies, ",")},
		{name: "the service alone", address: service},
	}
	// The proxy ends with the subtest: NGINX pods wait for connections that are open and silent.
	t.Run("requests", func(t *testing.T) {
		bare.address = startPassOn(t, proxies)
		for range rounds {
			for _, c := range all {
				if c != whole {
					c.results = append(c.results, load(t, c.address, proved, 0, 0))
					continue
				}
				for _, h := range hops {
					h.begin()
				}
				result := load(t, c.address, signed, 0, 0)
				for _, h := range hops {
					h.end(result.answers)
				}
				c.results = append(c.results, result)
			}
		}
	})
	answer(t, binary, root, nil, "destroy")
	var rows [][]string
	var bars []bar
	for _, c := range all {
		rows = append(rows, []string{c.name, c.of(rate).String(), c.against(one, rate), c.of(p99).String()})
		bars = append(bars, bar{c.name, c.of(rate).median()})
	}
	r.line("Requests through the chain: signature, policies, stage, link, balancer, NGINX, service. The local cloud had %s of memory "+
		"before.\n", mebibytes(memory))
	r.table([]string{"", "requests/s", "ratio to NGINX", "p99, ms"}, rows)
	r.hopTable(hops, verifying(t, signed, text("clientAccessKeyId"), text("clientSecretAccessKey"), text("region")))
	r.chart(t, "benchmark-local", "Requests a second on the local target", "req/s", bars)
}

// originOf is a proof that the stack's NGINX accepts.
func originOf(t *testing.T, root string) string {
	t.Helper()
	mounted, err := filepath.Glob(filepath.Join(root, ".apigw-ingress", "pods", "*", "root", "etc", "*", "origins.conf"))
	require.NoError(t, err)
	require.NotEmpty(t, mounted)
	content, err := os.ReadFile(mounted[0])
	require.NoError(t, err)
	return regexp.MustCompile(`[A-Za-z0-9]{20,}`).FindString(string(content))
}

// answer reads what a verb says, unless into is nil.
func answer(t *testing.T, binary, root string, into any, args ...string) {
	t.Helper()
	out, err := exec.Command(binary, append(append([]string{"--project", root}, args...), "--json")...).Output()
	require.NoError(t, err, "%v", args)
	if into != nil {
		require.NoError(t, json.Unmarshal(out, into))
	}
}

// peakMemory runs a verb and returns the most memory that it had, in kB.
func peakMemory(t *testing.T, binary, root string, args ...string) int64 {
	t.Helper()
	command := exec.Command(binary, append([]string{"--project", root}, args...)...)
	_, err := command.Output()
	require.NoError(t, err, "%v", args)
	return maxRSS(command.ProcessState)
}

func mebibytes(kB int64) string { return figure(float64(kB)/1024) + " MiB" }

// signedRequest is one that can be sent again and again for some minutes.
func signedRequest(t *testing.T, output func(string) string) (request, address string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, output("apiEndpoint")+bookPath, nil)
	require.NoError(t, err)
	sum := sha256.Sum256(nil)
	key := aws.Credentials{AccessKeyID: output("clientAccessKeyId"), SecretAccessKey: output("clientSecretAccessKey")}
	require.NoError(t, v4.NewSigner().SignHTTP(context.Background(), key, r, hex.EncodeToString(sum[:]), "execute-api", output("region"),
		time.Now()))
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

func residentKB(pid int) int64 { return statusKB(pid, "VmRSS:") }

// statusKB is a figure of what the kernel says about a process, in kB.
func statusKB(pid int, name string) int64 {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.SplitSeq(string(content), "\n") {
		if value, ok := strings.CutPrefix(line, name); ok {
			n, _ := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			return n
		}
	}
	return 0
}

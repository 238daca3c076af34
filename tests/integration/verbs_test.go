package integration

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/stretchr/testify/require"
)

// testLooking tries the verbs that only look, on a stack that is up.
func testLooking(t *testing.T, b *binary) {
	for verb, want := range map[string]string{
		"doctor": "ok    nginx", "graph": "flowchart LR", "graph --format dot --all": "digraph stack", "graph --format svg": "<svg",
		"cost": "EKS control plane",
		"logs": "access bookstore-", "env": "export PULUMI_BACKEND_URL='file://", "iam": "RestApisAndVpcLinks",
		"iam --deployer": "apigateway:UpdateRestApiPolicy",
		"unlock":         "is not locked", "check": "advice of policy private-cluster", "drift": "is what its state says", "routes": "/api/book",
		"status": "3 proxy pods",
	} {
		o := b.run(strings.Fields(verb)...)
		require.Zero(t, o.code, "%s: %s", verb, o.errOut)
		require.Contains(t, o.out, want, verb)
	}
	require.NotContains(t, b.run("graph", "--all").out, "n0 --> n0")
	for _, verb := range []string{"unlock", "graph", "graph --all --format dot", "check", "routes", "env", "status"} {
		o := b.run(append(strings.Fields(verb), "--json")...)
		require.Zero(t, o.code, verb)
		require.True(t, json.Valid([]byte(o.out)), "%s: %s", verb, o.out)
	}
	for words, want := range map[string]string{"outputs ": "apiEndpoint\n", "logs ": "access\nauthorservice\nbookservice\nproxy\ncloud\n",
		"--stack ": "local\n"} {
		o := b.run(append([]string{"__complete"}, strings.Split(words, " ")...)...)
		require.Contains(t, o.out, want, words)
	}
	var estimate struct{ UsdPerMonth float64 }
	b.json(&estimate, "cost")
	require.Greater(t, estimate.UsdPerMonth, 100.0)
	require.Equal(t, 2, b.run("graph", "--format", "png").code)
	require.Equal(t, 2, b.run("logs", "no-such-pod").code)
}

// testPlan: up keeps to a plan, and refuses what is not in it.
func testPlan(t *testing.T, b *binary) {
	summary := filepath.Join(b.root, "summary.md")
	b.edit("examples/bookstore/ingress.yaml", "path: /api/author", "path: /api/writer")
	require.Zero(t, b.run("preview", "--save-plan", "plan.json", "--summary", summary).code)
	content, err := os.ReadFile(summary)
	require.NoError(t, err)
	for _, want := range []string{"stack `local` on local", "| update | `aws:apigateway/restApi:RestApi` | bookstore |", "USD a month",
		"```mermaid"} {
		require.Contains(t, string(content), want)
	}
	require.Equal(t, 3, b.run("preview", "--expect-no-changes").code)
	b.edit("examples/bookstore/ingress.yaml", "path: /api/writer", "path: /api/scribe")
	b.edit("Pulumi.local.yaml", "clientUser: true", "clientUser: true\n  apigateway-ingress:alarms: true")
	refused := b.run("up", "--json", "--plan", filepath.Join(b.root, "plan.json"), "--summary", summary)
	require.Equal(t, 4, refused.code, refused.out)
	lines := strings.Split(strings.TrimSpace(refused.out), "\n")
	var told struct{ Operation, Error string }
	require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &told))
	require.Equal(t, "up", told.Operation)
	require.Contains(t, told.Error, "violates plan")
	content, err = os.ReadFile(summary)
	require.NoError(t, err)
	require.Contains(t, string(content), "**Failed**", "a failure is reported as well")
	b.edit("examples/bookstore/ingress.yaml", "path: /api/scribe", "path: /api/author")
	b.edit("Pulumi.local.yaml", "\n  apigateway-ingress:alarms: true", "")
	require.Zero(t, b.run("up").code)
}

// testWeakerAccess: what lets in more than before is said first, and changes nothing where that is an error.
func testWeakerAccess(t *testing.T, b *binary) {
	summary := filepath.Join(b.root, "summary.md")
	require.NotContains(t, b.run("preview").out, "WEAKER ACCESS")
	const arns = "\n  apigateway-ingress:clientArns: [arn:aws:iam::111122223333:user/mallory]"
	b.edit("Pulumi.local.yaml", "clientUser: true", "clientUser: true"+arns)
	const way = "the whole API: arn:aws:iam::111122223333:user/mallory may call it"
	require.Contains(t, b.run("preview", "--summary", summary).out, "!! WEAKER ACCESS: this lets in more than what was deployed:\n!!   "+way)
	content, err := os.ReadFile(summary)
	require.NoError(t, err)
	require.Less(t, strings.Index(string(content), way), strings.Index(string(content), " to update"), "it is said first")
	for _, verb := range []string{"preview", "up"} {
		refused := b.run(verb, "--fail-on-weaker-access", "--json")
		require.Equal(t, 9, refused.code, refused.out)
		lines := strings.Split(strings.TrimSpace(refused.out), "\n")
		var told struct{ WeakerAccess []string }
		require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &told))
		require.Equal(t, []string{way}, told.WeakerAccess)
	}
	require.Contains(t, b.run("preview").out, way, "nothing was changed")
	require.Zero(t, b.run("up").code)
	require.Zero(t, b.run("preview", "--fail-on-weaker-access").code, "it is deployed now")
	b.edit("Pulumi.local.yaml", arns, "")
	require.Zero(t, b.run("up", "--fail-on-weaker-access").code, "less is no problem")
}

// testSecretsAreHidden searches everything that is printed for the values.
func testSecretsAreHidden(t *testing.T, b *binary) {
	var shown map[string]any
	b.json(&shown, "outputs", "--show-secrets")
	secret := shown["clientSecretAccessKey"].(string)
	require.NotEmpty(t, secret)
	b.edit("Pulumi.local.yaml", "clientUser: true", "clientUser: true\n  apigateway-ingress:metrics: true")
	for _, args := range [][]string{{"up", "--json", "--summary", filepath.Join(b.root, "s.md")}, {"up"}, {"refresh", "--json"},
		{"outputs"}, {"export"}, {"status", "--json"}, {"graph", "--all"}, {"logs", "-n", "1000"}} {
		o := b.run(args...)
		require.Zero(t, o.code, o.errOut)
		require.NotContains(t, o.out+o.errOut, secret, args)
	}
	content, err := os.ReadFile(filepath.Join(b.root, "s.md"))
	require.NoError(t, err)
	require.NotContains(t, string(content), secret)
	b.edit("Pulumi.local.yaml", "\n  apigateway-ingress:metrics: true", "")
	require.Zero(t, b.run("up").code)
}

// Every line of an operation's output is an event of the engine's own schema, the last one the result.
func TestEventsAreNDJSON(t *testing.T) {
	t.Parallel()
	b := newBinary(t)
	o := b.run("preview", "--json")
	require.Zero(t, o.code, o.errOut)
	lines := strings.Split(strings.TrimSpace(o.out), "\n")
	require.Greater(t, len(lines), 70)
	resources, summary := 0, false
	for _, line := range lines[:len(lines)-1] {
		var event apitype.EngineEvent
		require.NoError(t, json.Unmarshal([]byte(line), &event), line)
		if event.ResourcePreEvent != nil {
			resources++
		}
		summary = summary || event.SummaryEvent != nil
	}
	require.Greater(t, resources, 60)
	require.True(t, summary)
	var result struct {
		Operation string
		Changes   map[string]int
	}
	require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &result))
	require.Equal(t, "preview", result.Operation)
	plain := b.run("preview")
	require.NotContains(t, plain.out, "\x1b", "no control characters where nobody watches")
	require.NotContains(t, plain.out, "\r")
}

// Of two ups at once one wins, and the other says who holds the lock.
func TestConcurrentUps(t *testing.T) {
	b := newBinary(t)
	first := b.start("up", "--json")
	lock := filepath.Join(b.root, ".apigw-ingress", "operations", "local.lock")
	require.Eventually(t, func() bool {
		holder, err := os.ReadFile(lock)
		return err == nil && len(holder) > 0
	}, settleTime, time.Millisecond)
	second := b.run("up")
	require.Equal(t, 5, second.code, second.errOut)
	require.Contains(t, second.errOut, "is being changed by another process: process ")
	require.Contains(t, second.errOut, "unlock --force")
	require.NoError(t, first.Wait())
	require.Contains(t, b.run("unlock").out, "is not locked")
	require.Zero(t, b.run("preview", "--expect-no-changes").code)
}

// The first signal stops cleanly, and what was made is in the state; the second gives up at once. Either way the
// next up finishes.
func TestSignals(t *testing.T) {
	for name, signals := range map[string]int{"one": 1, "two": 2} {
		t.Run(name, func(t *testing.T) {
			b := newBinary(t)
			up := b.start("up", "--json")
			time.Sleep(1500 * time.Millisecond)
			for range signals {
				require.NoError(t, up.Process.Signal(syscall.SIGINT))
				time.Sleep(50 * time.Millisecond)
			}
			_ = up.Wait()
			require.Contains(t, []int{0, 6}, up.ProcessState.ExitCode(), "it was cancelled, or had just finished")
			require.Zero(t, b.run("up").code)
			require.Zero(t, b.run("call", "/api/book/list").code)
			require.Zero(t, b.run("destroy", "--remove").code)
			require.Empty(t, processesUnder(t, b.root))
		})
	}
}

// Where nothing more can be written, the error says so, and with room again the next up finishes.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	if os.Getenv(everythingVariable) == "" {
		t.Skip("this takes most of a minute: run `make faults`")
	}
	b := newBinary(t)
	state := filepath.Join(b.root, "small")
	require.NoError(t, os.Mkdir(state, 0o700))
	if err := syscall.Mount("tmpfs", state, "tmpfs", 0, "size=700k,mode=0700"); err != nil {
		t.Skipf("a small disk takes the right to mount one: %v", err)
	}
	t.Cleanup(func() {
		b.run("--state-dir", state, "destroy")
		require.NoError(t, syscall.Unmount(state, 0))
	})
	o := b.run("--state-dir", state, "up")
	require.NotZero(t, o.code)
	require.Contains(t, o.errOut, "no space left on device")
	require.NoError(t, syscall.Mount("tmpfs", state, "tmpfs", syscall.MS_REMOUNT, "size=64m"))
	mended := b.run("--state-dir", state, "up")
	require.Zero(t, mended.code, mended.errOut)
	require.Zero(t, b.run("--state-dir", state, "call", "/api/book/list").code)
}

// A cluster that is gone, and everything in it, does not keep destroy from finishing.
func TestDestroyWithoutCluster(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t, nil)
	e.up()
	require.NoError(t, e.cloud.Tamper("aws:eks/nodeGroup:NodeGroup", "us-east-1", e.idOf("aws:eks/nodeGroup:NodeGroup")))
	require.NoError(t, e.cloud.Tamper("aws:eks/cluster:Cluster", "us-east-1", e.idOf("aws:eks/cluster:Cluster")))
	_, err := e.session.Updates.Destroy(t.Context())
	require.NoError(t, err)
}

func (e *environment) idOf(token string) string {
	e.t.Helper()
	resources, err := e.session.Resources(e.t.Context())
	require.NoError(e.t, err)
	for _, r := range resources {
		if r.Type == token {
			return r.ID
		}
	}
	e.t.Fatalf("the stack has no %s", token)
	return ""
}

// stateSize is how many bytes the state directory has.
func (b *binary) stateSize() (size int64) {
	b.t.Helper()
	require.NoError(b.t, filepath.WalkDir(filepath.Join(b.root, ".apigw-ingress"), func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	}))
	return size
}

// An ephemeral stack lives as long as its command, whatever becomes of it.
func TestEphemeral(t *testing.T) {
	t.Parallel()
	b := newBinary(t)
	o := b.run("ephemeral", "--", "sh", "-c", `echo "$APIGW_STACK $APIGW_API_ENDPOINT"; exit 42`)
	require.Equal(t, 42, o.code, o.errOut)
	require.Regexp(t, `^local-[0-9a-f]{8} http://127\.0\.0\.1:[0-9]+/prod\n$`, o.out, "nothing else is on standard output")
	require.Empty(t, processesUnder(t, b.root), "the local cloud is gone with its last stack")
	configs, err := filepath.Glob(filepath.Join(b.root, "Pulumi.*.yaml"))
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(b.root, "Pulumi.local.yaml")}, configs)

	config, err := os.ReadFile(configs[0])
	require.NoError(t, err)
	left := b.stateSize()
	kept := b.run("ephemeral", "--name", "feature/ABC-123", "--keep-on-failure", "--ttl", "1s", "--", "false")
	require.Equal(t, 1, kept.code)
	require.Regexp(t, `stack feature-ABC-123-[0-9a-f]{8} is kept`, kept.errOut)
	time.Sleep(time.Second)
	var gone []struct{ Stack string }
	b.json(&gone, "gc")
	require.Len(t, gone, 1)
	require.Empty(t, processesUnder(t, b.root))
	b.json(&gone, "gc", "--older-than", "1ns")
	require.Empty(t, gone)
	require.Equal(t, 2, b.run("ephemeral", "--name", "///", "--", "true").code)

	stacks, err := filepath.Glob(filepath.Join(b.root, ".apigw-ingress", "backend", ".pulumi", "stacks", "*", "*.json"))
	require.NoError(t, err)
	require.Empty(t, stacks)
	require.Less(t, b.stateSize(), left+64<<10, "what is gone leaves next to nothing")
	require.Zero(t, b.run("preview").code)
	require.Empty(t, processesUnder(t, b.root), "preview leaves no local cloud behind")
	after, err := os.ReadFile(configs[0])
	require.NoError(t, err)
	require.Equal(t, string(config), string(after), "nobody's config changes")
}

// What somebody changes behind the stack's back is drift, and up restores it.
func TestDrift(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t, nil)
	e.up()
	require.NoError(t, e.cloud.Tamper("aws:lb/listener:Listener", "us-east-1", e.idOf("aws:lb/listener:Listener")))
	found, err := e.session.Stack.PreviewRefresh(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, found.ChangeSummary[apitype.OpDelete], "%v", found.ChangeSummary)
	require.Equal(t, 504, e.get("/api/book/list").status)
	_, err = e.session.Stack.Refresh(t.Context())
	require.NoError(t, err)
	e.up()
	require.Equal(t, 200, e.get("/api/book/list").status)
	e.destroy()
}

func TestStateDirectoryThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	b := newBinary(t)
	blocked := filepath.Join(b.root, "file")
	require.NoError(t, os.WriteFile(blocked, nil, 0o600))
	o := b.run("--state-dir", filepath.Join(blocked, "state"), "up")
	require.Equal(t, 7, o.code, o.errOut)
	require.Contains(t, o.errOut, "not a directory")
	o = b.run("--state-dir", filepath.Join(blocked, "state"), "doctor")
	require.Equal(t, 7, o.code)
	require.Contains(t, o.out, "FAIL  state directory")
}

// start runs the binary in the background.
func (b *binary) start(args ...string) *exec.Cmd {
	b.t.Helper()
	command := exec.Command(bin(b.t, "apigw-ingress"), args...)
	command.Dir = b.root
	require.NoError(b.t, command.Start(), fmt.Sprint(args))
	return command
}

// Pods themselves as targets, and back to nodes, without a request that fails for ever.
func TestTargetTypes(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t, nil)
	e.setConfig("targetType", "ip")
	e.up()
	require.Equal(t, 200, e.get("/api/book/list").status)
	e.setConfig("targetType", "instance")
	e.up()
	require.Equal(t, 200, e.get("/api/book/list").status)
	e.destroy()
}

// With AWS's waiting times the gateway is there before the cluster is: nothing of it waits for what is in the cluster, but
// for the stage, which waits for healthy targets.
func TestGatewayBuildsWhileTheClusterDoes(t *testing.T) {
	e := newSlowEnvironment(t, 1.0/300, nil)
	channel := make(chan events.EngineEvent, 1000)
	_, err := e.session.Stack.Up(t.Context(), optup.EventStreams(channel))
	require.NoError(t, err)
	order := map[string]int{}
	n := 0
	for event := range channel {
		if event.ResOutputsEvent != nil {
			n++
			order[event.ResOutputsEvent.Metadata.Type] = n
		}
	}
	cluster := order["aws:eks/cluster:Cluster"]
	require.Positive(t, cluster)
	for _, token := range []string{"aws:lb/loadBalancer:LoadBalancer", "aws:apigateway/vpcLink:VpcLink", "aws:apigateway/restApi:RestApi"} {
		require.Less(t, order[token], cluster, token)
	}
	e.destroy()
}

// A preview stack on a shared cluster gets a namespace of its own: in another stack's it would take over the Services
// of that one, and delete them in the end.
func TestEphemeralOnSharedPlatform(t *testing.T) {
	t.Parallel()
	b := newBinary(t)
	require.NoError(t, os.CopyFS(filepath.Join(b.root, "examples", "shared-platform"),
		os.DirFS(filepath.Join(repository, "examples", "shared-platform"))))
	config, err := os.ReadFile(filepath.Join(b.root, "examples", "shared-platform", "Pulumi.shared-platform.yaml"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(b.root, "Pulumi.shared.yaml"), config, 0o600))
	require.Zero(t, b.run("up").code)
	own := b.run("ephemeral", "--", "sh", "-c", bin(t, "apigw-ingress")+" --stack $APIGW_STACK status")
	require.Regexp(t, `pods of default/bookservice +2 of 2 pods ready`, own.out, "those of the other stack's cluster are not counted")
	shared := b.run("--stack", "shared", "up")
	require.Zero(t, shared.code, shared.errOut)
	script := fmt.Sprintf("%s --stack $APIGW_STACK status && %s --stack $APIGW_STACK call /api/book/list", bin(t, "apigw-ingress"),
		bin(t, "apigw-ingress"))
	preview := b.run("--stack", "shared", "ephemeral", "--", "sh", "-c", script)
	require.Zero(t, preview.code, preview.errOut)
	require.Regexp(t, `pods of e[0-9a-f]{8}/shopbooks`, preview.out)
	require.Contains(t, preview.out, `"books"`)
	require.Zero(t, b.run("--stack", "shared", "call", "/api/book/list").code, "the stack that was there before still answers")
	b.edit("Pulumi.shared.yaml", "port: 80}", "port: 80}\n    - {name: elsewhere, port: 80}")
	mixed := b.run("--stack", "shared", "ephemeral", "--", "true")
	require.Equal(t, 2, mixed.code)
	require.Contains(t, mixed.errOut, "a second stack on this cluster would share shopbooks")
	require.Zero(t, b.run("--stack", "shared", "destroy").code)
}

// A policy stops preview and up before what violates it is made.
func TestPolicyStopsUp(t *testing.T) {
	t.Parallel()
	b := newBinary(t)
	const image = "image: apigateway-ingress/books:dev"
	b.edit("Pulumi.local.yaml", image, image+"\n      env: {DB_PASSWORD: hunter2}")
	for _, verb := range []string{"preview", "up"} {
		o := b.run(verb)
		require.Equal(t, 8, o.code, o.errOut)
		require.Contains(t, o.errOut, "DB_PASSWORD is written down: take it from a Secret (policy no-secrets-in-plain-text)")
	}
	require.NotContains(t, b.run("export").out, "kubernetes:apps/v1:Deployment::bookstore-bookservice")
	b.edit("Pulumi.local.yaml", "DB_PASSWORD", "DB_HOST")
	require.Zero(t, b.run("up").code)
}

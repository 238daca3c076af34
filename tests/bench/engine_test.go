package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	stepreport "github.com/apigateway-ingress/apigateway-ingress/automation/report"
	"github.com/apigateway-ingress/apigateway-ingress/components/gateway"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/supervisor"
	"github.com/apigateway-ingress/apigateway-ingress/stacks/deploy"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

// world is a project, a local cloud within this process, and the engine.
type world struct {
	t       *testing.T
	session *engine.Session
	cloud   *localcloud.Cloud
}

func newWorld(t *testing.T, latency float64, program func(root string) pulumi.RunFunc) *world {
	t.Helper()
	root, state := newProject(t), t.TempDir()
	useBuiltCLI(t)
	cloud, err := localcloud.Open(localcloud.Options{Dir: state, LatencyScale: latency, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cloud.Close()) })
	images := map[string]supervisor.Image{}
	for _, service := range []string{"books", "authors"} {
		path, err := filepath.Abs(filepath.Join(repository, "bin", service))
		require.NoError(t, err)
		images["apigateway-ingress/"+service] = supervisor.Image{Command: []string{path, "-addr", "${POD_IP}:${PORT}"}}
	}
	require.NoError(t, cloud.AddImages(images))
	project, err := engine.OpenProject(root, "local")
	require.NoError(t, err)
	session, err := engine.Open(context.Background(), project, state, cloud.ProviderPorts(), true, program(root))
	require.NoError(t, err)
	return &world{t, session, cloud}
}

// useBuiltCLI takes the CLI that was built here, if one was.
func useBuiltCLI(t *testing.T) {
	t.Helper()
	cli, err := filepath.Abs(filepath.Join(repository, "bin", "pulumi"))
	require.NoError(t, err)
	if _, err := os.Stat(cli); err == nil {
		t.Setenv(engine.CLIVariable, cli)
	}
}

// record follows an operation's events and returns its steps and how long it took.
func record(run func(chan<- events.EngineEvent) error) (steps []stepreport.Step, took time.Duration, err error) {
	channel := make(chan events.EngineEvent, 1000)
	started := time.Now()
	done := make(chan struct{})
	go func() {
		defer close(done)
		open := map[string]int{}
		for e := range channel {
			switch {
			case e.ResourcePreEvent != nil && strings.Contains(e.ResourcePreEvent.Metadata.Type, "/"):
				m := e.ResourcePreEvent.Metadata
				open[m.URN] = len(steps)
				steps = append(steps, stepreport.Step{URN: m.URN, Type: m.Type, Op: string(m.Op), Start: time.Since(started)})
			case e.ResOutputsEvent != nil:
				if i, ok := open[e.ResOutputsEvent.Metadata.URN]; ok {
					steps[i].End = time.Since(started)
				}
			}
		}
	}()
	err = run(channel)
	took = time.Since(started)
	// The engine closes the channel when it has ended by itself.
	<-done
	return steps, took, err
}

// timeScale makes an hour of AWS a minute.
const timeScale = 1.0 / 60

func criticalPath(t *testing.T, r *report) {
	ownUp, ownDestroy := withoutWaits(t)
	w := newWorld(t, timeScale, deploy.In)
	steps, up, err := record(func(c chan<- events.EngineEvent) error {
		_, err := w.session.Updates.Up(context.Background(), optup.EventStreams(c))
		return err
	})
	require.NoError(t, err)
	resources, err := w.session.Resources(context.Background())
	require.NoError(t, err)
	needs, dependents := engine.Needs(resources), map[string][]string{}
	for urn, all := range needs {
		for _, need := range all {
			dependents[need] = append(dependents[need], urn)
		}
	}
	path, longest := stepreport.CriticalPath(steps, needs)
	picture := stepreport.Timeline("up on the local target, an hour of AWS in a minute", steps, needs)
	require.NoError(t, os.WriteFile(filepath.Join(repository, "docs", "contributing", "benchmark-timeline.svg"), []byte(picture), 0o600))
	old, eks := sequence(steps, resources), timeOf(steps, "aws:eks/cluster:Cluster")+timeOf(steps, "aws:eks/nodeGroup:NodeGroup")
	depths, err := depthsOf(w.session)
	require.NoError(t, err)
	gone, destroy, err := record(func(c chan<- events.EngineEvent) error {
		_, err := w.session.Updates.Destroy(context.Background(), optdestroy.EventStreams(c))
		return err
	})
	require.NoError(t, err)
	_, longestDestroy := stepreport.CriticalPath(gone, dependents)

	r.section("Critical path: up and destroy with AWS's waiting times",
		"The local target takes as long as AWS usually does for each operation, at a scale of 1:60 (EKS control plane 10 min, "+
			"node group 2 min, VPC link 3 min, load balancer 2.5 min, NAT gateway 100 s). The old sequence makes the cluster, then the "+
			"services, then the load balancer, the link and the API. "+
			"The engine's own time, from the same operation without waits, does not grow with the scale: in AWS it counts once, here 60 times "+
			"as much.")
	deepest := layers(gone, depths)
	r.table([]string{"", "scaled", "in AWS, about", "ratio"}, [][]string{
		{"up, whole", seconds(up), minutes(up - ownUp), ""},
		{"of that the engine's own", seconds(ownUp), seconds(ownUp), ""},
		{"the longest chain of waits in it", seconds(longest), minutes(longest), against("up", up, ownUp, longest)},
		{"EKS control plane and node group alone", seconds(eks), minutes(eks), against("up", up, ownUp, eks)},
		{"the old sequence: cluster, then the rest", seconds(old), minutes(old), fmt.Sprintf("%.2f of up", old.Seconds()/(up-ownUp).Seconds())},
		{"destroy, whole", seconds(destroy), minutes(destroy - ownDestroy), ""},
		{"of that the engine's own", seconds(ownDestroy), seconds(ownDestroy), ""},
		{"the engine's layers, one after the other", seconds(deepest), minutes(deepest), against("destroy", destroy, ownDestroy, deepest)},
		{"the longest chain of waits in it", seconds(longestDestroy), minutes(longestDestroy),
			against("destroy", destroy, ownDestroy, longestDestroy)},
	})
	var names []string
	for _, s := range path {
		if s.End-s.Start > 100*time.Millisecond {
			names = append(names, fmt.Sprintf("%s %s", s.Type[strings.LastIndexByte(s.Type, ':')+1:], seconds(s.End-s.Start)))
		}
	}
	r.line("The longest chain: %s. Pulumi's engine deletes in layers: resources that are equally deep in the graph go together, and "+
		"the next layer waits for the slowest of them.", strings.Join(names, " → "))
	r.line("![The timeline of up](benchmark-timeline.svg)")
}

// against compares an operation with what it cannot be quicker than, as measured and with the engine's own time unscaled.
func against(name string, whole, own, least time.Duration) string {
	inAWS := (whole-own).Seconds()/timeScale + own.Seconds()
	return fmt.Sprintf("%s is %.2f of it here, %.2f in AWS", name, whole.Seconds()/least.Seconds(), inAWS*timeScale/least.Seconds())
}

// withoutWaits is how long the engine takes when AWS takes no time.
func withoutWaits(t *testing.T) (up, destroy time.Duration) {
	t.Helper()
	w := newWorld(t, 0, deploy.In)
	_, up, err := record(func(c chan<- events.EngineEvent) error {
		_, err := w.session.Updates.Up(context.Background(), optup.EventStreams(c))
		return err
	})
	require.NoError(t, err)
	_, destroy, err = record(func(c chan<- events.EngineEvent) error {
		_, err := w.session.Updates.Destroy(context.Background(), optdestroy.EventStreams(c))
		return err
	})
	require.NoError(t, err)
	return up, destroy
}

// depthsOf counts, for each resource, the longest way to one that needs nothing.
func depthsOf(session *engine.Session) (map[string]int, error) {
	exported, err := session.Export(context.Background())
	if err != nil {
		return nil, err
	}
	var document struct {
		Deployment struct {
			Resources []struct {
				engine.Resource
				Provider string
			}
		}
	}
	if err := json.Unmarshal(exported, &document); err != nil {
		return nil, err
	}
	var resources []engine.Resource
	for _, r := range document.Deployment.Resources {
		resources = append(resources, r.Resource)
	}
	depths, all := map[string]int{}, engine.Needs(resources)
	// A state lists what is needed before what needs it.
	for _, r := range document.Deployment.Resources {
		needs := append(all[r.URN], r.Parent)
		// A reference to a provider is its URN and its id.
		if end := strings.LastIndex(r.Provider, "::"); end > 0 {
			needs = append(needs, r.Provider[:end])
		}
		for _, need := range needs {
			depths[r.URN] = max(depths[r.URN], depths[need]+1)
		}
	}
	return depths, nil
}

// layers is how long the engine must take when each layer waits for the one before.
func layers(steps []stepreport.Step, depths map[string]int) time.Duration {
	slowest := map[int]time.Duration{}
	for _, s := range steps {
		slowest[depths[s.URN]] = max(slowest[depths[s.URN]], s.End-s.Start)
	}
	var sum time.Duration
	for _, d := range slowest {
		sum += d
	}
	return sum
}

// timeOf is how long the steps on resources of a type took together.
func timeOf(steps []stepreport.Step, resourceType string) (sum time.Duration) {
	for _, s := range steps {
		if s.Type == resourceType {
			sum += s.End - s.Start
		}
	}
	return sum
}

func minutes(d time.Duration) string { return fmt.Sprintf("%.0f min", d.Minutes()/timeScale) }

// sequence is how long it takes when what belongs to the gateway begins only after what belongs to the cluster.
func sequence(steps []stepreport.Step, resources []engine.Resource) time.Duration {
	gatewayURNs := map[string]bool{}
	for _, r := range resources {
		gatewayURNs[r.URN] = strings.Contains(r.Parent, "gateway:Gateway") || strings.Contains(r.URN, "gateway:Gateway$")
	}
	needs := engine.Needs(resources)
	var first, second []stepreport.Step
	for _, s := range steps {
		if gatewayURNs[s.URN] {
			second = append(second, s)
		} else {
			first = append(first, s)
		}
	}
	_, a := stepreport.CriticalPath(first, needs)
	_, b := stepreport.CriticalPath(second, needs)
	return a + b
}

func engineOverhead(t *testing.T, r *report) {
	r.section("Engine: what our program adds", "On the local target without waiting times, in one process with the local cloud. The "+
		"empty program is the same engine with no resource. "+
		"Gateways are load balancer, link, API and all that belongs to them, in one stack. Next to each program, one with as many "+
		"resources of the simplest kind that need nothing of each other: what the engine takes for the number alone.")
	empty := measured(t, "empty program", logGroups(0))
	rows := [][]string{empty.row(empty)}
	beside := func(name string, program func(string) pulumi.RunFunc) {
		ours := measured(t, name, program)
		// The stack and the provider are resources, too.
		simplest := measured(t, "as many log groups", logGroups(ours.resources-2))
		rows = append(rows, ours.row(empty), simplest.row(empty))
	}
	beside("bookstore", deploy.In)
	for _, n := range []int{5, 25} {
		beside(fmt.Sprintf("%d gateways", n), gateways(n))
	}
	r.table([]string{"", "resources", "preview, s", "up, s", "up with nothing to do, s", "of the empty program's", "destroy, s"}, rows)
}

func logGroups(n int) func(string) pulumi.RunFunc {
	return func(string) pulumi.RunFunc {
		return func(ctx *pulumi.Context) error {
			for i := range n {
				if _, err := cloudwatch.NewLogGroup(ctx, fmt.Sprintf("log-%d", i),
					&cloudwatch.LogGroupArgs{RetentionInDays: pulumi.Int(7)}); err != nil {
					return err
				}
			}
			return nil
		}
	}
}

// gateways is the bookstore's gateway several times, on nodes that are only named.
func gateways(n int) func(string) pulumi.RunFunc {
	return func(root string) pulumi.RunFunc {
		return func(ctx *pulumi.Context) error {
			settings, err := deploy.Read(projectConfig(root), root)
			if err != nil {
				return err
			}
			routes, err := settings.Routes()
			if err != nil {
				return err
			}
			net, err := sharedNetwork(ctx)
			if err != nil {
				return err
			}
			for i := range n {
				if _, err := gateway.New(ctx, fmt.Sprintf("g%d", i), &gateway.Args{
					Settings: gateway.Settings{Access: gateway.Access{ClientUser: true}}, Routes: routes, Network: net.VPC(),
					Target: net.target(30000 + i),
				}); err != nil {
					return err
				}
			}
			return nil
		}
	}
}

// operations are how many seconds each took.
type operations struct {
	name                       string
	resources                  int
	preview, up, noOp, destroy samples
}

func (o operations) row(empty operations) []string {
	return []string{o.name, fmt.Sprint(o.resources), o.preview.String(), o.up.String(), o.noOp.String(),
		fmt.Sprintf("%.2f", o.noOp.median()/empty.noOp.median()), o.destroy.String()}
}

func measured(t *testing.T, name string, program func(string) pulumi.RunFunc) operations {
	t.Helper()
	ctx := context.Background()
	w := newWorld(t, 0, program)
	up := func() error { _, err := w.session.Updates.Up(ctx); return err }
	o := operations{name: name}
	for range rounds {
		o.preview.time(t, func() error { _, err := w.session.Stack.Preview(ctx); return err })
		o.up.time(t, up)
		o.noOp.time(t, up)
		resources, err := w.session.Resources(ctx)
		require.NoError(t, err)
		o.resources = len(resources)
		o.destroy.time(t, func() error { _, err := w.session.Updates.Destroy(ctx); return err })
	}
	return o
}

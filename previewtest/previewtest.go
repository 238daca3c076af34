// Package previewtest brings preview stacks up for Go tests, and takes them down whatever happens:
//
//	func TestShop(t *testing.T) {
//		stack := previewtest.Up(t, previewtest.Options{Project: "..", From: "preview"})
//		response, err := stack.Client().Get(stack.Endpoint + "/api/book/list")
//		…
//	}
//
// Up makes a stack of its own with the config of another, so that any number of tests run side by side. When that config's
// target is local, which is the default, the stack comes up on this machine in seconds, with a real NGINX and the services as
// processes; when it is aws, it comes up in AWS, with the environment's credentials and the Pulumi backend that is logged in
// to. A Pulumi CLI must be on PATH, and nginx for the local target.
//
// The stack goes at the end of the test, also after a panic of the test's goroutine, shortly before the deadline of go test,
// and when the test's process gets SIGINT, SIGTERM or SIGHUP. What a killed process leaves goes with `apigw-ingress gc`. When
// a test fails, its log has the health of every hop, the ends of the pods' logs, and that of the access log. With
// PREVIEWTEST_KEEP=1 in the environment the stack of a failed test stays, and the log says how to look at it.
package previewtest

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/apiclient"
	"github.com/apigateway-ingress/apigateway-ingress/automation/logs"
	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
)

// The local cloud and the policies run as this test's program under other arguments: nothing has to be installed.
func init() {
	served, err := operation.ServeHelper(os.Args, os.Stdout)
	if !served {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Options say which stack a test gets.
type Options struct {
	// Project is the folder of the project (Pulumi.yaml), or one below it; empty is the test's folder.
	Project string
	// From is the stack whose config the new one gets; empty is local.
	From string
	// StateDir is where the local target keeps its state; empty is .apigw-ingress in the project's folder.
	StateDir string
	// TimeToLive is the time after which `apigw-ingress gc` may destroy the stack from another machine; 0 is 4 hours.
	TimeToLive time.Duration
	// DestroyTime is how long before the deadline of go test the stack of a test that still runs is destroyed; 0 is half a
	// minute, or a fifth of the time that is left when Up begins, whichever is shorter. In AWS it takes some 15 minutes.
	DestroyTime time.Duration
	// Executable is an apigw-ingress program to serve the local cloud, with the sample services beside it; empty is the
	// test's own program.
	Executable string
}

// KeepVariable in the environment, set to anything but 0 or false, keeps the stacks of failed tests.
const KeepVariable = "PREVIEWTEST_KEEP"

// Stack is a stack of a test's own.
type Stack struct {
	// Name is the stack's.
	Name string
	// Endpoint is the API's URL with the stage, without a slash at its end.
	Endpoint string
	// Region is AWS's, for signatures.
	Region string

	ephemeral *operation.EphemeralStack
	// up is closed once Up has brought up what it could.
	up chan struct{}
	// takeDown destroys what is up, once, after Up.
	takeDown func() error
}

// Up brings a stack up. It fails the test when that does not succeed.
func Up(t testing.TB, o Options) *Stack {
	t.Helper()
	started := time.Now()
	ctx, cancel := context.WithCancel(context.Background())
	s := &Stack{up: make(chan struct{})}
	s.takeDown = sync.OnceValue(func() error {
		<-s.up
		if s.ephemeral == nil {
			return nil
		}
		return s.ephemeral.Destroy(context.WithoutCancel(ctx))
	})
	remove := live.add(s, cancel)
	t.Cleanup(func() {
		defer remove()
		defer cancel()
		s.finish(t)
	})
	s.beforeDeadline(t, cancel, o.DestroyTime)
	options := operation.EphemeralOptions{
		Options:    operation.Options{Project: o.Project, Stack: o.From, StateDir: o.StateDir, Executable: o.Executable, OnEvent: told(t)},
		TimeToLive: o.TimeToLive,
	}
	var err error
	s.ephemeral, err = operation.NewEphemeral(ctx, options)
	if s.ephemeral != nil {
		s.Name = s.ephemeral.Options.Stack
	}
	close(s.up)
	if err != nil {
		t.Fatalf("previewtest: %v", err)
	}
	s.Endpoint = Output[string](t, s, "apiEndpoint")
	s.Region = Output[string](t, s, "region")
	t.Logf("previewtest: stack %s is up after %.1f s: %s", s.Name, time.Since(started).Seconds(), s.Endpoint)
	return s
}

// told puts notices into the test's log.
func told(t testing.TB) func(operation.Event) {
	return func(e operation.Event) {
		if notice, ok := e.(operation.Notice); ok {
			t.Logf("previewtest: %s", notice.Text)
		}
	}
}

// Output is one of the stack's outputs, secrets in plain text among them. It fails the test when there is none of this name
// and type; numbers are float64, lists are []any, as encoding/json has them.
func Output[T any](t testing.TB, s *Stack, name string) T {
	t.Helper()
	output, known := s.ephemeral.Outputs[name]
	value, ok := output.Value.(T)
	if !ok {
		t.Fatalf("previewtest: output %q of stack %s (known: %t) is a %T, not a %T", name, s.Name, known, output.Value, value)
	}
	return value
}

// Client sends requests signed with the key of the stack's client user (config clientUser), by Signature Version 4. To send
// one unsigned, take http.DefaultClient.
func (s *Stack) Client() *http.Client {
	transport, err := apiclient.New(s.ephemeral.Outputs)
	if err != nil {
		return &http.Client{Transport: refusal{err}}
	}
	return &http.Client{Transport: transport, Timeout: time.Minute}
}

// refusal answers every request with an error.
type refusal struct{ err error }

func (r refusal) RoundTrip(*http.Request) (*http.Response, error) { return nil, r.err }

// finish says what was wrong, and takes the stack down.
func (s *Stack) finish(t testing.TB) {
	if s.ephemeral == nil {
		return
	}
	if t.Failed() || panicking() {
		s.explain(t)
		if keep() {
			// The error says how to look at the stack.
			t.Logf("previewtest: %v", s.ephemeral.Keep())
			return
		}
	}
	if err := s.takeDown(); err != nil {
		t.Errorf("previewtest: %v", err)
	}
}

// panicking says whether the calling cleanup runs because the test has panicked: that does not count as failed until the
// cleanups are done.
func panicking() bool {
	callers := make([]uintptr, 100)
	frames := runtime.CallersFrames(callers[:runtime.Callers(1, callers)])
	for {
		frame, more := frames.Next()
		if frame.Function == "runtime.gopanic" {
			return true
		}
		if !more {
			return false
		}
	}
}

// logDelay is longer than the local cloud keeps lines of an access log in memory.
const logDelay = 1500 * time.Millisecond

func keep() bool {
	value := os.Getenv(KeepVariable)
	wanted, err := strconv.ParseBool(value)
	return value != "" && (wanted || err != nil)
}

// beforeDeadline takes the stack down while there is time: the process that go test ends at the deadline runs no cleanup.
func (s *Stack) beforeDeadline(t testing.TB, cancel func(), destroyTime time.Duration) {
	test, ok := t.(interface{ Deadline() (time.Time, bool) })
	if !ok {
		return
	}
	deadline, set := test.Deadline()
	if !set {
		return
	}
	if destroyTime == 0 {
		destroyTime = min(30*time.Second, time.Until(deadline)/5)
	}
	timer := time.AfterFunc(time.Until(deadline)-destroyTime, func() {
		t.Errorf("previewtest: the test's deadline is near; its stack is destroyed now")
		// What is still coming up stops.
		cancel()
		<-s.up
		if s.ephemeral != nil {
			s.explain(t)
		}
		if err := s.takeDown(); err != nil {
			t.Errorf("previewtest: %v", err)
		}
	})
	t.Cleanup(func() { timer.Stop() })
}

// explain logs what helps to understand a failure.
func (s *Stack) explain(t testing.TB) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	status, err := operation.Status(ctx, s.ephemeral.Options)
	if status == nil {
		t.Logf("previewtest: the stack's status is not known: %v", err)
		return
	}
	time.Sleep(logDelay)
	var b strings.Builder
	fmt.Fprintf(&b, "previewtest: the hops of stack %s:\n", s.Name)
	for _, hop := range status.Hops {
		fmt.Fprintf(&b, "  %-8s %-50s %s\n", hop.Health, hop.Name, hop.Detail)
	}
	fmt.Fprintf(&b, "its logs end with\n")
	if err := operation.Logs(ctx, operation.LogOptions{Options: s.ephemeral.Options}, func(e logs.Entry) {
		fmt.Fprintf(&b, "  %s %s: %s\n", e.Log, e.Source, e.Line)
	}); err != nil {
		fmt.Fprintf(&b, "no logs: %v\n", err)
	}
	t.Log(b.String())
}

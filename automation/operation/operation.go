// Package operation does what the verbs of apigw-ingress do with a stack, for any Go program: a command, a controller, a
// web page, a test.
//
//	result, err := operation.Up(ctx, operation.UpOptions{Options: operation.Options{Project: ".", Stack: "dev"}})
//	if operation.ClassOf(err) == operation.Locked {
//		…
//	}
//
// Each operation takes Options, tells Options.OnEvent what happens while it happens, and returns a Result. Operations on
// different stacks may run at the same time in one process; of two on the same stack the second fails as Locked, in this
// process or another.
//
// When its context ends, an operation asks the engine to stop: what is being made is finished and recorded, nothing new is
// begun, and the error is Cancelled. Closing Options.GiveUp kills the engine instead of waiting; the next operation then
// mends the stack's state.
//
// Nothing here prints, reads flags or ends the process. On the local target a program must call ServeHelper first thing in
// main: it is how the local cloud and the policies run in processes of their own.
package operation

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/automation/report"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/apigateway-ingress/apigateway-ingress/stacks/deploy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
)

// Options say on which stack an operation works, and who hears of it.
type Options struct {
	// Project is the folder of the project, or one below it; empty is the working directory.
	Project string
	// Stack is the stack's name; empty is local.
	Stack string
	// StateDir is where the local target keeps its state; empty is .apigw-ingress in the project's folder.
	StateDir string
	// Manifests, unless nil, take the place of the files that the stack's config names: a controller has them from a cluster.
	Manifests *ingress.Manifests
	// Executable is the program that serves the local cloud and judges by the policies; it calls ServeHelper. Empty is
	// the program of this process.
	Executable string
	// Program is how messages call the program that people run; empty is apigw-ingress.
	Program string
	// OnEvent, unless it is nil, hears of what happens, one event after the other.
	OnEvent func(Event)
	// Progress is where the engine draws its progress for people, and Errors where it reports errors; nil is nowhere.
	Progress, Errors io.Writer
	// GiveUp, once closed, ends an operation at once. It matters only after the operation's context has ended.
	GiveUp <-chan struct{}
}

// Result is what an operation did.
type Result struct {
	// Operation is its verb, such as up.
	Operation string
	Stack     string
	Target    engine.Target
	// Changes counts the engine's steps. A preview's are those that up would take.
	Changes report.Changes
	Steps   []report.Step
	// Problems are what the engine and the policies complained of.
	Problems []string
	// Outputs are the stack's after Up, with something meaningless in place of each secret.
	Outputs auto.OutputMap
	Took    time.Duration
	// Pending counts operations without an outcome that Drift has found.
	Pending int
	// WeakerAccess says in which ways Preview found, or Up made, the API let in more than it did before.
	WeakerAccess []string
	// Complete says that the engine did all that it was asked for. A later check may have failed.
	Complete bool
}

// Summary is the result as a report takes it.
func (r *Result) Summary() report.Summary {
	endpoint, _ := r.Outputs["apiEndpoint"].Value.(string)
	return report.Summary{
		Operation: r.Operation, Stack: r.Stack, Target: string(r.Target), Changes: r.Changes, Took: r.Took,
		Endpoint: endpoint, WeakerAccess: r.WeakerAccess, Problems: r.Problems, Steps: r.Steps,
	}
}

// site is where an operation works: its options without gaps, and the project that they name.
type site struct {
	Options
	project *engine.Project
	telling *sync.Mutex
}

// open fills the gaps in options and reads the project. Whatever is wrong with them is a matter of usage. A site without
// a project comes with an error; one with a project may.
func open(o Options) (*site, error) {
	s, err := openAny(o)
	if err != nil || s.project.Invalid == nil {
		return s, err
	}
	return s, fail(Usage, s.project.Invalid)
}

// openAny is open for operations that do without a valid config.
func openAny(o Options) (*site, error) {
	s := &site{Options: o, telling: &sync.Mutex{}}
	s.fill()
	root, err := engine.FindRoot(s.Project)
	if err != nil {
		return s, fail(Usage, err)
	}
	if s.StateDir == "" {
		s.StateDir = filepath.Join(root, ".apigw-ingress")
	}
	if s.StateDir, err = filepath.Abs(s.StateDir); err != nil {
		return s, fail(Usage, err)
	}
	s.project, err = engine.OpenProjectIn(root, s.Stack, s.StateDir)
	return s, fail(Usage, err)
}

func (s *site) fill() {
	if s.Project == "" {
		s.Project = "."
	}
	if s.Stack == "" {
		s.Stack = "local"
	}
	if s.Program == "" {
		s.Program = "apigw-ingress"
	}
	if s.Progress == nil {
		s.Progress = io.Discard
	}
	if s.Errors == nil {
		s.Errors = io.Discard
	}
}

// readConfig is a stack's config with the files that it names, or the manifests in their place.
func readConfig(project *engine.Project, manifests *ingress.Manifests) (*deploy.Settings, error) {
	return deploy.ReadWith(settings.Source{Get: project.Get, Written: project.Written, Secret: project.Secret,
		Hidden: engine.Hidden}, project.Root, manifests)
}

// openValid is open for operations that run the program: its config is checked as a whole before anything starts.
func openValid(o Options) (*site, *deploy.Settings, error) {
	s, err := open(o)
	if s.project == nil || s.project.Root == "" {
		return nil, nil, err
	}
	settings, configErr := readConfig(s.project, s.Manifests)
	if problems := errors.Join(err, configErr); problems != nil {
		return nil, nil, fail(Usage, fmt.Errorf("stack %s cannot be brought up:\n%w", s.Stack, problems))
	}
	return s, settings, nil
}

// Project reads a project and a stack's config, whose problems are in the project's Invalid.
func Project(o Options) (*engine.Project, error) {
	s, err := openAny(o)
	return s.project, err
}

// Settings reads a project and a stack's config and checks it as a whole, with the manifests that it names.
func Settings(o Options) (*engine.Project, *deploy.Settings, error) {
	s, settings, err := openValid(o)
	if err != nil {
		return nil, nil, err
	}
	return s.project, settings, nil
}

// StateDir is the folder in which operations with these options keep the local target's state.
func StateDir(o Options) (string, error) {
	s, err := open(o)
	return s.StateDir, err
}

// stackVariable names the stack for commands that do not, as with plain pulumi.
const stackVariable = "PULUMI_STACK"

// DefaultStack is the stack of a command that names none.
func DefaultStack() string { return cmp.Or(os.Getenv(stackVariable), "local") }

// StackNames are those of a project's stacks that have a config.
func StackNames(o Options) ([]string, error) {
	root, err := engine.FindRoot(cmp.Or(o.Project, "."))
	if err != nil {
		return nil, err
	}
	return engine.StackNames(root)
}

// hint is a command line for people.
func (s *site) hint(verb string) string {
	line := s.Program
	if s.Stack != DefaultStack() {
		line += " --stack " + s.Stack
	}
	return "`" + line + " " + verb + "`"
}

func (s *site) tell(e Event) {
	s.telling.Lock()
	defer s.telling.Unlock()
	if s.OnEvent != nil {
		s.OnEvent(e)
	}
}

func (s *site) note(format string, args ...any) { s.tell(Notice{Text: fmt.Sprintf(format, args...)}) }

func (s *site) warn(err error) { s.tell(Notice{Text: err.Error(), Warning: true}) }

// session opens the stack with its target: the local cloud is started for a local one, and runs until close. Close returns
// err, or what went wrong with closing.
func (s *site) session(ctx context.Context, create bool) (_ *engine.Session, close func(err error) error, err error) {
	var providers map[string]int
	close = func(err error) error { return err }
	if s.project.Target == engine.Local {
		use, err := s.useLocalCloud(ctx)
		if err != nil {
			return nil, nil, unlessEnded(ctx, fail(Prerequisite, err))
		}
		providers = use.Status.Providers
		close = func(err error) error { return errors.Join(err, use.Release(context.WithoutCancel(ctx), false)) }
	}
	session, err := engine.Open(ctx, s.project, s.StateDir, providers, create, deploy.With(s.project.Root, s.Manifests))
	if err != nil {
		return nil, nil, close(s.explainLock(s.explainBackend(unlessEnded(ctx, err))))
	}
	return session, close, nil
}

// stateOnly opens the stack for those who only look at its state.
func (s *site) stateOnly(ctx context.Context) (*engine.Session, error) {
	session, err := engine.Open(ctx, s.project, s.StateDir, nil, false, deploy.In(s.project.Root))
	return session, s.explainBackend(err)
}

// read opens a stack to look at its state.
func read(ctx context.Context, o Options) (*site, *engine.Session, error) {
	s, err := open(o)
	if err != nil {
		return nil, nil, err
	}
	session, err := s.stateOnly(ctx)
	return s, session, err
}

const userAgent = "apigw-ingress"

// run is one use of the engine on a stack.
type run struct {
	*site
	session  *engine.Session
	follower *follower
	result   *Result
	// left is the state that the last operation left; nil for a preview.
	left *engine.State
}

// operate opens the stack, mends what an earlier operation left, and lets use run the engine. The result is nil when the
// stack could not be opened.
func (s *site) operate(ctx context.Context, verb string, create bool, use func(context.Context, *run) error) (result *Result, err error) {
	r := &run{site: s, result: &Result{Operation: verb, Stack: s.Stack, Target: s.project.Target, Changes: report.Changes{}}}
	started := time.Now()
	if verb != "preview" {
		release, err := s.exclusive()
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, release()) }()
	}
	session, closeSession, err := s.session(ctx, create)
	if err != nil {
		return nil, err
	}
	defer func() { err = closeSession(err) }()
	r.session = session
	r.follower = s.follow()
	defer r.follower.close()
	defer s.interruptible(ctx, r)()
	// The engine hears of the context's end by itself.
	err = r.perform(context.WithoutCancel(ctx), verb, use)
	r.follower.close()
	r.follower.report(r.result)
	r.result.Took = time.Since(started)
	if timelineErr := r.keepTimeline(); err == nil {
		err = timelineErr
	}
	if err != nil && len(r.follower.violations) > 0 {
		return r.result, fail(Unhealthy, fmt.Errorf("policies are violated:\n%s", strings.Join(r.follower.violations, "\n")))
	}
	r.result.Complete = err == nil
	return r.result, r.explainLost(s.explainLock(classify(err, r.session.Command, r.result.Problems)))
}

func (r *run) perform(ctx context.Context, verb string, use func(context.Context, *run) error) error {
	if verb == "preview" {
		return use(ctx, r)
	}
	if err := r.expectUnlocked(); err != nil {
		return err
	}
	var err error
	if verb == "drift" {
		// It only looks.
		r.left, err = r.session.State(ctx)
	} else {
		r.left, err = r.recover(ctx)
	}
	if err != nil {
		return err
	}
	return use(ctx, r)
}

// interruptible asks the engine to stop when ctx ends, and kills it when GiveUp closes after that. The engine's own
// context never ends: it would be killed in the middle of an operation.
func (s *site) interruptible(ctx context.Context, r *run) (done func()) {
	finished := make(chan struct{})
	go func() {
		select {
		case <-finished:
			return
		case <-ctx.Done():
		}
		s.tell(Stopping{InFlight: r.follower.underway()})
		r.session.Command.Interrupt()
		select {
		case <-finished:
		case <-s.GiveUp:
			s.tell(Stopping{InFlight: r.follower.underway(), AtOnce: true})
			r.session.Command.Kill()
		}
	}()
	return func() { close(finished) }
}

// keepTimeline remembers when what happened in the last operation that changed something.
func (r *run) keepTimeline() error {
	var steps []report.Step
	for _, s := range r.result.Steps {
		// Others are mere bookkeeping.
		if s.End > 0 && strings.Contains(s.Type, "/") {
			steps = append(steps, s)
		}
	}
	if len(steps) == 0 || r.result.Operation == "preview" || r.result.Operation == "drift" {
		return nil
	}
	encoded, err := json.Marshal(steps)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(r.timelinePath()), 0o700); err != nil {
		return err
	}
	return os.WriteFile(r.timelinePath(), encoded, 0o600)
}

func (s *site) timelinePath() string {
	return filepath.Join(s.StateDir, "timelines", url.PathEscape(s.Stack)+".json")
}

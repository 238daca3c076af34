package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/automation/timeline"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
)

// stepped is a resource with which an operation did something.
type stepped struct {
	URN  string         `json:"urn"`
	Type string         `json:"type"`
	Name string         `json:"name"`
	Op   string         `json:"op"`
	New  map[string]any `json:"-"`
}

// watcher follows an operation's events. On a terminal the CLI draws them; elsewhere each finished resource is a
// line, and with --json each event is one.
type watcher struct {
	app *app
	// words are how a finished resource is told of.
	words   map[apitype.OpType]string
	channel chan events.EngineEvent
	// close stops following, once the engine has ended, and returns when the last event is taken.
	close func()

	steps  []stepped
	errors []string
	// violations are those of mandatory policies.
	violations []string
	// changes counts the operations by their kinds, and outputs are the stack's; both come near the end.
	changes map[string]int
	outputs auto.OutputMap

	mu       sync.Mutex
	inFlight map[string]string
	// began is when the operation did, and timeline when its steps did.
	began    time.Time
	timeline []timeline.Step
	// downloads are the plugins whose download was told of.
	downloads map[string]bool
}

func (a *app) watch(operation string) *watcher {
	words := pastTense
	if operation == "preview" {
		words = future
	}
	w := &watcher{app: a, words: words, channel: make(chan events.EngineEvent), inFlight: map[string]string{}, began: time.Now(), downloads: map[string]bool{}}
	ended, drained := make(chan struct{}), make(chan struct{})
	w.close = sync.OnceFunc(func() { close(ended); <-drained })
	go func() {
		defer close(drained)
		for {
			select {
			case event, open := <-w.channel:
				if !open {
					return
				}
				w.take(event)
			case <-ended:
				// The engine failed before it connected, and the channel is never closed.
				return
			}
		}
	}()
	return w
}

func (w *watcher) take(event events.EngineEvent) {
	if event.Error != nil {
		return
	}
	if w.app.json {
		encoded, err := json.Marshal(event.EngineEvent)
		if err == nil {
			fmt.Fprintln(w.app.out, string(encoded))
		}
	}
	switch {
	case event.ProgressEvent != nil:
		w.download(event.ProgressEvent)
	case event.ResourcePreEvent != nil:
		w.step(event.ResourcePreEvent.Metadata)
	case event.ResOutputsEvent != nil:
		w.ended(event.ResOutputsEvent.Metadata.URN)
		w.result(event.ResOutputsEvent.Metadata)
		w.line(event.ResOutputsEvent.Metadata, "")
	case event.ResOpFailedEvent != nil:
		w.ended(event.ResOpFailedEvent.Metadata.URN)
		w.line(event.ResOpFailedEvent.Metadata, " FAILED")
	case event.PolicyEvent != nil:
		w.violated(event.PolicyEvent)
	case event.DiagnosticEvent != nil:
		w.diagnose(event.DiagnosticEvent)
	case event.SummaryEvent != nil:
		w.summarize(event.SummaryEvent)
	}
}

func (w *watcher) summarize(s *apitype.SummaryEvent) {
	w.changes = map[string]int{}
	for op, n := range s.ResourceChanges {
		w.changes[string(op)] = n
	}
}

// result keeps the stack's outputs.
func (w *watcher) result(m apitype.StepEventMetadata) {
	if tokens.Type(m.Type) != resource.RootStackType || m.New == nil {
		return
	}
	w.outputs = engine.HiddenOutputs(m.New.Outputs)
}

func (w *watcher) step(m apitype.StepEventMetadata) {
	s := stepped{URN: m.URN, Type: m.Type, Name: resource.URN(m.URN).Name(), Op: string(m.Op)}
	if m.New != nil {
		s.New = m.New.Inputs
	}
	w.steps = append(w.steps, s)
	if m.Op != apitype.OpSame {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.inFlight[m.URN] = fmt.Sprintf("%s %s %s", m.Op, m.Type, s.Name)
		w.timeline = append(w.timeline, timeline.Step{URN: m.URN, Type: m.Type, Op: string(m.Op), Start: time.Since(w.began)})
	}
}

func (w *watcher) ended(urn string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.inFlight, urn)
	for i := range w.timeline {
		if w.timeline[i].URN == urn && w.timeline[i].End == 0 {
			w.timeline[i].End = time.Since(w.began)
		}
	}
}

// going are the operations that have begun and not ended; those on components are nobody's business.
func (w *watcher) going() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []string
	for _, what := range w.inFlight {
		if strings.Contains(what, "/") {
			list = append(list, what)
		}
	}
	slices.Sort(list)
	return list
}

// download tells once of each plugin that is fetched, which takes a while the first time.
func (w *watcher) download(p *apitype.ProgressEvent) {
	if w.app.json || w.app.onTerminal() || w.downloads[p.ID] {
		return
	}
	w.downloads[p.ID] = true
	fmt.Fprintln(w.app.out, p.Message)
}

// words for what has been done; operations without one are not worth a line.
var pastTense = map[apitype.OpType]string{
	apitype.OpCreate: "created", apitype.OpUpdate: "updated", apitype.OpDelete: "deleted", apitype.OpReplace: "replaced",
	apitype.OpCreateReplacement: "created replacement of", apitype.OpDeleteReplaced: "deleted replaced", apitype.OpRefresh: "refreshed",
}

// future is what a preview says.
var future = map[apitype.OpType]string{
	apitype.OpCreate: "create", apitype.OpUpdate: "update", apitype.OpDelete: "delete", apitype.OpReplace: "replace",
}

func (w *watcher) line(m apitype.StepEventMetadata, problem string) {
	word := w.words[m.Op]
	if w.app.json || w.app.onTerminal() || word == "" {
		return
	}
	fmt.Fprintf(w.app.out, "%-8s %s %s%s\n", word, m.Type, resource.URN(m.URN).Name(), problem)
}

func (w *watcher) violated(p *apitype.PolicyEvent) {
	urn := resource.URN(p.ResourceURN)
	text := fmt.Sprintf("%s %s: %s (policy %s)", urn.Type(), urn.Name(), strings.TrimSpace(plainText(p.Message)), p.PolicyName)
	w.errors = append(w.errors, text)
	if p.EnforcementLevel == "mandatory" {
		w.violations = append(w.violations, text)
	}
}

func (w *watcher) diagnose(d *apitype.DiagnosticEvent) {
	text := strings.TrimSpace(plainText(d.Message))
	if d.Severity != "error" || text == "" {
		return
	}
	if d.URN != "" {
		text = resource.URN(d.URN).Name() + ": " + text
	}
	w.errors = append(w.errors, text)
}

// plainText takes the engine's markup for colours out.
func plainText(text string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "<{%")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		_, after, closed := strings.Cut(rest, "%}>")
		if !closed {
			return b.String() + "<{%" + rest
		}
		text = after
	}
}

// onTerminal says whether somebody watches.
func (a *app) onTerminal() bool {
	file, ok := a.out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("CI") == ""
}

// progress is where the CLI draws its progress.
func (a *app) progress() io.Writer {
	if a.json || !a.onTerminal() {
		return io.Discard
	}
	return a.out
}

// annotate tells GitHub of errors, which shows them beside the run and the pull request.
func (a *app) annotate(err error) {
	if err == nil || os.Getenv("GITHUB_ACTIONS") != "true" {
		return
	}
	// https://docs.github.com/actions/reference/workflow-commands-for-github-actions
	escape := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	fmt.Fprintf(a.errOut, "::error title=apigw-ingress (%s)::%s\n", a.stack, escape.Replace(strings.TrimSpace(err.Error())))
}

// lasted are the steps that ended and were no mere bookkeeping.
func (w *watcher) lasted() []timeline.Step {
	w.mu.Lock()
	defer w.mu.Unlock()
	var steps []timeline.Step
	for _, s := range w.timeline {
		if s.End > 0 && strings.Contains(s.Type, "/") {
			steps = append(steps, s)
		}
	}
	return steps
}

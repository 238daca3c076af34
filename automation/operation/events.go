package operation

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/automation/report"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
)

// Event is something that happened during an operation: an EngineEvent, StepEnded, Downloading, Notice or Stopping.
type Event interface{ event() }

// EngineEvent is one of the engine's events as it came: https://www.pulumi.com/docs/reference/cloud-rest-api/
type EngineEvent struct{ apitype.EngineEvent }

// StepEnded says that the engine has finished with a resource, or would have in a preview.
type StepEnded struct {
	report.Step
	Failed bool
}

// Downloading says that a plugin is being fetched, which takes a while the first time. It comes once for each plugin.
type Downloading struct{ Text string }

// Notice is a sentence for people about what is done besides, such as mending what an earlier operation left.
type Notice struct {
	Text string
	// Warning marks what is not as it should be, and not in the way.
	Warning bool
}

// Stopping says that the operation's context has ended, or with AtOnce that GiveUp was closed.
type Stopping struct {
	// InFlight are the steps that have begun and not ended.
	InFlight []string
	AtOnce   bool
}

func (EngineEvent) event() {}
func (StepEnded) event()   {}
func (Downloading) event() {}
func (Notice) event()      {}
func (Stopping) event()    {}

// follower takes the engine's events, and hands them on.
type follower struct {
	site    *site
	channel chan events.EngineEvent
	// close stops following, once the engine has ended, and returns when the last event is taken.
	close func()

	problems []string
	// violations are those of mandatory policies.
	violations []string
	// changes counts the operations by their kinds, and outputs are the stack's; both come near the end.
	changes report.Changes
	outputs auto.OutputMap

	began time.Time
	// downloads are the plugins whose download was told of.
	downloads map[string]bool

	mu    sync.Mutex
	steps []report.Step
	// inFlight are the places in steps of those that have begun and not ended, by URN.
	inFlight map[string]int
}

func (s *site) follow() *follower {
	f := &follower{site: s, channel: make(chan events.EngineEvent), inFlight: map[string]int{}, began: time.Now(),
		downloads: map[string]bool{}}
	ended, drained := make(chan struct{}), make(chan struct{})
	f.close = sync.OnceFunc(func() { close(ended); <-drained })
	go func() {
		defer close(drained)
		for {
			select {
			case event, open := <-f.channel:
				if !open {
					return
				}
				f.take(event)
			case <-ended:
				// The engine failed before it connected, and the channel is never closed.
				return
			}
		}
	}()
	return f
}

func (f *follower) take(event events.EngineEvent) {
	if event.Error != nil {
		return
	}
	f.site.tell(EngineEvent{event.EngineEvent})
	switch {
	case event.ProgressEvent != nil:
		f.download(event.ProgressEvent)
	case event.ResourcePreEvent != nil:
		f.begin(event.ResourcePreEvent.Metadata)
	case event.ResOutputsEvent != nil:
		f.keepOutputs(event.ResOutputsEvent.Metadata)
		f.end(event.ResOutputsEvent.Metadata, false)
	case event.ResOpFailedEvent != nil:
		f.end(event.ResOpFailedEvent.Metadata, true)
	case event.PolicyEvent != nil:
		f.violated(event.PolicyEvent)
	case event.DiagnosticEvent != nil:
		f.diagnose(event.DiagnosticEvent)
	case event.SummaryEvent != nil:
		f.changes = report.Changes{}
		for op, n := range event.SummaryEvent.ResourceChanges {
			f.changes[string(op)] = n
		}
	}
}

func (f *follower) begin(m apitype.StepEventMetadata) {
	step := report.Step{URN: m.URN, Type: m.Type, Op: string(m.Op)}
	if m.New != nil {
		step.Inputs = m.New.Inputs
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if m.Op != apitype.OpSame {
		step.Start = time.Since(f.began)
		f.inFlight[m.URN] = len(f.steps)
	}
	f.steps = append(f.steps, step)
}

func (f *follower) end(m apitype.StepEventMetadata, failed bool) {
	f.mu.Lock()
	if at, ok := f.inFlight[m.URN]; ok {
		f.steps[at].End = time.Since(f.began)
		delete(f.inFlight, m.URN)
	}
	f.mu.Unlock()
	f.site.tell(StepEnded{Step: report.Step{URN: m.URN, Type: m.Type, Op: string(m.Op)}, Failed: failed})
}

// keepOutputs takes the stack's from its own step.
func (f *follower) keepOutputs(m apitype.StepEventMetadata) {
	if tokens.Type(m.Type) == resource.RootStackType && m.New != nil {
		f.outputs = engine.HiddenOutputs(m.New.Outputs)
	}
}

// underway are the steps that have begun and not ended; those on components are nobody's business.
func (f *follower) underway() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []string
	for _, at := range f.inFlight {
		if s := f.steps[at]; strings.Contains(s.Type, "/") {
			list = append(list, fmt.Sprintf("%s %s %s", s.Op, s.Type, s.Name()))
		}
	}
	slices.Sort(list)
	return list
}

func (f *follower) download(p *apitype.ProgressEvent) {
	if !f.downloads[p.ID] {
		f.downloads[p.ID] = true
		f.site.tell(Downloading{p.Message})
	}
}

func (f *follower) violated(p *apitype.PolicyEvent) {
	urn := resource.URN(p.ResourceURN)
	text := fmt.Sprintf("%s %s: %s (policy %s)", urn.Type(), urn.Name(), strings.TrimSpace(plainText(p.Message)), p.PolicyName)
	f.problems = append(f.problems, text)
	if p.EnforcementLevel == "mandatory" {
		f.violations = append(f.violations, text)
	}
}

func (f *follower) diagnose(d *apitype.DiagnosticEvent) {
	text := strings.TrimSpace(plainText(d.Message))
	if d.Severity != "error" || text == "" {
		return
	}
	urn := resource.URN(d.URN)
	if d.URN != "" && urn.Type() != resource.RootStackType {
		text = fmt.Sprintf("%s %s: %s", urn.Type(), urn.Name(), text)
	}
	f.problems = append(f.problems, text)
}

// report fills a result with what was seen.
func (f *follower) report(r *Result) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r.Steps, r.Problems = f.steps, f.problems
	if f.changes != nil {
		r.Changes = f.changes
	}
}

// plainText takes the engine's markup for colors out.
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

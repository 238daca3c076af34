package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
)

const userAgent = "apigw-ingress"

// result is the last line that --json prints for an operation.
type result struct {
	Stack           string         `json:"stack"`
	Target          engine.Target  `json:"target"`
	Operation       string         `json:"operation"`
	Changes         map[string]int `json:"changes"`
	DurationSeconds float64        `json:"durationSeconds"`
	Outputs         map[string]any `json:"outputs,omitempty"`
}

// operation is one run of the engine on a stack.
type operation struct {
	name    string
	project *engine.Project
	session *engine.Session
	watcher *watcher
	started time.Time
	// left is the state that the last operation left; nil for a preview.
	left *engine.State

	changes map[string]int
	// outputs are those of up.
	outputs auto.OutputMap
}

// flags of every operation that may change something.
type operationFlags struct {
	// summary is a file that gets a report in Markdown.
	summary string
}

// operate opens the stack, mends what an earlier operation left, and runs the engine.
func (a *app) operate(ctx context.Context, name string, project *engine.Project, create bool, run func(*operation) error) (o *operation, err error) {
	o = &operation{name: name, project: project, started: time.Now(), changes: map[string]int{}}
	if name != "preview" {
		release, busy := engine.Exclusive(a.stateDir, a.stack)
		switch {
		case errors.Is(busy, engine.ErrBusy):
			return nil, a.explainLock(busy)
		case busy != nil:
			return nil, withCode(exitPrerequisite, fmt.Errorf("state directory: %w: choose another with --state-dir", busy))
		}
		defer func() { err = errors.Join(err, release()) }()
	}
	if o.session, err = a.session(ctx, project, create); err != nil {
		return nil, a.explainLock(err)
	}
	o.watcher = a.watch(name)
	defer o.watcher.close()
	done := a.interruptible(o.session.Command, o.watcher)
	defer done()
	if name != "preview" {
		if err := a.expectUnlocked(project); err != nil {
			return o, err
		}
		if o.left, err = a.recover(ctx, o.session); err != nil {
			return o, a.explainLock(err)
		}
	}
	err = run(o)
	o.watcher.close()
	maps.Copy(o.changes, o.watcher.changes)
	if timelineErr := a.keepTimeline(o); err == nil {
		err = timelineErr
	}
	if err != nil && len(o.watcher.violations) > 0 {
		return o, withCode(exitUnhealthy, fmt.Errorf("policies are violated:\n%s", strings.Join(o.watcher.violations, "\n")))
	}
	return o, a.explainLock(classify(err, o.session.Command))
}

// keepTimeline remembers when what happened in the last operation that changed something, for graph --timeline.
func (a *app) keepTimeline(o *operation) error {
	steps := o.watcher.lasted()
	if len(steps) == 0 || o.name == "preview" || o.name == "drift" {
		return nil
	}
	encoded, err := json.Marshal(steps)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(a.timelinePath()), 0o700); err != nil {
		return err
	}
	return os.WriteFile(a.timelinePath(), encoded, 0o600)
}

func (a *app) timelinePath() string { return filepath.Join(a.stateDir, "timelines", a.stack+".json") }

func (o *operation) events() chan<- events.EngineEvent { return o.watcher.channel }

// finish prints the result, for machines or through print for people, and writes the summary.
func (a *app) finish(o *operation, flags operationFlags, print func()) error {
	if a.json {
		r := result{a.stack, o.project.Target, o.name, o.changes, time.Since(o.started).Seconds(), nil}
		if o.outputs != nil {
			r.Outputs = plainOutputs(o.outputs, false)
		}
		if err := a.printJSONLine(r); err != nil {
			return err
		}
	} else {
		print()
	}
	if flags.summary == "" {
		return nil
	}
	return os.WriteFile(flags.summary, []byte(a.markdown(o)), 0o600)
}

// explainLock says who holds a stack's lock, and how to take it away.
func (a *app) explainLock(err error) error {
	if errors.Is(err, engine.ErrBusy) {
		return withCode(exitLocked, fmt.Errorf("%w\nwait for it; a dead process keeps no stack, and `%s unlock --force` is for the locks of other machines", err, a.commandName()))
	}
	if !auto.IsConcurrentUpdateError(err) {
		return err
	}
	return a.locked()
}

// expectUnlocked refuses to mend a local stack on which an engine works that another program started.
func (a *app) expectUnlocked(project *engine.Project) error {
	if project.Target != engine.Local {
		// The backend refuses by itself, and nothing is removed there.
		return nil
	}
	holders, err := engine.Holders(a.stateDir, project.Name, a.stack)
	if err != nil || len(holders) == 0 {
		return err
	}
	return a.locked()
}

func (a *app) locked() error {
	text := fmt.Sprintf("stack %s %s", a.stack, engine.ErrBusy)
	holders, holdersErr := engine.Holders(a.stateDir, a.projectName, a.stack)
	for _, h := range holders {
		text += fmt.Sprintf(": process %d of %s on %s, since %s", h.PID, h.Username, h.Hostname, h.Since.Local().Format(time.DateTime))
	}
	text += fmt.Sprintf("\nwait for it, or run `%s unlock --force` when it is dead", a.commandName())
	return withCode(exitLocked, errors.Join(errors.New(text), holdersErr))
}

// changeNames are the engine's operations in the order in which people care, and their words.
var changeNames = []struct{ op, word string }{
	{"create", "created"}, {"update", "updated"}, {"replace", "replaced"}, {"delete", "deleted"}, {"same", "unchanged"},
}

func describeChanges(changes map[string]int) string {
	var parts []string
	for _, name := range changeNames {
		if n := changes[name.op]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, name.word))
		}
	}
	if len(parts) == 0 {
		return "nothing to do"
	}
	return strings.Join(parts, ", ")
}

func describePlanned(changes map[string]int) string {
	var parts []string
	for _, name := range []string{"create", "update", "replace", "delete"} {
		if n := changes[name]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d to %s", n, name))
		}
	}
	if len(parts) == 0 {
		return "nothing to change"
	}
	return strings.Join(parts, ", ")
}

// pending counts the changes that are still to be made.
func pending(changes map[string]int) int {
	n := 0
	for op, count := range changes {
		if op != "same" && op != "read" {
			n += count
		}
	}
	return n
}

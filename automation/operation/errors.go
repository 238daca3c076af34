package operation

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
)

// Class says what kind of failure an error is.
type Class int

// The classes of errors.
const (
	// Other is an error that has no class of its own.
	Other Class = iota
	// Usage is about options, config or manifests; nothing was changed.
	Usage
	// Changes is a difference that was not expected.
	Changes
	// Update is the engine's: what was made is in the stack's state.
	Update
	// Locked says that somebody else is changing the stack.
	Locked
	// Cancelled says that the context ended.
	Cancelled
	// Prerequisite is something missing on this machine or in the account; nothing was changed.
	Prerequisite
	// Weaker is access that would let in more than before, where that was not wanted; nothing was changed.
	Weaker
	// Unhealthy is an API's answer, a hop of the chain or a policy that is not as it should be.
	Unhealthy
)

// Error is an error of a class.
type Error struct {
	Class Class
	Err   error
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap is the error without its class.
func (e *Error) Unwrap() error { return e.Err }

func fail(class Class, err error) error {
	if err == nil {
		return nil
	}
	return &Error{class, err}
}

// ClassOf is an error's class.
func ClassOf(err error) Class {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Class
	case errors.Is(err, engine.ErrNoCLI), errors.Is(err, engine.ErrEnvironment):
		return Prerequisite
	case errors.Is(err, engine.ErrNoStack):
		return Usage
	case errors.Is(err, engine.ErrInterrupted), errors.Is(err, context.Canceled):
		return Cancelled
	case auto.IsConcurrentUpdateError(err):
		return Locked
	}
	return Other
}

var errCancelled = errors.New("cancelled: run the same command again to go on")

// unlessEnded takes a failure for what it is when ctx has ended: a consequence of that.
func unlessEnded(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return fail(Cancelled, errCancelled)
	}
	return err
}

// classify gives an engine's error its class. problems are what the engine complained of meanwhile, with the resource and
// all that it said.
func classify(err error, command *engine.Command, problems []string) error {
	switch {
	case err == nil:
		return nil
	case command.Interrupted():
		return fail(Cancelled, errCancelled)
	case ClassOf(err) != Other:
		return err
	}
	causes := causesOf(problems)
	if len(causes) == 0 {
		causes = []string{firstCause(err)}
	}
	return fail(Update, fmt.Errorf("the update failed: %s\n"+
		"what is in the stack is consistent: mend the cause and run the same command again", strings.Join(causes, "\n")))
}

// consequence is what the engine says of resources that were under way when another one failed.
var consequence = regexp.MustCompile(`failed to run remediation: context canceled|grpc: the client connection is closing`)

// refusal is what the engine puts before the words of a component that refuses a change.
var refusal = regexp.MustCompile(`(Preview|Update) failed: before hook "[^"]*" failed: `)

// causesOf are the problems without those that others brought about, unless there are no others.
func causesOf(problems []string) []string {
	var causes, rest []string
	for _, text := range problems {
		switch {
		case strings.HasPrefix(text, "update failed"), strings.HasPrefix(text, "preview failed"):
		case consequence.MatchString(text):
			rest = append(rest, text)
		default:
			causes = append(causes, refusal.ReplaceAllString(text, ""))
		}
	}
	if len(causes) == 0 {
		return rest
	}
	return causes
}

// firstCause is the engine's own message out of all that the Automation API adds.
func firstCause(err error) string {
	var causes []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		line = strings.TrimPrefix(strings.TrimSpace(line), "stderr: ")
		if cause, ok := strings.CutPrefix(line, "error: "); ok && !strings.HasPrefix(cause, "update failed") {
			causes = append(causes, cause)
		}
	}
	if len(causes) == 0 {
		return err.Error()
	}
	return strings.Join(causes, "\n")
}

// explainBackend keeps the engine's own words of an error of the backend, and says where help is.
func (s *site) explainBackend(err error) error {
	if !errors.Is(err, engine.ErrBackend) {
		return err
	}
	return fail(Prerequisite, fmt.Errorf("%w: %s\nrun %s", engine.ErrBackend, firstCause(err), s.hint("doctor")))
}

// exclusive keeps the stack for this operation.
func (s *site) exclusive() (release func() error, err error) {
	release, err = engine.Exclusive(s.StateDir, s.Stack)
	if errors.Is(err, engine.ErrBusy) {
		return nil, fail(Locked, fmt.Errorf("%w\nwait for it; a dead process keeps no stack, and %s is for the locks of other machines",
			err, s.hint("unlock --force")))
	}
	if err != nil {
		return nil, fail(Prerequisite, fmt.Errorf("state directory: %w: choose another with --state-dir", err))
	}
	return release, nil
}

// explainLock says who holds a stack's lock, and how to take it away.
func (s *site) explainLock(err error) error {
	if !auto.IsConcurrentUpdateError(err) {
		return err
	}
	return s.locked(engine.ToldHolders(err.Error()))
}

// expectUnlocked refuses to mend a local stack on which an engine works that another program started.
func (s *site) expectUnlocked() error {
	if s.project.Target != engine.Local {
		// The backend refuses by itself, and nothing is removed there.
		return nil
	}
	holders, _, err := s.project.Holders(s.StateDir)
	if err != nil || len(holders) == 0 {
		return err
	}
	return s.locked(holders)
}

func (s *site) locked(holders []engine.Holder) error {
	text := fmt.Sprintf("stack %s %s", s.Stack, engine.ErrBusy)
	for _, h := range holders {
		text += fmt.Sprintf(": process %d of %s on %s, since %s", h.PID, h.Username, h.Hostname, h.Since.Local().Format(time.DateTime))
	}
	text += fmt.Sprintf("\nwait for it, or run %s when it is dead", s.hint("unlock --force"))
	return fail(Locked, errors.New(text))
}

package operation

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/stacks/deploy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
)

// Tags of an ephemeral stack: when it was made, and when it may be destroyed by Collect. Times are RFC 3339.
const (
	createdTag = "apigw-ingress:created"
	expiresTag = "apigw-ingress:expires"
)

// EphemeralOptions are those of an ephemeral stack.
type EphemeralOptions struct {
	// Options name the stack whose config the new one gets.
	Options
	// Name is what the stack is called after, such as a branch: what no stack's name can have becomes hyphens, and chance adds an
	// end. Empty is the name of the stack whose config it gets.
	Name string
	// TimeToLive is the time after which Collect may destroy the stack; 0 is 4 hours.
	TimeToLive time.Duration
	// KeepOnFailure leaves the stack when it is of no use, to look at it.
	KeepOnFailure bool
}

// EphemeralStack is a stack of its own that is up.
type EphemeralStack struct {
	// Options are for operations on it.
	Options Options
	// Outputs are the stack's, with secrets in plain text.
	Outputs auto.OutputMap

	project *engine.Project
	claim   *claim
	// release lets the local cloud go, which runs as long as the stack does.
	release func(error) error
}

// Ephemeral makes a new stack with the config of another, brings it up, calls use, and destroys and removes the stack
// whatever happened. It returns use's error, and its own.
//
// When ctx ends, use is expected to return soon, and the stack is destroyed nevertheless; closing GiveUp interrupts that.
// A stack that is left behind, also by a process that was killed, goes with the next Collect from the same state
// directory, and with Collect from anywhere when its time to live is over.
func Ephemeral(ctx context.Context, o EphemeralOptions, use func(context.Context, *EphemeralStack) error) error {
	stack, err := NewEphemeral(ctx, o)
	if stack == nil {
		return err
	}
	if err == nil {
		err = use(ctx, stack)
	}
	if err != nil && o.KeepOnFailure && ctx.Err() == nil {
		return errors.Join(err, stack.Keep())
	}
	return errors.Join(err, stack.Destroy(ctx))
}

// NewEphemeral is the first half of Ephemeral: it brings a stack of its own up. Unless the stack is nil, Destroy it or
// Keep it, even after an error.
func NewEphemeral(ctx context.Context, o EphemeralOptions) (*EphemeralStack, error) {
	base, settings, err := openValid(o.Options)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, fail(Cancelled, errCancelled)
	}
	if o.TimeToLive == 0 {
		o.TimeToLive = 4 * time.Hour
	}
	stack := &EphemeralStack{Options: base.Options, project: base.project, release: func(err error) error { return err }}
	name, changes, err := newStack(base, settings, o.Name)
	if err != nil {
		return nil, err
	}
	stack.Options.Stack = name
	now := time.Now().UTC().Truncate(time.Second)
	life := Expired{Stack: name, Created: now, Expires: now.Add(o.TimeToLive)}
	if stack.claim, err = makeClaim(base, life); err != nil {
		return nil, fail(Prerequisite, fmt.Errorf("state directory: %w: choose another with --state-dir", err))
	}
	if err := base.project.CopyConfig(name, changes); err != nil {
		return nil, errors.Join(err, removeConfig(stack.config()), stack.claim.drop())
	}
	return stack, stack.bringUp(ctx, life)
}

func (e *EphemeralStack) bringUp(ctx context.Context, life Expired) error {
	s, _, err := openValid(e.Options)
	if err != nil {
		return err
	}
	session, release, err := s.session(ctx, true)
	if err != nil {
		return err
	}
	e.release = release
	for tag, at := range map[string]time.Time{createdTag: life.Created, expiresTag: life.Expires} {
		if err := session.Stack.SetTag(ctx, tag, at.Format(time.RFC3339)); err != nil {
			return fmt.Errorf("tag of stack %s: %w", s.Stack, err)
		}
	}
	if _, err := Up(ctx, UpOptions{Options: e.Options}); err != nil {
		return err
	}
	e.Outputs, err = Outputs(ctx, e.Options, true)
	return unlessEnded(ctx, err)
}

func (e *EphemeralStack) config() string {
	return e.project.FileOf(e.Options.Stack)
}

// Destroy destroys the stack and removes it with its config, even when ctx has ended. Closing GiveUp interrupts it.
func (e *EphemeralStack) Destroy(ctx context.Context) error {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	o := e.Options
	o.GiveUp = nil
	go func() {
		select {
		case <-e.Options.GiveUp:
			cancel()
		case <-ctx.Done():
		}
	}()
	_, err := Destroy(ctx, DestroyOptions{Options: o, Remove: true})
	if err != nil && !errors.Is(err, ErrNothing) {
		err = fmt.Errorf("stack %s is not gone, gc collects it: %w", o.Stack, err)
		err = errors.Join(err, e.claim.abandon())
	} else {
		err = e.claim.drop()
	}
	return e.release(errors.Join(err, removeConfig(e.config())))
}

// Keep leaves the stack until its time to live is over, and puts its config where it does not look like that of a lasting
// stack. The error says how to look at it.
func (e *EphemeralStack) Keep() error {
	kept := e.config() + ".kept"
	err := fmt.Errorf("stack %s is kept: its config is %s; rename it to %s to work on the stack, or let gc destroy it", e.Options.Stack,
		kept, filepath.Base(e.config()))
	return e.release(errors.Join(os.Rename(e.config(), kept), e.claim.drop(), err))
}

// removeConfig takes away the config of a stack that is gone, or was renamed with it.
func removeConfig(path string) error {
	if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// Node ports for stacks that share a cluster: those that people choose are lower.
const (
	firstNodePort = 31000
	lastNodePort  = 32767
)

// newStack makes the name of a new stack that is called after something, and says what is different in its config.
func newStack(base *site, settings *deploy.Settings, after string) (name string, changes map[string]any, err error) {
	called := base.Stack
	if after != "" {
		safe := engine.SafeStackName(after)
		if safe == "" {
			return "", nil, fail(Usage, fmt.Errorf("no stack can be called after %q: it has neither letters nor digits", after))
		}
		called = called[:strings.LastIndexByte(called, '/')+1] + safe
	}
	random := make([]byte, 4)
	_, _ = rand.Read(random) // never fails: https://pkg.go.dev/crypto/rand#Read
	id := hex.EncodeToString(random)
	project := base.project
	changes = map[string]any{"name": "e" + id}
	if shared, _ := project.Get("platformStack"); shared != "" {
		port, err := rand.Int(rand.Reader, big.NewInt(lastNodePort-firstNodePort))
		if err != nil {
			return "", nil, err
		}
		changes["nodePort"] = firstNodePort + port.Int64()
		if own, err := ownServices(settings); err != nil {
			return "", nil, err
		} else if own {
			// Kubernetes would hand another stack's Services over to this one, which then deletes them.
			changes["namespace"] = "e" + id
		}
	}
	return shortened(called, engine.LongestStackName-1-len(id)) + "-" + id, changes, nil
}

// shortened is a stack's name, whose last part has so many characters at most.
func shortened(stack string, most int) string {
	last := strings.LastIndexByte(stack, '/') + 1
	return stack[:min(len(stack), last+most)]
}

// ownServices says whether a stack makes the services that it publishes. A copy of one that makes some and finds others
// in the cluster would find nothing in a namespace of its own.
func ownServices(settings *deploy.Settings) (bool, error) {
	var made, found []string
	for _, service := range settings.Platform.Services {
		if service.Image != nil {
			made = append(made, service.Name)
		} else {
			found = append(found, service.Name)
		}
	}
	if len(made) > 0 && len(found) > 0 {
		return false, fail(Usage, fmt.Errorf("a second stack on this cluster would share %s: "+
			"give them stacks of their own and no image here, or give %s an image as well",
			strings.Join(made, ", "), strings.Join(found, ", ")))
	}
	return len(made) > 0, nil
}

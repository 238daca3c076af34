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

	root string
}

// Ephemeral makes a new stack with the config of another, brings it up, calls use, and destroys and removes the stack
// whatever happened. It returns use's error, and its own. A stack that a lost machine leaves behind goes with Collect.
func Ephemeral(ctx context.Context, o EphemeralOptions, use func(context.Context, *EphemeralStack) error) error {
	stack, err := NewEphemeral(ctx, o)
	if stack == nil {
		return err
	}
	if err == nil {
		err = use(ctx, stack)
	}
	if err != nil && o.KeepOnFailure {
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
	stack := &EphemeralStack{Options: base.Options, root: base.project.Root}
	if stack.Options.Stack, err = copyConfig(base, settings); err != nil {
		return nil, err
	}
	if err := stack.tag(ctx, o.TimeToLive); err != nil {
		return stack, err
	}
	if _, err := Up(ctx, UpOptions{Options: stack.Options}); err != nil {
		return stack, err
	}
	stack.Outputs, err = Outputs(ctx, stack.Options, true)
	return stack, err
}

// tag makes the stack and writes on it when it may go.
func (e *EphemeralStack) tag(ctx context.Context, ttl time.Duration) error {
	if ttl == 0 {
		ttl = 4 * time.Hour
	}
	s, _, err := openValid(e.Options)
	if err != nil {
		return err
	}
	session, closeSession, err := s.session(ctx, true)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	for tag, at := range map[string]time.Time{createdTag: now, expiresTag: now.Add(ttl)} {
		if err = session.Stack.SetTag(ctx, tag, at.Format(time.RFC3339)); err != nil {
			err = fmt.Errorf("tag of stack %s: %w", s.Stack, err)
			break
		}
	}
	return closeSession(err)
}

func (e *EphemeralStack) config() string {
	return filepath.Join(e.root, "Pulumi."+e.Options.Stack+".yaml")
}

// Destroy destroys the stack and removes it with its config, even when ctx has ended.
func (e *EphemeralStack) Destroy(ctx context.Context) error {
	_, err := Destroy(context.WithoutCancel(ctx), DestroyOptions{Options: e.Options, Remove: true})
	if err != nil && !errors.Is(err, ErrNothing) {
		err = fmt.Errorf("stack %s is not gone: %w", e.Options.Stack, err)
	} else {
		err = nil
	}
	return errors.Join(err, removeConfig(e.config()))
}

// Keep leaves the stack, and puts its config where it does not look like that of a lasting stack. The error says how to
// look at it.
func (e *EphemeralStack) Keep() error {
	kept := e.config() + ".kept"
	return errors.Join(os.Rename(e.config(), kept),
		fmt.Errorf("stack %s is kept: its config is %s; rename it to %s to work on the stack, or let gc destroy it", e.Options.Stack, kept, filepath.Base(e.config())))
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

// copyConfig writes the config of a new stack with a name of its own, and returns the name.
func copyConfig(base *site, settings *deploy.Settings) (string, error) {
	random := make([]byte, 4)
	_, _ = rand.Read(random) // never fails: https://pkg.go.dev/crypto/rand#Read
	id := hex.EncodeToString(random)
	project := base.project
	changes := map[string]any{project.Name + ":name": "e" + id}
	if shared, _ := project.Get("platformStack"); shared != "" {
		port, err := rand.Int(rand.Reader, big.NewInt(lastNodePort-firstNodePort))
		if err != nil {
			return "", err
		}
		changes[project.Name+":nodePort"] = firstNodePort + port.Int64()
		if own, err := ownServices(settings); err != nil {
			return "", err
		} else if own {
			// Kubernetes would hand another stack's Services over to this one, which then deletes them.
			changes[project.Name+":namespace"] = "e" + id
		}
	}
	name := base.Stack + "-" + id
	return name, engine.CopyConfig(project.Root, base.Stack, name, changes)
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
		return false, fail(Usage, fmt.Errorf("a second stack on this cluster would share %s: give them stacks of their own and no image here, or give %s an image as well",
			strings.Join(made, ", "), strings.Join(found, ", ")))
	}
	return len(made) > 0, nil
}

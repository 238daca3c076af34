package operation

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
)

// CollectOptions are Collect's.
type CollectOptions struct {
	// Options name a stack of the project; its config says where the backend is.
	Options
	// OlderThan, unless it is 0, destroys ephemeral stacks of this age as well.
	OlderThan time.Duration
}

// Expired is an ephemeral stack that may go.
type Expired struct {
	Stack   string    `json:"stack"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
}

// Collect destroys and removes the ephemeral stacks of a project whose time to live is over. Other stacks are never
// touched. It returns those that it found, and the problems with destroying them.
func Collect(ctx context.Context, o CollectOptions) (found []Expired, err error) {
	s, _, err := openValid(o.Options)
	if err != nil {
		return nil, err
	}
	session, closeSession, err := s.session(ctx, true)
	if err != nil {
		return nil, err
	}
	defer func() { err = closeSession(err) }()
	found, err = expiredStacks(ctx, session, o.OlderThan, time.Now())
	if err != nil {
		return nil, err
	}
	var problems []error
	for _, e := range found {
		if err := s.destroyExpired(ctx, e); err != nil {
			problems = append(problems, fmt.Errorf("stack %s: %w", e.Stack, err))
		}
	}
	return found, errors.Join(problems...)
}

func expiredStacks(ctx context.Context, session *engine.Session, olderThan time.Duration, now time.Time) ([]Expired, error) {
	workspace := session.Stack.Workspace()
	stacks, err := workspace.ListStacks(ctx)
	if err != nil {
		return nil, err
	}
	found := []Expired{}
	for _, s := range stacks {
		tags, err := workspace.ListTags(ctx, s.Name)
		if err != nil {
			return nil, fmt.Errorf("tags of stack %s: %w", s.Name, err)
		}
		created, createdErr := time.Parse(time.RFC3339, tags[createdTag])
		expires, expiresErr := time.Parse(time.RFC3339, tags[expiresTag])
		if createdErr != nil || expiresErr != nil {
			// It is not one of ours.
			continue
		}
		if now.After(expires) || olderThan > 0 && now.Sub(created) > olderThan {
			found = append(found, Expired{s.Name, created, expires})
		}
	}
	return found, nil
}

// destroyExpired borrows the config of the stack that Collect was called with, where the stack's own is gone.
func (s *site) destroyExpired(ctx context.Context, e Expired) error {
	config := filepath.Join(s.project.Root, "Pulumi."+e.Stack+".yaml")
	if _, err := os.Stat(config); errors.Is(err, os.ErrNotExist) {
		if err := engine.CopyConfig(s.project.Root, s.Stack, e.Stack, nil); err != nil {
			return err
		}
		defer func() {
			// The stack is what matters; its borrowed config is a file of a few lines.
			_ = removeConfig(config)
		}()
	}
	s.note("Destroying stack %s of %s.", e.Stack, e.Created.Local().Format(time.DateTime))
	other := s.Options
	other.Stack = e.Stack
	_, err := Destroy(ctx, DestroyOptions{Options: other, Remove: true})
	if errors.Is(err, ErrNothing) {
		return nil
	}
	return err
}

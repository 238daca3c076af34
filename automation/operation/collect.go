package operation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
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

// Collect destroys and removes the ephemeral stacks of a project whose time to live is over, and those whose processes on
// this machine were killed. Other stacks are never touched. It returns those that it found, and the problems with
// destroying them.
func Collect(ctx context.Context, o CollectOptions) ([]Expired, error) {
	s, _, err := openValid(o.Options)
	if err != nil {
		return nil, err
	}
	stacks, err := engine.Stacks(ctx, s.project, s.StateDir)
	if err != nil {
		return nil, s.explainBackend(unlessEnded(ctx, err))
	}
	abandoned, err := abandonedStacks(s)
	if err != nil {
		return nil, err
	}
	found := abandoned
	for _, e := range expiredStacks(stacks, o.OlderThan, time.Now()) {
		if !slices.ContainsFunc(abandoned, func(other Expired) bool { return other.Stack == e.Stack }) {
			found = append(found, e)
		}
	}
	if found == nil {
		found = []Expired{}
	}
	var problems []error
	for _, e := range found {
		if err := s.destroyExpired(ctx, e); err != nil {
			problems = append(problems, fmt.Errorf("stack %s: %w", e.Stack, err))
		}
	}
	return found, errors.Join(problems...)
}

// expiredStacks finds by their tags the stacks that may go.
func expiredStacks(stacks map[string]map[string]string, olderThan time.Duration, now time.Time) []Expired {
	var found []Expired
	for _, name := range slices.Sorted(maps.Keys(stacks)) {
		created, createdErr := time.Parse(time.RFC3339, stacks[name][createdTag])
		expires, expiresErr := time.Parse(time.RFC3339, stacks[name][expiresTag])
		if createdErr != nil || expiresErr != nil {
			// It is not one of ours.
			continue
		}
		if now.After(expires) || olderThan > 0 && now.Sub(created) > olderThan {
			found = append(found, Expired{name, created, expires})
		}
	}
	return found
}

// destroyExpired borrows the config of the stack that Collect was called with, where the stack's own is gone.
func (s *site) destroyExpired(ctx context.Context, e Expired) error {
	config := s.project.FileOf(e.Stack)
	if _, err := os.Stat(config); errors.Is(err, os.ErrNotExist) {
		if err := s.project.CopyConfig(e.Stack, nil); err != nil {
			return err
		}
	}
	s.note("Destroying stack %s of %s.", e.Stack, e.Created.Local().Format(time.DateTime))
	other := s.Options
	other.Stack = e.Stack
	_, err := Destroy(ctx, DestroyOptions{Options: other, Remove: true})
	if err != nil && !errors.Is(err, ErrNothing) {
		return errors.Join(err, removeConfig(config))
	}
	return errors.Join(removeConfig(config), removeConfig(config+".kept"), s.forget(e.Stack))
}

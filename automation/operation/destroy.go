package operation

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/automation/report"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
)

// DestroyOptions are Destroy's.
type DestroyOptions struct {
	Options
	// Remove takes the empty stack away, too, with its history. The project's file of its config stays.
	Remove bool
}

// ErrNothing says that a stack was never brought up, so that there is nothing to destroy.
var ErrNothing = errors.New("there is nothing to destroy")

// Destroy deletes every resource of a stack, in the order that AWS needs. The local cloud stops when its last stack is
// gone. A stack that was never brought up is ErrNothing, with a result that is Complete.
func Destroy(ctx context.Context, o DestroyOptions) (*Result, error) {
	s, err := openAny(o.Options)
	if err != nil {
		return nil, err
	}
	if s.project.Invalid != nil {
		s.warn(fmt.Errorf("the config is not valid, and what was made is destroyed all the same:\n%w", s.project.Invalid))
	}
	result, err := s.operate(ctx, "destroy", false, func(ctx context.Context, r *run) error {
		_, err := r.session.Updates.Destroy(ctx,
			optdestroy.ProgressStreams(s.Progress), optdestroy.ErrorProgressStreams(s.Errors),
			optdestroy.EventStreams(r.follower.channel), optdestroy.UserAgent(userAgent))
		if err != nil || !o.Remove {
			return err
		}
		if err := r.session.Remove(ctx); err != nil {
			return fail(Update, fmt.Errorf("the stack is empty, but was not removed: %w", err))
		}
		return nil
	})
	if errors.Is(err, engine.ErrNoStack) {
		nothing := &Result{Operation: "destroy", Stack: s.Stack, Target: s.project.Target, Changes: report.Changes{}, Complete: true}
		return nothing, ErrNothing
	}
	if err == nil && o.Remove {
		err = s.forgetOperations()
	}
	return result, err
}

// forgetOperations removes what was remembered of a stack that is gone.
func (s *site) forgetOperations() error {
	err := os.Remove(s.timelinePath())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

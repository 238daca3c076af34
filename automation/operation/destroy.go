package operation

import (
	"context"
	"errors"
	"fmt"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/automation/report"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
)

// DestroyOptions are Destroy's.
type DestroyOptions struct {
	Options
	// Remove takes the empty stack away, too, with its history and its config.
	Remove bool
}

// ErrNothing says that a stack was never brought up, so that there is nothing to destroy.
var ErrNothing = errors.New("there is nothing to destroy")

// Destroy deletes every resource of a stack, in the order that AWS needs. The local cloud stops when its last stack is
// gone. A stack that was never brought up is ErrNothing, with a result that is Complete.
func Destroy(ctx context.Context, o DestroyOptions) (*Result, error) {
	s, err := open(o.Options)
	if err != nil {
		return nil, err
	}
	result, err := s.operate(ctx, "destroy", false, func(ctx context.Context, r *run) error {
		_, err := r.session.Updates.Destroy(ctx,
			optdestroy.ProgressStreams(s.Progress), optdestroy.ErrorProgressStreams(s.Errors),
			optdestroy.EventStreams(r.follower.channel), optdestroy.UserAgent(userAgent))
		if err != nil || !o.Remove {
			return err
		}
		if err := r.session.Stack.Workspace().RemoveStack(ctx, s.Stack); err != nil {
			return fail(Update, fmt.Errorf("the stack is empty, but was not removed: %w", err))
		}
		return nil
	})
	if errors.Is(err, engine.ErrNoStack) {
		nothing := &Result{Operation: "destroy", Stack: s.Stack, Target: s.project.Target, Changes: report.Changes{}, Complete: true}
		return nothing, ErrNothing
	}
	return result, err
}

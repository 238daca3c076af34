package operation

import (
	"context"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
)

// Refresh corrects a stack's state to what really exists.
func Refresh(ctx context.Context, o Options) (*Result, error) {
	s, err := open(o)
	if err != nil {
		return nil, err
	}
	return s.operate(ctx, "refresh", false, func(ctx context.Context, r *run) error {
		_, err := r.session.Updates.Refresh(ctx, r.refreshOptions()...)
		return err
	})
}

// Drift compares a stack's state with what really exists, and changes neither. Result.Drifted counts the differences, and
// operations that an earlier one left without an outcome.
func Drift(ctx context.Context, o Options) (*Result, error) {
	s, err := open(o)
	if err != nil {
		return nil, err
	}
	return s.operate(ctx, "drift", false, func(ctx context.Context, r *run) error {
		r.result.Pending = len(r.left.Pending)
		if r.result.Pending > 0 {
			r.note("%d operations of stack %s have no outcome: up or refresh finds it out.", r.result.Pending, r.Stack)
		}
		_, err := r.session.Stack.PreviewRefresh(ctx, r.refreshOptions()...)
		return err
	})
}

// Drifted counts the resources that are not as the state says, after Drift.
func (r *Result) Drifted() int { return r.Changes.Pending() - r.Changes["refresh"] + r.Pending }

func (r *run) refreshOptions() []optrefresh.Option {
	return []optrefresh.Option{
		optrefresh.ProgressStreams(r.Progress), optrefresh.ErrorProgressStreams(r.Errors),
		optrefresh.EventStreams(r.follower.channel), optrefresh.UserAgent(userAgent),
	}
}

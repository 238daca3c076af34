package operation

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/daemon"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
)

// Recover makes a stack's state true again after an operation that was cut off. Every operation that changes something does
// it first; it is for those who want to know before.
func Recover(ctx context.Context, o Options) (*Result, error) {
	s, err := open(o)
	if err != nil {
		return nil, err
	}
	return s.operate(ctx, "recover", false, func(context.Context, *run) error { return nil })
}

// recover mends what a crash, kill -9 or a lost connection left. Without it the engine would make things twice, or take
// for there what is gone. It returns the state as the last operation left it.
func (r *run) recover(ctx context.Context) (*engine.State, error) {
	state, err := r.session.State(ctx)
	if err != nil {
		return nil, err
	}
	var found localcloud.Recovered
	if r.project.Target == engine.Local {
		if found, err = r.compare(ctx, state); err != nil {
			return nil, err
		}
	}
	if len(found.Removed) > 0 {
		r.note("The last operation on stack %s was cut off. %d things that it had made, and had not heard of, were removed.", r.Stack,
			len(found.Removed))
	}
	if len(state.Pending) == 0 && len(found.Missing) == 0 {
		return state, nil
	}
	r.note("Correcting the state of stack %s: %d operations have no outcome, %d resources are gone.", r.Stack, len(state.Pending),
		len(found.Missing))
	if r.project.Target == engine.AWS {
		r.reportPossibleLeftovers(state)
	}
	_, err = r.session.Updates.Refresh(ctx, optrefresh.ClearPendingCreates(), optrefresh.ProgressStreams(io.Discard),
		optrefresh.ErrorProgressStreams(r.Errors), optrefresh.UserAgent(userAgent))
	return state, err
}

// compare asks the local cloud what it has that the state does not know, and the other way round.
func (s *site) compare(ctx context.Context, state *engine.State) (localcloud.Recovered, error) {
	known := []localcloud.Known{}
	for _, r := range state.Resources {
		if r.Custom && localcloud.Keeps(r.Type) {
			known = append(known, localcloud.Known{URN: r.URN, ID: r.ID})
		}
	}
	client, err := daemon.NewClient(s.StateDir)
	if err != nil {
		return localcloud.Recovered{}, err
	}
	return client.Recover(ctx, daemon.RecoverRequest{Project: s.project.Name, Stack: s.Stack, Known: known})
}

// explainLost adds to an error what may be its cause: something that an operation which was killed had made in AWS, and that no
// state knows. AWS refuses the same rule, name or route twice, and to delete what such a thing still uses.
func (r *run) explainLost(err error) error {
	if err == nil || r.left == nil || r.project.Target != engine.AWS {
		return err
	}
	var lost []string
	for _, pending := range r.left.Pending {
		if pending.Type == "creating" {
			lost = append(lost, pending.Resource.Type+" "+pending.Resource.Name())
		}
	}
	if len(lost) == 0 {
		return err
	}
	return fail(ClassOf(err), fmt.Errorf("%w\n"+
		"an earlier operation was killed while it made these, which may exist in AWS and be in the way: %s\n"+
		"look for the tag stack=%s, delete what no state knows, and run the same command again", err, strings.Join(lost, ", "), r.Stack))
}

// reportPossibleLeftovers names what AWS may have made without anybody hearing of it.
func (s *site) reportPossibleLeftovers(state *engine.State) {
	for _, pending := range state.Pending {
		if pending.Type == "creating" {
			s.note("  %s %q may exist in AWS although no state knows it. "+
				"Look for the tag stack=%s, and delete it before something else needs its name.",
				pending.Resource.Type, pending.Resource.Name(), s.Stack)
		}
	}
}

// clearFailed deletes what AWS could not create the last time, so that it is made anew. A replacement would be made first,
// and find its load balancer or its name still taken.
func (r *run) clearFailed(ctx context.Context) error {
	failed := r.left.FailedCreations()
	if len(failed) == 0 {
		return nil
	}
	for _, resource := range r.left.Resources {
		if slices.Contains(failed, resource.URN) {
			r.note("%s %s could not be created the last time and is made anew: %s", resource.Type, resource.Name(),
				strings.Join(resource.InitErrors, "; "))
		}
	}
	_, err := r.session.Updates.Destroy(ctx, optdestroy.Target(failed), optdestroy.ProgressStreams(io.Discard),
		optdestroy.ErrorProgressStreams(r.Errors), optdestroy.UserAgent(userAgent))
	return err
}

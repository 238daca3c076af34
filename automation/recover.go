package main

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

// recover makes a stack's state true again after an operation that was cut off: by a crash, by kill -9, or by a lost
// connection. Without that the engine would make things twice, or take for there what is gone. It returns the state as
// the last operation left it.
func (a *app) recover(ctx context.Context, session *engine.Session) (*engine.State, error) {
	state, err := session.State(ctx)
	if err != nil {
		return nil, err
	}
	var found localcloud.Recovered
	if session.Project.Target == engine.Local {
		if found, err = a.compare(ctx, session.Project, state); err != nil {
			return nil, err
		}
	}
	if len(found.Removed) > 0 {
		fmt.Fprintf(a.errOut, "The last operation on stack %s was cut off. %d things that it had made, and had not heard of, were removed.\n", a.stack, len(found.Removed))
	}
	if len(state.Pending) == 0 && len(found.Missing) == 0 {
		return state, nil
	}
	fmt.Fprintf(a.errOut, "Correcting the state of stack %s: %d operations have no outcome, %d resources are gone.\n", a.stack, len(state.Pending), len(found.Missing))
	if session.Project.Target == engine.AWS {
		a.reportPossibleLeftovers(state)
	}
	_, err = session.Updates.Refresh(ctx, optrefresh.ClearPendingCreates(), optrefresh.ProgressStreams(io.Discard), optrefresh.ErrorProgressStreams(a.errOut), optrefresh.UserAgent(userAgent))
	return state, classify(err, session.Command)
}

// compare asks the local cloud what it has that the state does not know, and the other way round.
func (a *app) compare(ctx context.Context, project *engine.Project, state *engine.State) (localcloud.Recovered, error) {
	known := []localcloud.Known{}
	for _, r := range state.Resources {
		if r.Custom && localcloud.Keeps(r.Type) {
			known = append(known, localcloud.Known{URN: r.URN, ID: r.ID})
		}
	}
	client, err := daemon.NewClient(a.stateDir)
	if err != nil {
		return localcloud.Recovered{}, err
	}
	return client.Recover(ctx, daemon.RecoverRequest{Project: project.Name, Stack: project.Stack, Known: known})
}

// reportPossibleLeftovers names what AWS may have made without anybody hearing of it.
func (a *app) reportPossibleLeftovers(state *engine.State) {
	for _, pending := range state.Pending {
		if pending.Type == "creating" {
			fmt.Fprintf(a.errOut, "  %s %q may exist in AWS although no state knows it. Look for the tag stack=%s, and delete it before something else needs its name.\n",
				pending.Resource.Type, pending.Resource.Name(), a.stack)
		}
	}
}

// clearFailed deletes what AWS could not create the last time, so that it is made anew. A replacement would be made first,
// and find its load balancer or its name still taken.
func (a *app) clearFailed(ctx context.Context, o *operation) error {
	failed := o.left.FailedCreations()
	if len(failed) == 0 {
		return nil
	}
	for _, r := range o.left.Resources {
		if slices.Contains(failed, r.URN) {
			fmt.Fprintf(a.errOut, "%s %s could not be created the last time and is made anew: %s\n", r.Type, r.Name(), strings.Join(r.InitErrors, "; "))
		}
	}
	_, err := o.session.Updates.Destroy(ctx, optdestroy.Target(failed), optdestroy.ProgressStreams(io.Discard), optdestroy.ErrorProgressStreams(a.errOut), optdestroy.UserAgent(userAgent))
	return err
}

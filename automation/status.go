package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/awscloud"
	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/daemon"
	"github.com/spf13/cobra"
)

// report is what status prints.
type report struct {
	Stack      string        `json:"stack"`
	Target     engine.Target `json:"target"`
	Exists     bool          `json:"exists"`
	Resources  int           `json:"resources"`
	LastUpdate string        `json:"lastUpdate,omitempty"`
	Endpoint   string        `json:"endpoint,omitempty"`
	// Pending counts operations that an interrupted update has left without an outcome.
	Pending int `json:"pending"`
	// LockedBy are the processes that are changing the stack.
	LockedBy []engine.Holder `json:"lockedBy,omitempty"`
	// Hops are the links of the chain from the stage to the pods.
	Hops       []awscloud.Hop `json:"hops"`
	LocalCloud *daemon.Status `json:"localCloud,omitempty"`
}

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show what a stack is, and whether every hop of its chain works",
		Long: `status shows a stack: its last update, operations that have no outcome, who holds its lock, and the health of every
hop between a client and the pods, as AWS and the cluster or the local cloud tell it. A hop that is broken exits with 8.`,
		Example: `  apigw-ingress status
  apigw-ingress --stack production status --json`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := a.report(cmd.Context())
			if err != nil {
				return err
			}
			if a.json {
				err = a.printJSON(r)
			} else {
				a.printReport(r)
			}
			return errors.Join(err, brokenHops(r.Hops))
		},
	}
}

func (a *app) report(ctx context.Context) (report, error) {
	project, err := a.openProject()
	if err != nil {
		return report{}, err
	}
	r := report{Stack: a.stack, Target: project.Target}
	if project.Target == engine.Local {
		client, err := daemon.NewClient(a.stateDir)
		if err != nil {
			return r, err
		}
		status, running, err := client.Status(ctx)
		if err != nil {
			return r, err
		}
		if running {
			r.LocalCloud = &status
		}
	}
	session, err := a.readSession(ctx)
	if exitCode(err) == exitUsage {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	r.Exists = true
	err = a.describe(ctx, session, &r)
	return r, err
}

// describe tells what the backend and the cloud know of a stack.
func (a *app) describe(ctx context.Context, session *engine.Session, r *report) error {
	state, err := session.State(ctx)
	if err != nil {
		return err
	}
	if at := state.Manifest.Time; !at.IsZero() {
		r.LastUpdate = at.UTC().Format(time.RFC3339)
	}
	r.Endpoint, _ = state.PublicOutputs()["apiEndpoint"].Value.(string)
	r.Resources = len(state.Resources)
	r.Pending = len(state.Pending)
	if r.LockedBy, err = engine.Holders(a.stateDir, session.Project.Name, a.stack); err != nil {
		return err
	}
	r.Hops, err = a.hops(ctx, session.Project, state.Resources)
	return err
}

func (a *app) printReport(r report) {
	fmt.Fprintf(a.out, "stack        %s\ntarget       %s\n", r.Stack, r.Target)
	if !r.Exists {
		fmt.Fprintf(a.out, "resources    none: run `%s up`\n", a.commandName())
	} else {
		fmt.Fprintf(a.out, "resources    %d\nlast update  %s\nendpoint     %s\n", r.Resources, r.LastUpdate, r.Endpoint)
	}
	if r.Pending > 0 {
		fmt.Fprintf(a.out, "pending      %d operations without an outcome: run `%s up` or `%s refresh`\n", r.Pending, a.commandName(), a.commandName())
	}
	for _, h := range r.LockedBy {
		fmt.Fprintf(a.out, "locked       by process %d of %s on %s\n", h.PID, h.Username, h.Hostname)
	}
	if r.Target == engine.Local {
		if r.LocalCloud == nil {
			fmt.Fprintln(a.out, "local cloud  not running")
		} else {
			fmt.Fprintf(a.out, "local cloud  running, process %d, log %s\n", r.LocalCloud.PID, r.LocalCloud.Log)
		}
	}
	for _, hop := range r.Hops {
		fmt.Fprintf(a.out, "  %-8s %-50s %s\n", hop.Health, hop.Name, hop.Detail)
	}
}

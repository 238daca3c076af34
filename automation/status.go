package main

import (
	"context"
	"fmt"

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
	LockedBy   []engine.Holder `json:"lockedBy,omitempty"`
	LocalCloud *daemon.Status  `json:"localCloud,omitempty"`
}

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "status",
		Short:   "Show what a stack is and what runs of it",
		Example: `  apigw-ingress status --json`,
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := a.report(cmd.Context())
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(r)
			}
			a.printReport(r)
			return nil
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
	summary, err := session.Stack.Info(ctx)
	if err != nil {
		return r, err
	}
	r.LastUpdate = summary.LastUpdate
	if summary.ResourceCount != nil {
		r.Resources = *summary.ResourceCount
	}
	state, err := session.Last(ctx)
	if err != nil {
		return r, err
	}
	r.Pending = len(state.Pending)
	if r.LockedBy, err = engine.Holders(a.stateDir, project.Name, a.stack); err != nil {
		return r, err
	}
	outputs, err := session.Stack.Outputs(ctx)
	r.Endpoint, _ = outputs["apiEndpoint"].Value.(string)
	return r, err
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
	if r.Target != engine.Local {
		return
	}
	if r.LocalCloud == nil {
		fmt.Fprintln(a.out, "local cloud  not running")
		return
	}
	fmt.Fprintf(a.out, "local cloud  running, process %d, log %s\n", r.LocalCloud.PID, r.LocalCloud.Log)
	for _, way := range r.LocalCloud.Ways {
		state := fmt.Sprintf("%d pods", len(way.Pods))
		if way.Problem != "" {
			state = "broken: " + way.Problem
		}
		fmt.Fprintf(a.out, "  API %s stage %s, VPC link, load balancer port %d: %s\n", way.API, way.Stage, way.Port, state)
	}
	for _, pod := range r.LocalCloud.Pods {
		state := "ready"
		if !pod.Ready {
			state = pod.Reason
		}
		fmt.Fprintf(a.out, "  %-57s %-15s %s\n", pod.Namespace+"/"+pod.Name, pod.IP, state)
	}
	for _, role := range r.LocalCloud.PodRoles {
		answer := "may assume"
		if role.Refused != "" {
			answer = "cannot assume (" + role.Refused + ")"
		}
		fmt.Fprintf(a.out, "  %s %s %s\n", role.ServiceAccount, answer, role.RoleARN)
	}
}

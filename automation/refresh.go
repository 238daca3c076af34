package main

import (
	"context"
	"fmt"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
	"github.com/spf13/cobra"
)

func (a *app) refreshCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "refresh",
		Short:   "Correct a stack's state to what really exists",
		Example: `  apigw-ingress refresh --stack dev`,
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.refresh(cmd.Context()) },
	}
}

func (a *app) refresh(ctx context.Context) error {
	started := time.Now()
	project, err := a.openProject()
	if err != nil {
		return err
	}
	session, err := a.session(ctx, project, false)
	if err != nil {
		return err
	}
	done := a.interruptible(session.Command)
	defer done()
	refreshed, err := session.Stack.Refresh(ctx, optrefresh.ClearPendingCreates(), optrefresh.ProgressStreams(a.progress()), optrefresh.ErrorProgressStreams(a.errOut), optrefresh.UserAgent(userAgent))
	if err != nil {
		return classify(err, session.Command)
	}
	changes := map[string]int{}
	if refreshed.Summary.ResourceChanges != nil {
		changes = *refreshed.Summary.ResourceChanges
	}
	if a.json {
		return a.printJSON(result{Stack: a.stack, Target: project.Target, Operation: "refresh", Changes: changes, DurationSeconds: time.Since(started).Seconds()})
	}
	fmt.Fprintf(a.out, "\nStack %s is refreshed: %s.\n", a.stack, describeChanges(changes))
	return nil
}

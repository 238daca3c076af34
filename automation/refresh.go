package main

import (
	"context"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
	"github.com/spf13/cobra"
)

func (a *app) refreshCommand() *cobra.Command {
	var flags operationFlags
	command := &cobra.Command{
		Use:     "refresh",
		Short:   "Correct a stack's state to what really exists",
		Example: `  apigw-ingress refresh --stack dev`,
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.refresh(cmd.Context(), flags) },
	}
	addSummary(command, &flags)
	return command
}

func (a *app) refresh(ctx context.Context, flags operationFlags) error {
	project, err := a.openProject()
	if err != nil {
		return err
	}
	o, err := a.operate(ctx, "refresh", project, false, func(o *operation) error {
		_, err := o.session.Updates.Refresh(ctx, optrefresh.ProgressStreams(a.progress()), optrefresh.ErrorProgressStreams(a.errOut), optrefresh.EventStreams(o.events()), optrefresh.UserAgent(userAgent))
		return err
	})
	if err != nil {
		return err
	}
	return a.finish(o, flags, func() { fmt.Fprintf(a.out, "\nStack %s is refreshed: %s.\n", a.stack, describeChanges(o.changes)) })
}

func (a *app) driftCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "drift",
		Short: "Show what was changed behind the stack's back",
		Long: `drift compares a stack's state with what really exists, and changes neither. It exits with 3 when they differ:
then run refresh to accept what exists, or up to restore what the config says.`,
		Example: `  apigw-ingress drift --stack production --json`,
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.drift(cmd.Context()) },
	}
}

func (a *app) drift(ctx context.Context) error {
	project, err := a.openProject()
	if err != nil {
		return err
	}
	o, err := a.operate(ctx, "drift", project, false, func(o *operation) error {
		_, err := o.session.Stack.PreviewRefresh(ctx, optrefresh.ProgressStreams(a.progress()), optrefresh.ErrorProgressStreams(a.errOut), optrefresh.EventStreams(o.events()), optrefresh.UserAgent(userAgent))
		return err
	})
	if err != nil {
		return err
	}
	differing := pending(o.changes) - o.changes["refresh"]
	if err := a.finish(o, operationFlags{}, func() {
		if differing == 0 {
			fmt.Fprintf(a.out, "\nStack %s is what its state says.\n", a.stack)
		}
	}); err != nil || differing == 0 {
		return err
	}
	return withCode(exitChanges, fmt.Errorf("stack %s has drifted: %s; run `%s refresh` to accept it, or `%s up` to restore the config", a.stack, describeChanges(o.changes), a.commandName(), a.commandName()))
}

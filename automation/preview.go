package main

import (
	"context"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/spf13/cobra"
)

// previewFlags are what preview expects and writes.
type previewFlags struct {
	operationFlags
	expectNoChanges bool
	plan            string
}

func (a *app) previewCommand() *cobra.Command {
	var flags previewFlags
	command := &cobra.Command{
		Use:   "preview",
		Short: "Show what up would change, and change nothing",
		Example: `  apigw-ingress preview
  apigw-ingress preview --save-plan plan.json --summary comment.md
  apigw-ingress preview --expect-no-changes   exits with 3 when there is something to do`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.preview(cmd.Context(), flags) },
	}
	command.Flags().BoolVar(&flags.expectNoChanges, "expect-no-changes", false, "exit with 3 when up would change something")
	command.Flags().StringVar(&flags.plan, "save-plan", "", "write a plan, to which up --plan then keeps")
	addSummary(command, &flags.operationFlags)
	return command
}

func (a *app) preview(ctx context.Context, flags previewFlags) error {
	project, err := a.validProject()
	if err != nil {
		return err
	}
	o, err := a.operate(ctx, "preview", project, true, func(o *operation) error {
		pack, err := a.usePolicies(o.session)
		if err != nil {
			return err
		}
		options := []optpreview.Option{optpreview.PolicyPacks(pack), optpreview.ProgressStreams(a.progress()), optpreview.ErrorProgressStreams(a.errOut), optpreview.EventStreams(o.events()), optpreview.UserAgent(userAgent)}
		if flags.plan != "" {
			options = append(options, optpreview.Plan(absolute(flags.plan)))
		}
		_, err = o.session.Stack.Preview(ctx, options...)
		return err
	})
	if err != nil {
		return err
	}
	if err := a.finish(o, flags.operationFlags, func() { fmt.Fprintf(a.out, "\nPreview of stack %s: %s.\n", a.stack, describePlanned(o.changes)) }); err != nil {
		return err
	}
	if flags.expectNoChanges && pending(o.changes) > 0 {
		return withCode(exitChanges, fmt.Errorf("stack %s is not what its config says: %s; run `%s up`", a.stack, describePlanned(o.changes), a.commandName()))
	}
	return nil
}

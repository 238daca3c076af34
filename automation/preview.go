package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/spf13/cobra"
)

func (a *app) previewCommand() *cobra.Command {
	var expectNoChanges bool
	command := &cobra.Command{
		Use:   "preview",
		Short: "Show what up would change, and change nothing",
		Example: `  apigw-ingress preview
  apigw-ingress preview --expect-no-changes   exits with 3 when there is something to do`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.preview(cmd.Context(), expectNoChanges) },
	}
	command.Flags().BoolVar(&expectNoChanges, "expect-no-changes", false, "exit with 3 when up would change something")
	return command
}

func (a *app) preview(ctx context.Context, expectNoChanges bool) error {
	started := time.Now()
	project, err := a.validProject()
	if err != nil {
		return err
	}
	session, err := a.session(ctx, project, true)
	if err != nil {
		return err
	}
	done := a.interruptible(session.Command)
	defer done()
	preview, err := session.Stack.Preview(ctx, optpreview.ProgressStreams(a.progress()), optpreview.ErrorProgressStreams(a.errOut), optpreview.UserAgent(userAgent))
	if err != nil {
		return classify(err, session.Command)
	}
	changes := map[string]int{}
	pending := 0
	for op, n := range preview.ChangeSummary {
		changes[string(op)] = n
		if op != "same" {
			pending += n
		}
	}
	if a.json {
		err = a.printJSON(result{Stack: a.stack, Target: project.Target, Operation: "preview", Changes: changes, DurationSeconds: time.Since(started).Seconds()})
	} else {
		fmt.Fprintf(a.out, "\nPreview of stack %s: %s.\n", a.stack, describePlanned(changes))
	}
	if expectNoChanges && pending > 0 {
		return withCode(exitChanges, errors.Join(err, fmt.Errorf("stack %s is not what its config says: %s; run `apigw-ingress up`", a.stack, describePlanned(changes))))
	}
	return err
}

func describePlanned(changes map[string]int) string {
	text := ""
	for _, name := range []string{"create", "update", "replace", "delete", "same"} {
		if n := changes[name]; n > 0 {
			if text != "" {
				text += ", "
			}
			text += fmt.Sprintf("%d to %s", n, map[string]string{"same": "keep"}[name]+map[bool]string{true: name}[name != "same"])
		}
	}
	return text
}

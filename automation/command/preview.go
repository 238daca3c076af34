package command

import (
	"context"
	"fmt"

	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/spf13/cobra"
)

// previewFlags are what preview expects and writes.
type previewFlags struct {
	expectNoChanges bool
	failOnWeaker    bool
	plan, summary   string
}

func previewCommand(s *shared) *cobra.Command {
	var flags previewFlags
	command := &cobra.Command{
		Use:   "preview",
		Short: "Show what up would change, and change nothing",
		Long: `preview shows what up would change, and changes nothing. Where the API would let in more than what is deployed does, that
is said first.`,
		Example: `  apigw-ingress preview
  apigw-ingress preview --save-plan plan.json --summary comment.md
  apigw-ingress preview --expect-no-changes   exits with 3 when there is something to do`,
		Args: usageArgs(cobra.NoArgs),
		RunE: verb(func(ctx context.Context) error { return s.preview(ctx, flags) }),
	}
	command.Flags().BoolVar(&flags.expectNoChanges, "expect-no-changes", false, "exit with 3 when up would change something")
	command.Flags().StringVar(&flags.plan, "save-plan", "", "write a plan, to which up --plan then keeps")
	addFailOnWeaker(command, &flags.failOnWeaker)
	addSummary(command, &flags.summary)
	return command
}

func (s *shared) preview(ctx context.Context, flags previewFlags) error {
	ctx, giveUp, done := interruptible(ctx)
	defer done()
	o := operation.PreviewOptions{Options: s.follow(future), SavePlan: flags.plan, FailOnWeakerAccess: flags.failOnWeaker}
	o.GiveUp = giveUp
	r, err := operation.Preview(ctx, o)
	err = s.finish("preview", r, err, flags.summary, func() { s.printf("\nPreview of stack %s: %s.\n", s.stack, r.Changes.Planned()) })
	if err == nil && flags.expectNoChanges && r.Changes.Pending() > 0 {
		return classed(operation.Changes, fmt.Errorf("stack %s is not what its config says: %s; run `%s up`", s.stack, r.Changes.Planned(),
			s.self()))
	}
	return err
}

package command

import (
	"context"

	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/spf13/cobra"
)

func refreshCommand(s *shared) *cobra.Command {
	var summary string
	command := &cobra.Command{
		Use:     "refresh",
		Short:   "Correct a stack's state to what really exists",
		Example: `  apigw-ingress refresh --stack dev`,
		Args:    usageArgs(cobra.NoArgs),
		RunE:    verb(func(ctx context.Context) error { return s.refresh(ctx, summary) }),
	}
	addSummary(command, &summary)
	return command
}

func (s *shared) refresh(ctx context.Context, summary string) error {
	ctx, giveUp, done := interruptible(ctx)
	defer done()
	o := s.follow(pastTense)
	o.GiveUp = giveUp
	r, err := operation.Refresh(ctx, o)
	return s.finish("refresh", r, err, summary, func() { s.printf("\nStack %s is refreshed: %s.\n", s.stack, r.Changes.Done()) })
}

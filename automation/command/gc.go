package command

import (
	"context"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/spf13/cobra"
)

func gcCommand(s *shared) *cobra.Command {
	var olderThan time.Duration
	command := &cobra.Command{
		Use:   "gc",
		Short: "Destroy ephemeral stacks whose time is over",
		Long: `gc destroys and removes the ephemeral stacks of the project whose time to live is over, or which are older than
--older-than. Other stacks are never touched. --stack names the stack whose config says where the backend is.`,
		Example: `  apigw-ingress --stack preview gc
  apigw-ingress --stack preview gc --older-than 24h`,
		Args: usageArgs(cobra.NoArgs),
		RunE: verb(func(ctx context.Context) error { return s.collect(ctx, olderThan) }),
	}
	command.Flags().DurationVar(&olderThan, "older-than", 0, "destroy ephemeral stacks of this age as well")
	return command
}

func (s *shared) collect(ctx context.Context, olderThan time.Duration) error {
	ctx, giveUp, done := interruptible(ctx)
	defer done()
	// What is collected is the only thing on standard output.
	quiet := *s
	quiet.json, quiet.out, quiet.stdout = false, s.errOut, s.errOut
	o := operation.CollectOptions{Options: quiet.follow(pastTense), OlderThan: olderThan}
	o.GiveUp = giveUp
	found, err := operation.Collect(ctx, o)
	if found == nil {
		return err
	}
	return join(s.print(found, func() { s.printf("%d ephemeral stacks were over.\n", len(found)) }), err)
}

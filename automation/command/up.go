package command

import (
	"context"

	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/spf13/cobra"
)

func upCommand(s *shared) *cobra.Command {
	var plan, summary string
	var failOnWeaker bool
	command := &cobra.Command{
		Use:   "up",
		Short: "Bring a stack up, or change it to what its config says",
		Long: `up makes a stack what its config says. An earlier operation that was cut off is mended first. With --plan the
changes must be those of a plan that preview --save-plan wrote; anything else fails.`,
		Example: `  apigw-ingress up
  apigw-ingress up --stack production --json
  apigw-ingress up --stack production --plan plan.json --summary summary.md`,
		Args: usageArgs(cobra.NoArgs),
		RunE: verb(func(ctx context.Context) error { return s.up(ctx, plan, summary, failOnWeaker) }),
	}
	command.Flags().StringVar(&plan, "plan", "", "make the changes of this plan and no others")
	command.Flags().BoolP("yes", "y", false, "accepted for scripts: up never asks")
	addFailOnWeaker(command, &failOnWeaker)
	addSummary(command, &summary)
	return command
}

func (s *shared) up(ctx context.Context, plan, summary string, failOnWeaker bool) error {
	ctx, giveUp, done := interruptible(ctx)
	defer done()
	o := operation.UpOptions{Options: s.follow(pastTense), Plan: plan, FailOnWeakerAccess: failOnWeaker}
	o.GiveUp = giveUp
	r, err := operation.Up(ctx, o)
	return s.finish(r, err, summary, func() {
		endpoint, region := endpointOf(r)
		self := s.self()
		s.printf("\nStack %s is up on target %s after %.1f s: %s.\n\n  %s\n\nTry:\n", s.stack, r.Target, r.Took.Seconds(), r.Changes.Done(),
			endpoint)
		s.printf("  %s call /api/book/list\n", self)
		s.printf("  curl --aws-sigv4 aws:amz:%s:execute-api --user \"$(%s outputs clientAccessKeyId):$(%s outputs --show-secrets "+
			"clientSecretAccessKey)\" %s/api/author/list\n",
			region, self, self, endpoint)
		s.printf("  %s status\n", self)
	})
}

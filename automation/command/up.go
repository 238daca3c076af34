package command

import (
	"context"
	"fmt"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/apigateway-ingress/apigateway-ingress/components/route"
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
	return s.finish("up", r, err, summary, func() {
		endpoint, _ := endpointOf(r)
		s.printf("\nStack %s is up on target %s after %.1f s: %s.\n\n  %s\n\nTry:\n", s.stack, r.Target, r.Took.Seconds(), r.Changes.Done(),
			endpoint)
		for _, line := range s.suggestions(r) {
			s.printf("  %s\n", line)
		}
		s.printf("  %s status\n", s.self())
	})
}

// suggestions are requests for the stack's own routes: one by call, and the same by curl where the client user signs it.
func (s *shared) suggestions(r *operation.Result) []string {
	_, settings, err := operation.Settings(s.options())
	if err != nil {
		return nil // The stack is up with a config that was read just before.
	}
	table, err := settings.Routes()
	if err != nil || len(table.Routes) == 0 {
		return nil
	}
	self, first := s.self(), table.Rows()[0]
	call := self + " call"
	if first.Host != "*" {
		call += " --host " + strings.Replace(first.Host, "*", "any", 1)
	}
	switch {
	case first.Auth == route.AuthNone:
		return []string{call + " --unsigned " + first.Path}
	case first.Auth != route.AuthIAM:
		return []string{call + " --authorizer " + string(first.Auth) + " " + first.Path}
	case r.Outputs["clientAccessKeyId"].Value == nil:
		return nil
	}
	endpoint, region := endpointOf(r)
	lines := []string{call + " " + first.Path}
	if first.Host == "*" {
		lines = append(lines, fmt.Sprintf("curl --aws-sigv4 aws:amz:%s:execute-api --user "+
			"\"$(%s outputs clientAccessKeyId):$(%s outputs --show-secrets clientSecretAccessKey)\" %s%s", region, self, self, endpoint, first.Path))
	}
	return lines
}

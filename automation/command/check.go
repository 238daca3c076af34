package command

import (
	"context"

	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/spf13/cobra"
)

func checkCommand(s *shared) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Hold what a stack consists of against the policies",
		Long: `check judges every resource in a stack's state by the policies in policies/, which preview and up apply through the
engine before anything is made. A violation exits with 8, unless its policy is advice.`,
		Example: `  apigw-ingress check
  apigw-ingress --stack production check --json`,
		Args: usageArgs(cobra.NoArgs),
		RunE: verb(s.check),
	}
}

func (s *shared) check(ctx context.Context) error {
	judgment, err := operation.Check(ctx, s.options())
	if judgment == nil {
		return err
	}
	printing := s.print(judgment, func() {
		for _, notice := range judgment.OlderDeployments {
			s.printf("attention: %s\n", notice)
		}
		for _, v := range judgment.Violations {
			s.printf("%s\n", v)
		}
		s.printf("%d resources keep to %d policies, but for %d violations.\n", judgment.Resources, len(judgment.Policies),
			len(judgment.Violations))
	})
	return join(printing, err)
}

package command

import (
	"context"
	"fmt"

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
		s.printf("%s\n", verdict(judgment))
	})
	return join(printing, err)
}

// verdict is the last line: advice is no violation.
func verdict(j *operation.Judgment) string {
	broken, advice := 0, 0
	for _, v := range j.Violations {
		if v.Advisory {
			advice++
		} else {
			broken++
		}
	}
	text := fmt.Sprintf("%s to %s", counted(j.Resources, "resource keeps", "resources keep"), counted(len(j.Policies), "policy", "policies"))
	if broken > 0 {
		text += ", but for " + counted(broken, "violation", "violations")
	}
	if advice > 0 {
		text += "; " + counted(advice, "piece of advice", "pieces of advice")
	}
	return text + "."
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

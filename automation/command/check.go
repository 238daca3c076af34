package command

import (
	"context"
	"fmt"

	"github.com/apigateway-ingress/apigateway-ingress/automation/controls"
	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/spf13/cobra"
)

func checkCommand(s *shared) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Hold what a stack consists of against the policies",
		Long: `check judges every resource in a stack's state by the policies in policies/, which preview and up apply through the
engine before each resource is made. A violation exits with 8, unless its policy is advice. A table says which controls of
AWS's Foundational Security Best Practices hold, and by which key each is turned on. profile: hardened sets these keys, but
for those about certificates and the client user.`,
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
		s.printControls(judgment.Controls)
		for _, v := range judgment.Violations {
			s.printf("%s\n", v)
		}
		s.printf("%s\n", verdict(judgment))
	})
	return join(printing, err)
}

// printControls prints the table of controls: CIS is the recommendation of its AWS Foundations Benchmark 3.0.
func (s *shared) printControls(list []controls.Control) {
	s.printf("%-15s %-5s %-15s %-23s %s\n", "FSBP", "CIS", "outcome", "key", "control")
	for _, c := range list {
		s.printf("%-15s %-5s %-15s %-23s %s\n", c.ID, c.CIS, c.Outcome, c.Key, c.Title)
		for _, resource := range c.Failing {
			s.printf("%-15s %-5s   %s\n", "", "", resource)
		}
	}
	s.printf("\n")
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

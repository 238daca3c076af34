package command

import (
	"context"
	"fmt"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/automation/doctor"
	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/spf13/cobra"
)

func doctorCommand(s *shared) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Check everything that a stack's target needs, and say how to mend what is missing",
		Example: `  apigw-ingress doctor
  apigw-ingress --stack production doctor --json`,
		Args: usageArgs(cobra.NoArgs),
		RunE: verb(s.doctor),
	}
}

func (s *shared) doctor(ctx context.Context) error {
	checks := doctor.Examine(ctx, s.options())
	bad := 0
	for _, c := range checks {
		if !c.OK && !c.Unsure {
			bad++
		}
	}
	printing := s.print(checks, func() {
		for _, c := range checks {
			s.printCheck(c)
		}
	})
	if printing == nil && bad > 0 {
		return classed(operation.Prerequisite, fmt.Errorf("%d of %d checks failed", bad, len(checks)))
	}
	return printing
}

func (s *shared) printCheck(c doctor.Check) {
	mark := "FAIL"
	switch {
	case c.OK:
		mark = "ok  "
	case c.Unsure:
		mark = "?   "
	}
	s.printf("%s  %-18s %s\n", mark, c.Name, strings.ReplaceAll(c.Found, "\n", "; "))
	if c.Fix != "" {
		s.printf("      %-18s %s\n", "", c.Fix)
	}
}

package command

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/apigateway-ingress/apigateway-ingress/automation/report"
	"github.com/spf13/cobra"
)

func costCommand(s *shared) *cobra.Command {
	return &cobra.Command{
		Use:   "cost",
		Short: "Estimate what a stack costs in AWS in a month",
		Long: `cost previews a stack and adds up the list prices of what would be there. What costs by use, such as requests
and traffic, is named and not guessed. A stack on the local target tells what the same one costs in AWS.`,
		Example: `  apigw-ingress cost
  apigw-ingress --stack production cost --json`,
		Args: usageArgs(cobra.NoArgs),
		RunE: verb(s.cost),
	}
}

func (s *shared) cost(ctx context.Context) error {
	ctx, giveUp, done := interruptible(ctx)
	defer done()
	o := operation.PreviewOptions{Options: s.options(), WithoutPolicies: true}
	o.GiveUp = giveUp
	r, err := operation.Preview(ctx, o)
	if err != nil {
		return err
	}
	estimate := report.Cost(r.Steps)
	if s.json {
		return s.printJSON(estimate)
	}
	return s.printCost(estimate)
}

func (s *shared) printCost(estimate report.Estimate) error {
	table := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, item := range estimate.Items {
		fmt.Fprintf(table, "%d\t%s\t%.2f\t\n", item.Count, item.What, item.MonthlyUSD)
	}
	fmt.Fprintf(table, "\ttogether\t%.2f\tUSD a month\n", estimate.MonthlyUSD)
	if err := table.Flush(); err != nil {
		return err
	}
	for _, line := range estimate.ByUse {
		s.printf("besides: %s\n", line)
	}
	for _, line := range estimate.Unknown {
		s.printf("not in the table of prices: %s\n", line)
	}
	s.printf("List prices of %s, %s, %d hours a month.\n", estimate.Region, estimate.AsOf, report.HoursPerMonth)
	return nil
}

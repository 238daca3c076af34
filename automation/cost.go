package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/apigateway-ingress/apigateway-ingress/automation/cost"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/spf13/cobra"
)

func (a *app) costCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "cost",
		Short: "Estimate what a stack costs in AWS in a month",
		Long: `cost previews a stack and adds up the list prices of what would be there. What costs by use, such as requests
and traffic, is named and not guessed. A stack on the local target tells what the same one costs in AWS.`,
		Example: `  apigw-ingress cost
  apigw-ingress --stack production cost --json`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.cost(cmd.Context()) },
	}
}

func (a *app) cost(ctx context.Context) error {
	project, err := a.validProject()
	if err != nil {
		return err
	}
	quiet := *a
	quiet.json = false
	quiet.out = discard{}
	o, err := quiet.operate(ctx, "preview", project, true, func(o *operation) error {
		_, err := o.session.Stack.Preview(ctx, optpreview.ErrorProgressStreams(a.errOut), optpreview.EventStreams(o.events()), optpreview.UserAgent(userAgent))
		return err
	})
	if err != nil {
		return err
	}
	var resources []cost.Resource
	for _, s := range o.watcher.steps {
		if s.Op != "delete" {
			resources = append(resources, cost.Resource{Type: s.Type, Name: s.Name, Inputs: s.New})
		}
	}
	estimate := cost.Of(resources)
	if a.json {
		return a.printJSON(estimate)
	}
	table := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, item := range estimate.Items {
		fmt.Fprintf(table, "%d\t%s\t%.2f\t\n", item.Count, item.What, item.MonthlyUSD)
	}
	fmt.Fprintf(table, "\ttogether\t%.2f\tUSD a month\n", estimate.MonthlyUSD)
	if err := table.Flush(); err != nil {
		return err
	}
	for _, line := range estimate.ByUse {
		fmt.Fprintf(a.out, "besides: %s\n", line)
	}
	for _, line := range estimate.Unknown {
		fmt.Fprintf(a.out, "not in the table of prices: %s\n", line)
	}
	fmt.Fprintf(a.out, "List prices of %s, %s, %d hours a month.\n", estimate.Region, estimate.AsOf, cost.HoursPerMonth)
	return nil
}

// discard takes what nobody shall read.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

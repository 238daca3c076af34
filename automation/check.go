package main

import (
	"context"
	"fmt"

	"github.com/apigateway-ingress/apigateway-ingress/policies"
	"github.com/spf13/cobra"
)

func (a *app) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Hold what a stack consists of against the policies",
		Long: `check judges every resource in a stack's state by the policies in policies/, which preview and up apply through the
engine before anything is made. A violation exits with 8.`,
		Example: `  apigw-ingress check
  apigw-ingress --stack production check --json`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.check(cmd.Context()) },
	}
}

func (a *app) check(ctx context.Context) error {
	session, err := a.readSession(ctx)
	if err != nil {
		return err
	}
	resources, err := session.Resources(ctx)
	if err != nil {
		return err
	}
	pack, err := policies.Load(ctx)
	if err != nil {
		return err
	}
	var declared []policies.Resource
	for _, r := range resources {
		if r.Custom && !r.Delete {
			declared = append(declared, policies.Resource{Type: r.Type, Name: r.Name(), Inputs: r.Inputs})
		}
	}
	violations, err := pack.CheckAll(ctx, declared)
	if err != nil {
		return err
	}
	if a.json {
		err = a.printJSON(struct {
			Policies   map[string]string    `json:"policies"`
			Resources  int                  `json:"resources"`
			Violations []policies.Violation `json:"violations"`
		}{pack.Descriptions, len(declared), violations})
	} else {
		for _, v := range violations {
			fmt.Fprintln(a.out, v)
		}
		fmt.Fprintf(a.out, "%d resources keep to %d policies, but for %d violations.\n", len(declared), len(pack.Descriptions), len(violations))
	}
	if err == nil && len(violations) > 0 {
		return withCode(exitUnhealthy, fmt.Errorf("%d violations of policies", len(violations)))
	}
	return err
}

package command

import (
	"context"

	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/spf13/cobra"
)

func exportCommand(s *shared) *cobra.Command {
	return &cobra.Command{
		Use:     "export",
		Short:   "Print a stack's deployment as JSON, as `pulumi stack export` does",
		Long:    `export prints a stack's deployment as JSON, as "pulumi stack export" does. Secret values stay encrypted.`,
		Example: `  apigw-ingress export > backup.json`,
		Args:    usageArgs(cobra.NoArgs),
		RunE: verb(func(ctx context.Context) error {
			deployment, err := operation.Export(ctx, s.options())
			if err != nil {
				return err
			}
			return s.printJSON(deployment)
		}),
	}
}

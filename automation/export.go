package main

import (
	"github.com/spf13/cobra"
)

func (a *app) exportCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "export",
		Short:   "Print a stack's deployment as JSON, as `pulumi stack export` does",
		Long:    `export prints a stack's deployment as JSON, as "pulumi stack export" does. Secret values stay encrypted.`,
		Example: `  apigw-ingress export > backup.json`,
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			session, err := a.readSession(cmd.Context())
			if err != nil {
				return err
			}
			deployment, err := session.Export(cmd.Context())
			if err != nil {
				return err
			}
			return a.printJSON(deployment)
		},
	}
}

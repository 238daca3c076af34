package command

import (
	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/spf13/cobra"
)

func importCommand(s *shared) *cobra.Command {
	return &cobra.Command{
		Use:   "import [FILE]",
		Short: "Replace a stack's deployment by one that export printed",
		Long: `import replaces a stack's deployment, as "pulumi stack import" does. It changes no resource. Without a file it
reads standard input.`,
		Example: `  apigw-ingress --stack dev import backup.json`,
		Args:    usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			content, err := s.fileOrInput(args)
			if err != nil {
				return err
			}
			if err := operation.Import(cmd.Context(), s.options(), content); err != nil {
				return err
			}
			return s.print(map[string]string{"imported": s.stack}, func() {
				s.printf("Stack %s has the imported deployment. Run `%s drift` to compare it with what exists.\n", s.stack, s.self())
			})
		},
	}
}

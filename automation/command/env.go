package command

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/spf13/cobra"
)

func envCommand(s *shared) *cobra.Command {
	return &cobra.Command{
		Use:   "env",
		Short: "Print what plain pulumi needs to work on a stack of the local target",
		Long: `env prints environment variables by which the official pulumi CLI attaches to the local target, and starts the
local cloud when it is not running. For a stack on AWS it prints nothing: pulumi needs nothing there.`,
		Example: `  eval "$(apigw-ingress env)" && pulumi up --stack local`,
		Args:    usageArgs(cobra.NoArgs),
		RunE: verb(func(ctx context.Context) error {
			values, err := operation.Environment(ctx, s.options())
			if err != nil {
				return err
			}
			return s.print(values, func() {
				for _, name := range slices.Sorted(maps.Keys(values)) {
					s.printf("export %s='%s'\n", name, strings.ReplaceAll(values[name], "'", `'\''`))
				}
				if len(values) > 0 {
					// It would go before the file with the stack's own.
					s.printf("unset PULUMI_CONFIG_PASSPHRASE\n")
				}
			})
		}),
	}
}

package command

import (
	"context"
	"runtime"

	"github.com/pulumi/pulumi/sdk/v3"
	"github.com/spf13/cobra"
)

func versionCommand(s *shared) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print versions",
		Example: `  apigw-ingress version --json`,
		Args:    usageArgs(cobra.NoArgs),
		RunE: verb(func(context.Context) error {
			versions := map[string]string{"apigw-ingress": s.version, "pulumiSdk": sdk.Version.String(), "go": runtime.Version()}
			return s.print(versions, func() {
				s.printf("apigw-ingress %s\npulumi SDK    %s\n%s\n", s.version, sdk.Version, runtime.Version())
			})
		}),
	}
}

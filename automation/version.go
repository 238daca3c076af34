package main

import (
	"fmt"
	"runtime"

	"github.com/pulumi/pulumi/sdk/v3"
	"github.com/spf13/cobra"
)

// version is set at the build of a release.
var version = "dev"

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print versions",
		Example: `  apigw-ingress version --json`,
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			versions := map[string]string{"apigw-ingress": version, "pulumiSdk": sdk.Version.String(), "go": runtime.Version()}
			if a.json {
				return a.printJSON(versions)
			}
			fmt.Fprintf(a.out, "apigw-ingress %s\npulumi SDK    %s\n%s\n", version, sdk.Version, runtime.Version())
			return nil
		},
	}
}

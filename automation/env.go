package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/spf13/cobra"
)

func (a *app) envCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "env",
		Short: "Print what plain pulumi needs to work on a stack of the local target",
		Long: `env prints environment variables by which the official pulumi CLI attaches to the local target, and starts the
local cloud when it is not running. For a stack on AWS it prints nothing: pulumi needs nothing there.`,
		Example: `  eval "$(apigw-ingress env)" && pulumi up --stack local`,
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			project, err := a.openProject()
			if err != nil {
				return err
			}
			values := map[string]string{}
			if project.Target == engine.Local {
				status, err := a.ensureLocalCloud(cmd.Context(), project)
				if err != nil {
					return withCode(exitPrerequisite, err)
				}
				if err := errors.Join(engine.CheckSalt(project, a.stateDir), engine.PrepareState(a.stateDir)); err != nil {
					return withCode(exitPrerequisite, err)
				}
				values = engine.LocalEnvironment(a.stateDir, status.Providers)
				// The official CLI fetches the language plugin for Go by itself.
				delete(values, "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION")
			}
			if a.json {
				return a.printJSON(values)
			}
			for _, name := range slices.Sorted(maps.Keys(values)) {
				fmt.Fprintf(a.out, "export %s='%s'\n", name, strings.ReplaceAll(values[name], "'", `'\''`))
			}
			return nil
		},
	}
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/spf13/cobra"
)

const hidden = "[secret]"

func (a *app) outputsCommand() *cobra.Command {
	var showSecrets bool
	command := &cobra.Command{
		Use:   "outputs [NAME]",
		Short: "Print a stack's outputs, or one of them",
		Example: `  apigw-ingress outputs
  apigw-ingress outputs apiEndpoint
  apigw-ingress outputs --json --show-secrets`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return a.outputs(cmd.Context(), args, showSecrets) },
	}
	command.Flags().BoolVar(&showSecrets, "show-secrets", false, "print secret values as they are")
	return command
}

func (a *app) outputs(ctx context.Context, names []string, showSecrets bool) error {
	session, err := a.readSession(ctx)
	if err != nil {
		return err
	}
	all, err := readOutputs(ctx, session, showSecrets)
	if err != nil {
		return err
	}
	values := plainOutputs(all, showSecrets)
	if len(names) > 0 {
		value, ok := values[names[0]]
		if !ok {
			return withCode(exitUsage, fmt.Errorf("stack %s has no output %q: it has %v", a.stack, names[0], slices.Sorted(maps.Keys(values))))
		}
		if a.json {
			return a.printJSON(value)
		}
		return a.printValue(value)
	}
	if a.json {
		return a.printJSON(values)
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(a.out, "%-22s ", name)
		if err := a.printValue(values[name]); err != nil {
			return err
		}
	}
	return nil
}

func readOutputs(ctx context.Context, session *engine.Session, showSecrets bool) (auto.OutputMap, error) {
	if showSecrets {
		return session.Outputs(ctx)
	}
	state, err := session.State(ctx)
	if err != nil {
		return nil, err
	}
	return state.PublicOutputs(), nil
}

func (a *app) printValue(value any) error {
	if text, ok := value.(string); ok {
		fmt.Fprintln(a.out, text)
		return nil
	}
	encoded, err := json.Marshal(value)
	fmt.Fprintln(a.out, string(encoded))
	return err
}

func plainOutputs(outputs auto.OutputMap, showSecrets bool) map[string]any {
	values := map[string]any{}
	for name, output := range outputs {
		values[name] = output.Value
		if output.Secret && !showSecrets {
			values[name] = hidden
		}
	}
	return values
}

package command

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/spf13/cobra"
)

func outputsCommand(s *shared) *cobra.Command {
	var showSecrets bool
	command := &cobra.Command{
		Use:   "outputs [NAME]",
		Short: "Print a stack's outputs, or one of them",
		Example: `  apigw-ingress outputs
  apigw-ingress outputs apiEndpoint
  apigw-ingress outputs --json --show-secrets`,
		Args:              usageArgs(cobra.MaximumNArgs(1)),
		ValidArgsFunction: names(s.outputNames).once,
		RunE:              func(cmd *cobra.Command, args []string) error { return s.outputs(cmd.Context(), args, showSecrets) },
	}
	command.Flags().BoolVar(&showSecrets, "show-secrets", false, "print secret values as they are")
	return command
}

func (s *shared) outputs(ctx context.Context, names []string, showSecrets bool) error {
	all, err := operation.Outputs(ctx, s.options(), showSecrets)
	if err != nil {
		return err
	}
	values := plainOutputs(all, showSecrets)
	if len(names) > 0 {
		value, ok := values[names[0]]
		if !ok {
			return usage(fmt.Errorf("stack %s has no output %q: it has %v", s.stack, names[0], slices.Sorted(maps.Keys(values))))
		}
		return s.print(value, func() { s.printf("%s\n", valueText(value)) })
	}
	return s.print(values, func() {
		for _, name := range slices.Sorted(maps.Keys(values)) {
			s.printf("%-22s %s\n", name, valueText(values[name]))
		}
	})
}

// valueText is a text as it is, and anything else as JSON.
func valueText(value any) string {
	if text, ok := value.(string); ok {
		return text
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(encoded)
}

const hidden = "[secret]"

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

package command

import (
	"context"
	"maps"
	"slices"

	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/spf13/cobra"
)

// names finds what a shell may put in the place of a word. What cannot be found is nothing to choose from: a shell shows no errors.
type names func(ctx context.Context) ([]string, error)

func (n names) complete(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	ctx := cmd.Context()
	if ctx == nil {
		ctx = context.Background()
	}
	found, err := n(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return found, cobra.ShellCompDirectiveNoFileComp
}

// once completes the first argument only.
func (n names) once(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return n.complete(cmd, args, word)
}

// completeFlag lets a shell complete a flag's value.
func completeFlag(command *cobra.Command, flag string, n names) {
	// It fails for a flag that is not declared, or was completed before: then a test finds no words.
	_ = command.RegisterFlagCompletionFunc(flag, n.complete)
}

func fixed(values ...string) names {
	return func(context.Context) ([]string, error) { return values, nil }
}

func (s *shared) stackNames(context.Context) ([]string, error) {
	return operation.StackNames(s.options())
}

func (s *shared) logNames(ctx context.Context) ([]string, error) {
	return operation.LogNames(ctx, s.options())
}

func (s *shared) outputNames(ctx context.Context) ([]string, error) {
	outputs, err := operation.Outputs(ctx, s.options(), false)
	return slices.Sorted(maps.Keys(outputs)), err
}

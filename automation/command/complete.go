package command

import (
	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/spf13/cobra"
)

// completeStacks lets shells complete the names of the project's stacks.
func (s *shared) completeStacks(root *cobra.Command) {
	names := func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		names, err := operation.StackNames(s.options())
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
	// The only errors are that the flag is not there, or has a function already.
	_ = root.RegisterFlagCompletionFunc("stack", names)
}

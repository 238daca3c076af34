package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/spf13/cobra"
)

func (a *app) importCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "import [FILE]",
		Short: "Replace a stack's deployment by one that export printed",
		Long: `import replaces a stack's deployment, as "pulumi stack import" does. It changes no resource. Without a file it
reads standard input.`,
		Example: `  apigw-ingress --stack dev import backup.json`,
		Args:    usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			content, err := a.inputOrFile(args)
			if err != nil {
				return withCode(exitUsage, err)
			}
			var deployment apitype.UntypedDeployment
			if err := json.Unmarshal(content, &deployment); err != nil || len(deployment.Deployment) == 0 {
				return withCode(exitUsage, errors.Join(errors.New("this is not a deployment as export prints it"), err))
			}
			project, err := a.openProject()
			if err != nil {
				return err
			}
			session, err := a.session(cmd.Context(), project, true)
			if err != nil {
				return err
			}
			if err := session.Stack.Import(cmd.Context(), deployment); err != nil {
				return a.explainLock(err)
			}
			fmt.Fprintf(a.out, "Stack %s has the imported deployment. Run `%s drift` to compare it with what exists.\n", a.stack, a.commandName())
			return nil
		},
	}
}

func (a *app) inputOrFile(args []string) ([]byte, error) {
	if len(args) == 0 || args[0] == "-" {
		return io.ReadAll(a.in)
	}
	return os.ReadFile(args[0])
}

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/spf13/cobra"
)

func (a *app) unlockCommand() *cobra.Command {
	var force bool
	command := &cobra.Command{
		Use:   "unlock",
		Short: "Show who is changing a stack, and with --force take the lock away",
		Long: `unlock shows who holds a stack's lock. Locks of dead processes of this machine are taken away by every command.
Take another one away with --force only when its process is dead: two engines on one stack destroy its state.`,
		Example: `  apigw-ingress --stack dev unlock
  apigw-ingress --stack dev unlock --force`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.unlock(cmd.Context(), force) },
	}
	command.Flags().BoolVar(&force, "force", false, "take the lock away")
	return command
}

func (a *app) unlock(ctx context.Context, force bool) error {
	session, err := a.readSession(ctx)
	if err != nil {
		return err
	}
	if session.Project.Target == engine.Local {
		holders, err := engine.Holders(a.stateDir, session.Project.Name, a.stack)
		if err != nil {
			return err
		}
		for _, h := range holders {
			fmt.Fprintf(a.out, "Stack %s is being changed by process %d of %s on %s, since %s.\n", a.stack, h.PID, h.Username, h.Hostname, h.Since.Local().Format(time.DateTime))
		}
		if len(holders) == 0 {
			fmt.Fprintf(a.out, "Stack %s is not locked.\n", a.stack)
			return nil
		}
	}
	if !force {
		return withCode(exitLocked, errors.New("the lock stays: --force takes it away"))
	}
	if err := session.Stack.Cancel(ctx); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "The lock of stack %s is gone. Run `%s up` or `%s refresh` to mend what its holder left.\n", a.stack, a.commandName(), a.commandName())
	return nil
}

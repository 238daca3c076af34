package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/daemon"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/spf13/cobra"
)

// destroyFlags are how far destroy goes.
type destroyFlags struct {
	operationFlags
	yes, remove bool
}

func (a *app) destroyCommand() *cobra.Command {
	var flags destroyFlags
	command := &cobra.Command{
		Use:   "destroy",
		Short: "Delete everything in a stack",
		Long: `destroy deletes every resource of a stack, in the order that AWS needs. A stack on AWS asks for its name
first, unless --yes is given. With --remove the stack goes as well, with its history. The local cloud stops when its
last stack is gone.`,
		Example: `  apigw-ingress destroy
  apigw-ingress destroy --stack dev --yes --remove`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.destroy(cmd.Context(), flags) },
	}
	command.Flags().BoolVarP(&flags.yes, "yes", "y", false, "do not ask before deleting from AWS")
	command.Flags().BoolVar(&flags.remove, "remove", false, "remove the empty stack, too")
	addSummary(command, &flags.operationFlags)
	return command
}

func (a *app) destroy(ctx context.Context, flags destroyFlags) error {
	project, err := a.openProject()
	if err != nil {
		return err
	}
	if project.Target == engine.AWS && !flags.yes {
		if err := a.confirm(); err != nil {
			return err
		}
	}
	o, err := a.operate(ctx, "destroy", project, false, func(o *operation) error {
		_, err := o.session.Updates.Destroy(ctx, optdestroy.ProgressStreams(a.progress()), optdestroy.ErrorProgressStreams(a.errOut), optdestroy.EventStreams(o.events()), optdestroy.UserAgent(userAgent))
		return err
	})
	if errors.Is(err, engine.ErrNoStack) {
		return errors.Join(a.nothingToDestroy(project), a.stopIdleCloud(ctx, project))
	}
	if err != nil {
		return err
	}
	if flags.remove {
		if err := o.session.Stack.Workspace().RemoveStack(ctx, o.session.Stack.Name()); err != nil {
			return fmt.Errorf("the stack is empty, but was not removed: %w", err)
		}
	}
	if err := a.stopIdleCloud(ctx, project); err != nil {
		return err
	}
	return a.finish(o, flags.operationFlags, func() {
		fmt.Fprintf(a.out, "\nStack %s is gone after %.1f s: %s.\n", a.stack, time.Since(o.started).Seconds(), describeChanges(o.changes))
	})
}

func (a *app) nothingToDestroy(project *engine.Project) error {
	if a.json {
		return a.printJSONLine(result{Stack: a.stack, Target: project.Target, Operation: "destroy", Changes: map[string]int{}})
	}
	fmt.Fprintf(a.out, "Stack %s was never brought up: there is nothing to destroy.\n", a.stack)
	return nil
}

func (a *app) confirm() error {
	fmt.Fprintf(a.errOut, "This deletes everything of stack %s from AWS. Type the stack's name to go on: ", a.stack)
	line, err := bufio.NewReader(a.in).ReadString('\n')
	if strings.TrimSpace(line) != a.stack {
		return withCode(exitUsage, errors.Join(errors.New("not confirmed: nothing was deleted; in scripts use --yes"), err))
	}
	return nil
}

// stopIdleCloud ends the local cloud when no stack has anything in it.
func (a *app) stopIdleCloud(ctx context.Context, project *engine.Project) error {
	if project.Target != engine.Local {
		return nil
	}
	client, err := daemon.NewClient(a.stateDir)
	if err != nil {
		return err
	}
	status, running, err := client.Status(ctx)
	if err != nil || !running || status.Objects > 0 {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return client.Stop(ctx)
}

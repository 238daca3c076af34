package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/spf13/cobra"
)

// destroyFlags are how far destroy goes.
type destroyFlags struct {
	yes, remove bool
	summary     string
}

func destroyCommand(s *shared) *cobra.Command {
	var flags destroyFlags
	command := &cobra.Command{
		Use:   "destroy",
		Short: "Delete everything in a stack",
		Long: `destroy deletes every resource of a stack, in the order that AWS needs. A stack on AWS asks for its name
first, unless --yes is given. With --remove the stack goes as well, with its history; the file of its config stays. The
local cloud stops when its last stack is gone.`,
		Example: `  apigw-ingress destroy
  apigw-ingress destroy --stack dev --yes --remove`,
		Args: usageArgs(cobra.NoArgs),
		RunE: verb(func(ctx context.Context) error { return s.destroy(ctx, flags) }),
	}
	command.Flags().BoolVarP(&flags.yes, "yes", "y", false, "do not ask before deleting from AWS")
	command.Flags().BoolVar(&flags.remove, "remove", false, "remove the empty stack, too")
	addSummary(command, &flags.summary)
	return command
}

func (s *shared) destroy(ctx context.Context, flags destroyFlags) error {
	if err := s.confirm(flags.yes); err != nil {
		return s.finish("destroy", nil, err, flags.summary, nil)
	}
	ctx, giveUp, done := interruptible(ctx)
	defer done()
	o := operation.DestroyOptions{Options: s.follow(pastTense), Remove: flags.remove}
	o.GiveUp = giveUp
	r, err := operation.Destroy(ctx, o)
	if errors.Is(err, operation.ErrNothing) {
		return s.finish("destroy", r, nil, flags.summary, func() {
			s.printf("Stack %s was never brought up: there is nothing to destroy.\n", s.stack)
		})
	}
	return s.finish("destroy", r, err, flags.summary, func() {
		s.printf("\nStack %s is gone after %.1f s: %s.\n", s.stack, r.Took.Seconds(), r.Changes.Done())
	})
}

// confirm asks for the name of a stack on AWS, unless yes.
func (s *shared) confirm(yes bool) error {
	project, err := operation.Project(s.options())
	if err != nil || yes || project.Target != engine.AWS {
		return err
	}
	fmt.Fprintf(s.errOut, "This deletes everything of stack %s from AWS. Type the stack's name to go on: ", s.stack)
	line, err := bufio.NewReader(s.in).ReadString('\n')
	if strings.TrimSpace(line) != s.stack {
		return usage(errors.Join(errors.New("not confirmed: nothing was deleted; in scripts use --yes"), err))
	}
	return nil
}

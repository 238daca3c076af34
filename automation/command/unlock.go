package command

import (
	"context"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/spf13/cobra"
)

func unlockCommand(s *shared) *cobra.Command {
	var force bool
	command := &cobra.Command{
		Use:   "unlock",
		Short: "Show who is changing a stack, and with --force take the lock away",
		Long: `unlock shows who holds a stack's lock. Locks of dead processes of this machine are taken away by every command.
Take another one away with --force only when its process is dead: two engines on one stack destroy its state.`,
		Example: `  apigw-ingress --stack dev unlock
  apigw-ingress --stack dev unlock --force`,
		Args: usageArgs(cobra.NoArgs),
		RunE: verb(func(ctx context.Context) error { return s.unlock(ctx, force) }),
	}
	command.Flags().BoolVar(&force, "force", false, "take the lock away")
	return command
}

func (s *shared) unlock(ctx context.Context, force bool) error {
	lock, err := operation.Unlock(ctx, operation.UnlockOptions{Options: s.options(), Force: force})
	if lock == nil {
		return err
	}
	return join(s.print(lock, func() { s.printLock(lock) }), err)
}

func (s *shared) printLock(lock *operation.Lock) {
	for _, h := range lock.Holders {
		s.printf("Stack %s is being changed by process %d of %s on %s, since %s.\n", s.stack, h.PID, h.Username, h.Hostname,
			h.Since.Local().Format(time.DateTime))
	}
	switch {
	case lock.Free:
		s.printf("Stack %s is not locked.\n", s.stack)
	case lock.Taken:
		s.printf("The lock of stack %s is gone. Run `%s up` or `%s refresh` to mend what its holder left.\n", s.stack, s.self(), s.self())
	}
}

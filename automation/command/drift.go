package command

import (
	"context"
	"fmt"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/spf13/cobra"
)

func driftCommand(s *shared) *cobra.Command {
	return &cobra.Command{
		Use:   "drift",
		Short: "Show what was changed behind the stack's back",
		Long: `drift compares a stack's state with what really exists, and changes neither. It exits with 3 when they differ:
then run refresh to accept what exists, or up to restore what the config says.`,
		Example: `  apigw-ingress drift --stack production --json`,
		Args:    usageArgs(cobra.NoArgs),
		RunE:    verb(s.drift),
	}
}

func (s *shared) drift(ctx context.Context) error {
	ctx, giveUp, done := interruptible(ctx)
	defer done()
	o := s.follow(pastTense)
	o.GiveUp = giveUp
	r, err := operation.Drift(ctx, o)
	err = s.finish("drift", r, err, "", func() {
		if r.Drifted() == 0 {
			s.printf("\nStack %s is what its state says.\n", s.stack)
		}
	})
	if err != nil || r.Drifted() == 0 {
		return err
	}
	return classed(operation.Changes, fmt.Errorf("stack %s is not what its state says: %s; run `%s refresh` to accept it, or `%s up` "+
		"to restore the config",
		s.stack, differences(r), s.self(), s.self()))
}

// differences says what drift has found.
func differences(r *operation.Result) string {
	var found []string
	if n := r.Drifted() - r.Pending; n > 0 {
		found = append(found, counted(n, "resource is another or gone", "resources are others or gone"))
	}
	if r.Pending > 0 {
		found = append(found, counted(r.Pending, "operation has no outcome", "operations have no outcome"))
	}
	return strings.Join(found, ", ")
}

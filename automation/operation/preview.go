package operation

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
)

// PreviewOptions are Preview's.
type PreviewOptions struct {
	Options
	// SavePlan is a file to write a plan to, to which Up then keeps.
	SavePlan string
	// WithoutPolicies leaves out what would stop Up.
	WithoutPolicies bool
	// FailOnWeakerAccess makes access that would let in more than before an error of the class Weaker.
	FailOnWeakerAccess bool
}

// Preview says what Up would change, and changes nothing.
func Preview(ctx context.Context, o PreviewOptions) (*Result, error) {
	s, settings, err := openValid(o.Options)
	if err != nil {
		return nil, err
	}
	result, err := s.operate(ctx, "preview", true, func(ctx context.Context, r *run) error {
		if err := r.compareAccess(ctx, settings); err != nil {
			return err
		}
		if err := r.checkConflicts(ctx, settings); err != nil {
			return err
		}
		options := []optpreview.Option{
			optpreview.ProgressStreams(s.Progress), optpreview.ErrorProgressStreams(s.Errors),
			optpreview.EventStreams(r.follower.channel), optpreview.UserAgent(userAgent),
		}
		if !o.WithoutPolicies {
			pack, err := s.usePolicies(r.session)
			if err != nil {
				return err
			}
			options = append(options, optpreview.PolicyPacks(pack))
		}
		if o.SavePlan != "" {
			if err := private(absolute(o.SavePlan)); err != nil {
				return err
			}
			options = append(options, optpreview.Plan(absolute(o.SavePlan)))
		}
		_, err := r.session.Stack.Preview(ctx, options...)
		if err == nil && o.SavePlan != "" {
			err = admitNewResources(absolute(o.SavePlan))
		}
		return err
	})
	if err == nil && o.FailOnWeakerAccess {
		err = result.refuseWeakerAccess()
	}
	return result, err
}

// private makes a file that others cannot read, or takes their right to: a plan holds the values of all inputs. The engine
// keeps the mode of a file that is there.
func private(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fail(Usage, fmt.Errorf("plan: %w", err))
	}
	return errors.Join(file.Chmod(0o600), file.Close())
}

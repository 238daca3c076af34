package operation

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/automation/awscloud"
	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
)

// UpOptions are Up's.
type UpOptions struct {
	Options
	// Plan is a file that Preview wrote: the changes must be those of the plan, or Up fails.
	Plan string
	// FailOnWeakerAccess changes nothing where the API would let in more than before: the error is of the class Weaker.
	FailOnWeakerAccess bool
}

// Up brings a stack up, or changes it to what its config says. An earlier operation that was cut off is mended first.
//
// On AWS the resource policy in force is read back afterward. When it is not the declared one, the error is Unhealthy and
// the result Complete.
func Up(ctx context.Context, o UpOptions) (*Result, error) {
	s, settings, err := openValid(o.Options)
	if err != nil {
		return nil, err
	}
	if o.Plan != "" {
		if _, err := os.Stat(o.Plan); err != nil {
			return nil, fail(Usage, fmt.Errorf("plan: %w", err))
		}
	}
	var session *engine.Session
	result, err := s.operate(ctx, "up", true, func(ctx context.Context, r *run) error {
		session = r.session
		if err := r.compareAccess(ctx, settings); err != nil {
			return err
		}
		if err := r.checkConflicts(ctx, settings); err != nil {
			return err
		}
		if err := r.result.refuseWeakerAccess(); err != nil && o.FailOnWeakerAccess {
			return err
		}
		if err := r.clearFailed(ctx); err != nil {
			return err
		}
		pack, err := s.usePolicies(r.session)
		if err != nil {
			return err
		}
		options := []optup.Option{
			optup.PolicyPacks(pack), optup.ProgressStreams(s.Progress), optup.ErrorProgressStreams(s.Errors),
			optup.EventStreams(r.follower.channel), optup.UserAgent(userAgent),
		}
		if o.Plan != "" {
			options = append(options, optup.Plan(absolute(o.Plan)))
		}
		_, err = r.session.Updates.Up(ctx, options...)
		r.result.Outputs = r.follower.outputs
		return explainPlan(err, o.Plan)
	})
	if err != nil {
		return result, err
	}
	return result, errors.Join(s.checkServed(ctx, result.Outputs), s.checkPolicies(ctx, session))
}

// explainPlan says of a plan whose secrets cannot be decrypted where it comes from.
func explainPlan(err error, plan string) error {
	if err == nil || plan == "" || !strings.Contains(err.Error(), "message authentication failed") {
		return err
	}
	return fail(Usage, fmt.Errorf("plan %s was made with other secrets than this stack's: "+
		"in another checkout of a local stack, or with another passphrase or key\n"+
		"nothing was changed: make the plan here, with preview --save-plan", plan))
}

// checkPolicies reads the resource policy that is in force back from AWS: it decides who gets in, and API Gateway has
// been seen to lose it while a definition is imported.
func (s *site) checkPolicies(ctx context.Context, session *engine.Session) error {
	if s.project.Target != engine.AWS {
		return nil
	}
	resources, err := session.Resources(ctx)
	if err != nil {
		return err
	}
	account, err := Connect(ctx, s.project)
	if err == nil {
		err = account.CheckPolicies(ctx, resources)
	}
	if errors.Is(err, awscloud.ErrPolicy) {
		return fail(Unhealthy, err)
	}
	if err != nil {
		s.warn(err)
	}
	return nil
}

// absolute is a path for the CLI, which works in another folder.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

package operation

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/gateway"
	"github.com/apigateway-ingress/apigateway-ingress/stacks/deploy"
)

const gatewayType = "apigateway-ingress:gateway:Gateway"

// compareAccess fills in how the settings let in more than what is deployed. A stack that is not there yet, or that was made
// before there were records of access, has nothing to compare with.
func (r *run) compareAccess(ctx context.Context, settings *deploy.Settings) error {
	resources, err := r.session.Resources(ctx)
	if err != nil {
		return err
	}
	for _, resource := range resources {
		text, recorded := resource.Outputs[gateway.AccessOutput].(string)
		if resource.Type != gatewayType || !recorded {
			continue
		}
		before, err := gateway.ParseAccessRecord(text)
		if err != nil {
			return err
		}
		routes, err := settings.Routes()
		if err != nil {
			return err
		}
		r.result.WeakerAccess = append(r.result.WeakerAccess, settings.Platform.Gateway.Record(routes).WeakerThan(before)...)
	}
	return nil
}

// refuseWeakerAccess is the error of those who want none.
func (r *Result) refuseWeakerAccess() error {
	if len(r.WeakerAccess) == 0 {
		return nil
	}
	return fail(Weaker, fmt.Errorf("access would be weaker than what is deployed: %w", errors.New(strings.Join(r.WeakerAccess, "\n"))))
}

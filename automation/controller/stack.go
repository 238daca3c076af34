package controller

import (
	"context"
	"fmt"
	"slices"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	"github.com/apigateway-ingress/apigateway-ingress/stacks/deploy"
)

// Stack is a gateway that is a stack.
type Stack struct {
	options  operation.Options
	settings *deploy.Settings
	// pods says that the local target runs the pods, so that Services without any there do not exist.
	pods bool
}

// OpenStack reads a stack's config. Its problems are said before anything else happens.
func OpenStack(o operation.Options, controller string) (*Stack, error) {
	o.Manifests = &ingress.Manifests{Controller: controller}
	project, settings, err := operation.Settings(o)
	if err != nil {
		return nil, err
	}
	return &Stack{options: o, settings: settings, pods: project.Target == engine.Local && settings.ClusterName == ""}, nil
}

// Options are those of the stack's config.
func (s *Stack) Options() ingress.Options { return s.settings.Platform.RouteOptions() }

// Reaches is about the local target, which has the services of the stack alone.
func (s *Stack) Reaches(service route.Service) bool {
	return !s.pods || slices.ContainsFunc(s.Options().Services, func(known route.Service) bool {
		return known.Namespace == service.Namespace && known.Name == service.Name
	})
}

// Up brings the stack up.
func (s *Stack) Up(ctx context.Context, m ingress.Manifests) (string, error) {
	o := s.options
	o.Manifests = &m
	result, err := operation.Up(ctx, operation.UpOptions{Options: o})
	if err != nil {
		return "", err
	}
	for _, name := range []string{"domainUrl", "apiEndpoint"} {
		if url, ok := result.Outputs[name].Value.(string); ok && url != "" {
			return url, nil
		}
	}
	return "", fmt.Errorf("stack %s has no output apiEndpoint", o.Stack)
}

// Preview says what Up would change.
func (s *Stack) Preview(ctx context.Context, m ingress.Manifests) (*operation.Result, error) {
	o := s.options
	o.Manifests = &m
	return operation.Preview(ctx, operation.PreviewOptions{Options: o})
}

package operation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/awscloud"
	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/daemon"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/opthistory"
)

// StackStatus is what a stack is, and how it does.
type StackStatus struct {
	Stack      string        `json:"stack"`
	Target     engine.Target `json:"target"`
	Exists     bool          `json:"exists"`
	Resources  int           `json:"resources"`
	LastUpdate string        `json:"lastUpdate,omitempty"`
	// LastOperation is update, refresh or destroy, and LastResult whether it succeeded or failed, as the backend's history has it.
	LastOperation string `json:"lastOperation,omitempty"`
	LastResult    string `json:"lastResult,omitempty"`
	Endpoint      string `json:"endpoint,omitempty"`
	// Pending counts operations that an interrupted update has left without an outcome.
	Pending int `json:"pending"`
	// LockedBy are the processes that are changing the stack.
	LockedBy []engine.Holder `json:"lockedBy,omitempty"`
	// Hops are the links of the chain from the stage to the pods.
	Hops []awscloud.Hop `json:"hops"`
	// Routes are those of the config.
	Routes []RouteStatus `json:"routes,omitempty"`
	// RecentErrors are nil without an access log.
	RecentErrors *RecentErrors  `json:"recentErrors,omitempty"`
	LocalCloud   *daemon.Status `json:"localCloud,omitempty"`
	// Keys are the access keys of the client user.
	Keys []AccessKey `json:"keys,omitempty"`
	// OlderDeployments say where not the newest deployment decides who gets in.
	OlderDeployments []string `json:"olderDeployments,omitempty"`
}

// Status asks the backend, and AWS and the cluster or the local cloud, about a stack. A hop that is broken or degraded makes the
// error Unhealthy.
func Status(ctx context.Context, o Options) (*StackStatus, error) {
	s, err := open(o)
	if err != nil {
		return nil, err
	}
	status := &StackStatus{Stack: s.Stack, Target: s.project.Target}
	if status.LocalCloud, err = s.localCloud(ctx); err != nil {
		return nil, err
	}
	session, err := s.stateOnly(ctx)
	if ClassOf(err) == Usage {
		return status, nil
	}
	if err != nil {
		return nil, err
	}
	status.Exists = true
	if err := s.describe(ctx, session, status); err != nil {
		return nil, err
	}
	return status, broken(status.Hops)
}

// localCloud is nil when none runs, or the stack is on AWS.
func (s *site) localCloud(ctx context.Context) (*daemon.Status, error) {
	if s.project.Target != engine.Local {
		return nil, nil //nolint:nilnil // both results are documented
	}
	client, err := daemon.NewClient(s.StateDir)
	if err != nil {
		return nil, err
	}
	status, running, err := client.Status(ctx)
	if err != nil || !running {
		return nil, err
	}
	return &status, nil
}

// describe tells what the backend and the cloud know of a stack.
func (s *site) describe(ctx context.Context, session *engine.Session, status *StackStatus) error {
	state, err := session.State(ctx)
	if err != nil {
		return err
	}
	if at := state.Manifest.Time; !at.IsZero() {
		status.LastUpdate = at.UTC().Format(time.RFC3339)
	}
	status.Endpoint, _ = state.PublicOutputs()["apiEndpoint"].Value.(string)
	status.Resources, status.OlderDeployments = len(state.Resources), olderDeployments(state.Resources)
	status.Pending = len(state.Pending)
	status.Keys = s.accessKeys(ctx, state.Resources, status.LocalCloud)
	if status.LockedBy, _, err = s.project.Holders(s.StateDir); err != nil {
		return err
	}
	if err := s.lastOperation(ctx, session, status); err != nil {
		return err
	}
	if status.Hops, err = s.hops(ctx, state.Resources); err != nil {
		return err
	}
	status.Routes = s.routeStatus(state.Resources, status.Hops)
	status.RecentErrors = s.recentErrors(ctx, state.Resources)
	return nil
}

// lastOperation reads the backend's history. One that was killed is not in it, and shows as pending.
func (s *site) lastOperation(ctx context.Context, session *engine.Session, status *StackStatus) error {
	history, err := session.Stack.History(ctx, 1, 1, opthistory.ShowSecrets(false))
	if err != nil {
		return s.explainBackend(fmt.Errorf("history of stack %s: %w", s.Stack, err))
	}
	if len(history) > 0 {
		status.LastOperation, status.LastResult = history[0].Kind, history[0].Result
	}
	return nil
}

func broken(hops []awscloud.Hop) error {
	var problems []error
	for _, health := range []awscloud.Health{awscloud.Broken, awscloud.Degraded} {
		var names []string
		for _, hop := range hops {
			if hop.Health == health {
				names = append(names, hop.Name)
			}
		}
		if len(names) > 0 {
			problems = append(problems, fmt.Errorf("%s: %s", health, strings.Join(names, ", ")))
		}
	}
	return fail(Unhealthy, errors.Join(problems...))
}

// Health says of resources, by URN, whether they work, where that is known. When nobody can be asked, a Notice says so.
func Health(ctx context.Context, o Options, resources []engine.Resource) (map[string]string, error) {
	s, err := open(o)
	if err != nil {
		return nil, err
	}
	status := map[string]string{}
	hops, err := s.hops(ctx, resources)
	if err != nil {
		s.warn(fmt.Errorf("the graph is without its live status: %w", err))
	}
	for _, hop := range hops {
		switch {
		case hop.Health == awscloud.Broken || hop.Health == awscloud.Degraded:
			status[hop.URN] = hop.Detail
		case status[hop.URN] == "":
			status[hop.URN] = string(hop.Health)
		}
	}
	return status, nil
}

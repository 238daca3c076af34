package operation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/automation/report"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

// Outputs are a stack's. Secrets are in plain text with secrets, and something meaningless without.
func Outputs(ctx context.Context, o Options, secrets bool) (auto.OutputMap, error) {
	_, session, err := read(ctx, o)
	if err != nil {
		return nil, err
	}
	if secrets {
		return session.Outputs(ctx)
	}
	state, err := session.State(ctx)
	if err != nil {
		return nil, err
	}
	return state.PublicOutputs(), nil
}

// Resources are those in a stack's state.
func Resources(ctx context.Context, o Options) ([]engine.Resource, error) {
	_, session, err := read(ctx, o)
	if err != nil {
		return nil, err
	}
	return session.Resources(ctx)
}

// Export is a stack's deployment as JSON, as `pulumi stack export` prints it. Secrets stay encrypted.
func Export(ctx context.Context, o Options) (json.RawMessage, error) {
	_, session, err := read(ctx, o)
	if err != nil {
		return nil, err
	}
	return session.Export(ctx)
}

// Import replaces a stack's deployment by one that Export gave. It changes no resource.
func Import(ctx context.Context, o Options, deployment json.RawMessage) error {
	var untyped apitype.UntypedDeployment
	if err := json.Unmarshal(deployment, &untyped); err != nil || len(untyped.Deployment) == 0 {
		return fail(Usage, errors.Join(errors.New("this is not a deployment as export prints it"), err))
	}
	s, err := open(o)
	if err != nil {
		return err
	}
	session, closeSession, err := s.session(ctx, true)
	if err != nil {
		return err
	}
	return closeSession(s.explainLock(s.explainForeign(session.Stack.Import(ctx, untyped))))
}

// explainForeign says of a deployment whose secrets cannot be decrypted where the key is.
func (s *site) explainForeign(err error) error {
	says := func(words string) bool { return strings.Contains(err.Error(), words) }
	if err == nil || !says("incorrect passphrase") && !says("message authentication failed") {
		return err
	}
	key := "set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE to the passphrase of the stack that it was exported from"
	if s.project.Target == engine.Local {
		key = fmt.Sprintf("that of a local stack is the file passphrase in the state directory that it was exported from: copy it to %s, "+
			"before anything else is in that directory", filepath.Join(s.StateDir, "passphrase"))
	}
	return fail(Usage, fmt.Errorf("the deployment's secrets were encrypted with another passphrase than this stack's: nothing was "+
		"imported; %s", key))
}

// Timeline are the steps of the last operation that changed a stack from this state directory.
func Timeline(ctx context.Context, o Options) ([]report.Step, []engine.Resource, error) {
	s, session, err := read(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	content, err := os.ReadFile(s.timelinePath())
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, fail(Usage, fmt.Errorf("nothing has been changed in stack %s from here yet: run %s", s.Stack, s.hint("up")))
	}
	if err != nil {
		return nil, nil, err
	}
	var steps []report.Step
	if err := json.Unmarshal(content, &steps); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", s.timelinePath(), err)
	}
	resources, err := session.Resources(ctx)
	return steps, resources, err
}

package operation

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/apigateway-ingress/apigateway-ingress/automation/controls"
	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/automation/policypack"
	"github.com/apigateway-ingress/apigateway-ingress/policies"
)

// usePolicies lets a session's engine find the policies, and returns where they are. Each build of the program has a folder
// of its own for the plugin, because that of a test is soon gone.
func (s *site) usePolicies(session *engine.Session) (pack string, err error) {
	program, err := s.executable()
	if err != nil {
		return "", err
	}
	build, err := engine.BuildOf(program, s.StateDir)
	if err != nil {
		return "", err
	}
	pack = filepath.Join(s.StateDir, "policies")
	plugins := filepath.Join(pack, "bin", build)
	if err := errors.Join(policypack.Write(pack), policypack.InstallPlugin(plugins, program)); err != nil {
		return "", err
	}
	return pack, session.Stack.Workspace().SetEnvVars(map[string]string{"PATH": plugins + string(os.PathListSeparator) + os.Getenv("PATH")})
}

// Judgment is what the policies say of a stack.
type Judgment struct {
	// Policies are what was judged by, with a description each.
	Policies map[string]string `json:"policies"`
	// Resources is how many were judged.
	Resources  int                  `json:"resources"`
	Violations []policies.Violation `json:"violations"`
	// Controls are those of AWS's Foundational Security Best Practices, and what they say of the stack.
	Controls []controls.Control `json:"controls"`
	// OlderDeployments say where not the newest deployment decides who gets in.
	OlderDeployments []string `json:"olderDeployments,omitempty"`
}

// Check judges every resource in a stack's state by the policies, which Preview and Up apply before anything is made, and by
// the controls of auditors, which break nothing. With
// violations the error is Unhealthy.
func Check(ctx context.Context, o Options) (*Judgment, error) {
	_, session, err := read(ctx, o)
	if err != nil {
		return nil, err
	}
	resources, err := session.Resources(ctx)
	if err != nil {
		return nil, err
	}
	pack, err := policies.Load(ctx)
	if err != nil {
		return nil, err
	}
	var declared []policies.Resource
	for _, r := range resources {
		if r.Custom && !r.Delete {
			declared = append(declared, policies.Resource{Type: r.Type, Name: r.Name(), Inputs: r.Inputs})
		}
	}
	violations, err := pack.CheckAll(ctx, declared)
	if err != nil {
		return nil, err
	}
	judgment := &Judgment{pack.Descriptions, len(declared), violations, controls.Judge(declared), olderDeployments(resources)}
	advice := func(v policies.Violation) bool { return v.Advisory }
	if broken := slices.DeleteFunc(slices.Clone(violations), advice); len(broken) > 0 {
		return judgment, fail(Unhealthy, fmt.Errorf("%d violations of policies", len(broken)))
	}
	return judgment, nil
}

package operation

import (
	"errors"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/stretchr/testify/require"
)

// An error after a kill names what may be in the way, and keeps its class.
func TestErrorsNameWhatWasLost(t *testing.T) {
	r := &run{site: &site{Options: Options{Stack: "production"}, project: &engine.Project{Target: engine.AWS}}, left: &engine.State{
		Pending: []engine.Pending{{Type: "creating", Resource: engine.Resource{Type: "aws:ec2/securityGroupRule:SecurityGroupRule",
			URN: "urn:pulumi:production::shop::aws:ec2/securityGroupRule:SecurityGroupRule::nodes"}}, {Type: "updating"}},
	}}
	err := r.explainLost(fail(Update, errors.New("InvalidPermission.Duplicate")))
	require.Equal(t, Update, ClassOf(err))
	for _, want := range []string{"InvalidPermission.Duplicate\n", "aws:ec2/securityGroupRule:SecurityGroupRule nodes\n", "tag stack=production"} {
		require.ErrorContains(t, err, want)
	}
	require.NoError(t, r.explainLost(nil))
	failed := errors.New("no")
	r.project.Target = engine.Local
	require.Equal(t, failed, r.explainLost(failed), "the local cloud has removed it")
	r.project.Target, r.left.Pending = engine.AWS, r.left.Pending[1:]
	require.Equal(t, failed, r.explainLost(failed), "only what was being made can be lost")
}

package operation

import (
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud"
	"github.com/stretchr/testify/require"
)

// The roles of other stacks in the same local cloud are not this stack's.
func TestPodRolesAreTheStacksOwn(t *testing.T) {
	roles := []localcloud.PodRole{{ServiceAccount: "a/one", RoleARN: "arn:one"}, {ServiceAccount: "b/two", RoleARN: "arn:two", Refused: "no trust"}}
	of := func(arn string) []engine.Resource {
		return []engine.Resource{{Type: "pulumi:pulumi:Stack", Outputs: map[string]any{"podRoleArn": arn}}}
	}
	require.Empty(t, roleHops(of(""), roles), "podRole none")
	require.Equal(t, "pod role of a/one", roleHops(of("arn:one"), roles)[0].Name)
	broken := roleHops(of("arn:two"), roles)
	require.Len(t, broken, 1)
	require.Equal(t, "cannot assume arn:two: no trust", broken[0].Detail)
}

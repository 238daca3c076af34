package engine

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNeedsOfAComponentAreWhatIsInIt(t *testing.T) {
	needs := Needs([]Resource{
		{URN: "vpc", Custom: true},
		{URN: "eks", Dependencies: []string{"vpc"}},
		{URN: "control", Custom: true, Parent: "eks", Dependencies: []string{"vpc"}},
		{URN: "roles", Parent: "eks"},
		{URN: "role", Custom: true, Parent: "roles"},
		{URN: "node", Custom: true, Dependencies: []string{"control", "eks"}},
		{URN: "agent", Custom: true, Parent: "node"},
		{URN: "pod", Custom: true, Dependencies: []string{"node"}},
	})
	require.Equal(t, []string{"control", "eks", "role", "roles"}, needs["node"])
	require.Equal(t, []string{"node"}, needs["pod"], "what is below a resource that is no component is not part of it")
	require.Empty(t, needs["role"])
}

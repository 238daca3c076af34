package engine

import (
	"slices"
	"strings"
)

// endStates are those in which AWS leaves what it could not create: VPC links and clusters, node groups and add-ons,
// NAT gateways and load balancers. None of them can be updated out of it.
var endStates = []string{"unexpected state 'FAILED'", "unexpected state 'CREATE_FAILED'", "unexpected state 'failed'"}

// FailedCreations are the URNs of what AWS accepted and then could not create. Only a new one helps; the engine by itself
// would try to update them for ever. Nothing can depend on them: whatever does shows that they once worked, and that
// an update has failed since.
func (s *State) FailedCreations() []string {
	needed := map[string]bool{}
	for _, r := range s.Resources {
		for _, urn := range r.Dependencies {
			needed[urn] = needed[urn] || r.Custom
		}
	}
	var failed []string
	for _, r := range s.Resources {
		ended := slices.ContainsFunc(r.InitErrors, func(text string) bool {
			return slices.ContainsFunc(endStates, func(state string) bool { return strings.Contains(text, state) })
		})
		if ended && strings.HasPrefix(r.Type, "aws:") && !r.Delete && !needed[r.URN] {
			failed = append(failed, r.URN)
		}
	}
	return failed
}

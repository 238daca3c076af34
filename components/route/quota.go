package route

import (
	"errors"
	"fmt"
)

// Quotas of AWS that routes can exceed:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-limits.html
const (
	// DefaultResourceQuota is the number of resources in a REST API. AWS raises it on request.
	DefaultResourceQuota = 300
	// MaxPolicyLength is the number of characters in a resource policy.
	MaxPolicyLength = 8192
	maxListeners    = 50
)

// checkQuotas says which quota is exceeded, and by how much.
func (t *Table) checkQuotas(resourceQuota int) error {
	if resourceQuota == 0 {
		resourceQuota = DefaultResourceQuota
	}
	resources := t.nodes()
	for _, l := range t.Locations() {
		resources[l.Resource] = true
	}
	return errors.Join(
		CheckQuota("resources of the REST API (a Prefix route takes two)", len(resources), resourceQuota,
			"join routes under a common prefix, or have the quota raised and say so in the config apiResourceQuota"),
		CheckQuota("listeners of the load balancer (one for each distinct backend port)", len(t.BackendPorts()), maxListeners, "use fewer ports"),
	)
}

// CheckPolicyLength says by how much a resource policy is too long.
func CheckPolicyLength(policy string) error {
	return CheckQuota("characters of the resource policy", len(policy), MaxPolicyLength,
		"allow an account or a role instead of many users; client-arns take room for each method of each path: name methods, join paths "+
			"under a common prefix, or name the callers of many paths in the stack's config clientArns")
}

// CheckQuota says by how much actual is above an AWS quota, and what to do.
func CheckQuota(what string, actual, quota int, advice string) error {
	if actual <= quota {
		return nil
	}
	return fmt.Errorf("%d %s are %d more than the %d that AWS allows: %s", actual, what, actual-quota, quota, advice)
}

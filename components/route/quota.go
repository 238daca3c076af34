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
	maxBodyLength   = 6 << 20
)

// checkQuotas says which quota is exceeded, and by how much.
func (t *Table) checkQuotas(resourceQuota int) error {
	if resourceQuota == 0 {
		resourceQuota = DefaultResourceQuota
	}
	resources := t.nodes()
	for _, l := range t.locations() {
		resources[l.resource] = true
	}
	problems := []error{
		exceeds("resources of the REST API (a Prefix route takes two)", len(resources), resourceQuota,
			"join routes under a common prefix, or have the quota raised and say so in the config apiResourceQuota"),
		exceeds("listeners of the load balancer (one for each distinct backend port)", len(t.BackendPorts()), maxListeners, "use fewer ports"),
	}
	// Addresses are shorter than this in every region.
	body, err := t.OpenAPI(Document{Link: PrivateLink{ConnectionID: "0123456789", Host: "internal-load-balancer-0123456789abcdef.elb.us-gov-west-1.amazonaws.com"}})
	problems = append(problems, err, exceeds("bytes of the API's definition", len(body), maxBodyLength, "publish fewer routes in one API"))
	return errors.Join(problems...)
}

// CheckPolicyLength says by how much a resource policy is too long.
func CheckPolicyLength(policy string) error {
	return exceeds("characters of the resource policy", len(policy), MaxPolicyLength, "allow an account or a role instead of many users")
}

func exceeds(what string, actual, quota int, advice string) error {
	if actual <= quota {
		return nil
	}
	return fmt.Errorf("%d %s are %d more than the %d that AWS allows: %s", actual, what, actual-quota, quota, advice)
}

package network

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Zone is an availability zone: its name, which stands for another place in each account, and its id, which does not.
type Zone struct{ Name, ID string }

// withoutEKS are the zones in which EKS puts no control plane: https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html
var withoutEKS = []string{"use1-az3", "usw1-az2", "cac1-az3"}

// ChooseZones takes the first zones by name of those that EKS supports. The choice stays the same while zones come, and
// on a day when one of them is impaired: subnets do not move.
func ChooseZones(zones []Zone, count int) ([]string, error) {
	usable := slices.DeleteFunc(slices.Clone(zones), func(z Zone) bool { return slices.Contains(withoutEKS, z.ID) })
	slices.SortFunc(usable, func(a, b Zone) int { return cmp.Compare(a.Name, b.Name) })
	names := make([]string, len(usable))
	for i, z := range usable {
		names[i] = z.Name
	}
	if len(names) < count {
		return nil, fmt.Errorf("availabilityZones: %d are wanted, and EKS is in %d of the region's zones here: %s", count, len(names), strings.Join(names, ", "))
	}
	return names[:count], nil
}

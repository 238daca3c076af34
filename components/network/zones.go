package network

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
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
	var p settings.Problems
	p.When(len(names) < count, "{ZoneCount}: %d are wanted, and EKS is in %d of the region's zones here: %s", count, len(names),
		strings.Join(names, ", "))
	if err := p.Err(); err != nil {
		return nil, err
	}
	return names[:count], nil
}

func (a Args) zonesOfRegion(ctx *pulumi.Context, opts ...pulumi.InvokeOption) ([]string, error) {
	// No state is asked for: a zone that is impaired today keeps its subnets.
	found, err := aws.GetAvailabilityZones(ctx, &aws.GetAvailabilityZonesArgs{
		// Local Zones offer neither EKS control planes nor VPC links.
		Filters: []aws.GetAvailabilityZonesFilter{{Name: "opt-in-status", Values: []string{"opt-in-not-required"}}},
	}, opts...)
	if err != nil {
		return nil, fmt.Errorf("availability zones: %w", err)
	}
	zones := make([]Zone, len(found.Names))
	for i, name := range found.Names {
		zones[i] = Zone{Name: name, ID: found.ZoneIds[i]}
	}
	return ChooseZones(zones, a.ZoneCount)
}

// zonesAreHere: zones are asked of the provider before the component is registered, which finds one that comes by
// pulumi.Parent or pulumi.Provider, and none that comes by pulumi.Providers.
func (a Args) zonesAreHere() error {
	var p settings.Problems
	for _, zone := range a.Zones {
		p.When(!strings.HasPrefix(zone, a.Location.Region), "{Zones}: %s is not in %s: name zones of it, or give the component its AWS "+
			"provider by pulumi.Provider",
			zone, a.Location.Region)
	}
	return p.Err()
}

package network

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

var (
	vpcID    = regexp.MustCompile(`^vpc-[0-9a-f]+$`)
	subnetID = regexp.MustCompile(`^subnet-[0-9a-f]+$`)
)

// validate looks at what can be told without AWS. Describe the rest with Check.
func (e Existing) validate(s Settings) error {
	var problems []error
	if !vpcID.MatchString(e.VpcID) {
		problems = append(problems, fmt.Errorf("vpcId %q is malformed: write one such as vpc-0123456789abcdef0", e.VpcID))
	}
	if _, err := netip.ParsePrefix(e.CIDR); e.CIDR != "" && err != nil {
		problems = append(problems, fmt.Errorf("vpcCidr: %w", err))
	}
	if len(e.PrivateSubnetIDs) < 2 {
		problems = append(problems, fmt.Errorf("privateSubnetIds: %d given: nodes and the load balancer need two or more, in different zones", len(e.PrivateSubnetIDs)))
	}
	seen := map[string]bool{}
	for _, id := range slices.Concat(e.PublicSubnetIDs, e.PrivateSubnetIDs) {
		if !subnetID.MatchString(id) {
			problems = append(problems, fmt.Errorf("subnet %q is malformed: write one such as subnet-0123456789abcdef0", id))
		}
		if seen[id] {
			problems = append(problems, fmt.Errorf("subnet %s is named twice", id))
		}
		seen[id] = true
	}
	if len(s.InterfaceEndpoints) > 0 || s.FlowLogDays > 0 {
		problems = append(problems, errors.New("vpcId does not go with interfaceEndpoints and flowLogDays: the VPC is not the stack's"))
	}
	return errors.Join(problems...)
}

// Subnet is what AWS knows of an existing subnet.
type Subnet struct {
	ID, VpcID, AvailabilityZone string
	// PublicIPs says that instances get public addresses here.
	PublicIPs bool
	// FreeAddresses is how many are left.
	FreeAddresses int
	Tags          map[string]string
}

// minFreeAddresses are what EKS asks of a subnet of its cluster:
// https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html
const minFreeAddresses = 6

// Check reports what an existing network lacks.
func (e Existing) Check(subnets []Subnet) error {
	var problems []error
	byID := map[string]Subnet{}
	for _, s := range subnets {
		byID[s.ID] = s
		if s.VpcID != e.VpcID {
			problems = append(problems, fmt.Errorf("subnet %s is in %s, not in %s", s.ID, s.VpcID, e.VpcID))
		}
		if s.FreeAddresses < minFreeAddresses {
			problems = append(problems, fmt.Errorf("subnet %s has %d free addresses: EKS needs %d", s.ID, s.FreeAddresses, minFreeAddresses))
		}
	}
	zones := map[string]string{}
	for _, id := range e.PrivateSubnetIDs {
		s, known := byID[id]
		switch {
		case !known:
			problems = append(problems, fmt.Errorf("subnet %s does not exist", id))
			continue
		case zones[s.AvailabilityZone] != "":
			problems = append(problems, fmt.Errorf("subnets %s and %s are both in %s: the load balancer takes one a zone", zones[s.AvailabilityZone], id, s.AvailabilityZone))
		case s.PublicIPs:
			problems = append(problems, fmt.Errorf("subnet %s gives instances public addresses: it is not private", id))
		}
		zones[s.AvailabilityZone] = id
	}
	if len(zones) == 1 {
		problems = append(problems, errors.New("all private subnets are in one zone: EKS needs two"))
	}
	return errors.Join(problems...)
}

func (n *Network) adopt(e *Existing) {
	n.VpcID, n.CIDR = pulumi.String(e.VpcID).ToStringOutput(), pulumi.String(e.CIDR).ToStringOutput()
	n.PublicSubnetIDs = pulumi.ToStringArray(e.PublicSubnetIDs).ToStringArrayOutput()
	n.PrivateSubnetIDs = pulumi.ToStringArray(e.PrivateSubnetIDs).ToStringArrayOutput()
}

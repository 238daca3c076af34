// Package location says where in AWS a component stands.
package location

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Location is a partition, a region and an account. What is left out is the AWS provider's, of which the component
// asks; what is given must agree with it.
type Location struct {
	// Partition is aws, aws-cn, aws-us-gov or another one. Default that of the region.
	Partition string `pulumi:"partition,optional"`
	// Region is one such as eu-west-1. Default the provider's.
	Region string `pulumi:"region,optional"`
	// Account is the number of the account, 12 digits. Default the provider's.
	Account string `pulumi:"account,optional"`
}

var (
	partitionName = regexp.MustCompile(`^aws(-[a-z]+)*$`)
	regionName    = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]+$`)
	accountNumber = regexp.MustCompile(`^[0-9]{12}$`)
)

// Validate reports what is malformed, and a region that is not of the partition.
func (l Location) Validate() error {
	var p settings.Problems
	p.Malformed("Partition", l.Partition, partitionName, "aws")
	p.Malformed("Region", l.Region, regionName, "eu-west-1")
	p.Malformed("Account", l.Account, accountNumber, "111122223333")
	wanted := PartitionOf(l.Region)
	p.When(wanted != "" && l.Partition != "" && l.Partition != wanted, "{Region} %s is of the partition %s, not of %s", l.Region, wanted,
		l.Partition)
	return p.Err()
}

// PartitionOf is the partition of a region whose name tells it; empty where only AWS can tell.
// https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
func PartitionOf(region string) string {
	switch {
	case region == "":
		return ""
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	case strings.Contains(region, "-iso"), strings.HasPrefix(region, "eusc-"):
		return ""
	}
	return "aws"
}

// Resolve asks the AWS provider of a component, which comes with the options, for what is left out. A region or an
// account that is not the provider's is an error: the component's resources would stand in the provider's.
func (l Location) Resolve(ctx *pulumi.Context, opts ...pulumi.InvokeOption) (Location, error) {
	region, err := aws.GetRegion(ctx, nil, opts...)
	if err != nil {
		return l, fmt.Errorf("region of the AWS provider: %w", err)
	}
	if l.Region != "" && l.Region != region.Name {
		return l, fmt.Errorf("region %s is not that of the AWS provider, %s: leave Location out, or give the component a provider of that "+
			"region", l.Region, region.Name)
	}
	l.Region = region.Name
	if l.Partition == "" {
		partition, err := aws.GetPartition(ctx, nil, opts...)
		if err != nil {
			return l, fmt.Errorf("partition of the AWS provider: %w", err)
		}
		l.Partition = partition.Partition
	}
	if l.Account == "" {
		caller, err := aws.GetCallerIdentity(ctx, nil, opts...)
		if err != nil {
			return l, fmt.Errorf("account of the AWS provider: %w", err)
		}
		l.Account = caller.AccountId
	}
	return l, l.Validate()
}

// Invoke takes from a component's options those that serve for asking its provider before the component is registered.
func Invoke(opts []pulumi.ResourceOption) []pulumi.InvokeOption {
	var asking []pulumi.InvokeOption
	for _, opt := range opts {
		if both, serves := opt.(pulumi.ResourceOrInvokeOption); serves {
			asking = append(asking, both)
		}
	}
	return asking
}

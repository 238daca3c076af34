package deploy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/cluster"
	"github.com/apigateway-ingress/apigateway-ingress/components/network"
	"github.com/apigateway-ingress/apigateway-ingress/components/platform"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/autoscaling"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// adopt describes the network and the cluster that are there already, and says all that they lack.
func (s *Settings) adopt(ctx *pulumi.Context, args *platform.Args) error {
	clusterName := s.ClusterName
	if s.shared() {
		shared, err := s.platformStack(ctx)
		if err != nil {
			return err
		}
		args.Network.Existing, clusterName = shared.network, shared.clusterName
	}
	if args.Network.Existing == nil {
		return nil
	}
	existing := *args.Network.Existing
	args.Network.Existing = &existing
	zones, err := describeNetwork(ctx, &existing)
	if err != nil {
		return err
	}
	if clusterName == "" {
		return nil
	}
	described, err := describeCluster(ctx, clusterName, s.Region)
	if err != nil {
		return fmt.Errorf("cluster %s: %w", clusterName, err)
	}
	described.Kubeconfig = s.Kubeconfig
	args.Cluster.Existing = described
	return described.CheckZones(zones)
}

type sharedPlatform struct {
	network     *network.Existing
	clusterName string
}

// platformStack reads what another stack of this program has made.
func (s *Settings) platformStack(ctx *pulumi.Context) (*sharedPlatform, error) {
	reference, err := pulumi.NewStackReference(ctx, s.PlatformStack, nil)
	if err != nil {
		return nil, fmt.Errorf("platformStack %s: %w", s.PlatformStack, err)
	}
	var problems []error
	get := func(name string) any {
		output, err := reference.GetOutputDetails(name)
		if err == nil && output.Value == nil {
			err = fmt.Errorf("it has no output %s: bring it up first", name)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("platformStack %s: %w", s.PlatformStack, err))
			return nil
		}
		return output.Value
	}
	name, _ := get("clusterName").(string)
	vpc, _ := get("vpcId").(string)
	subnets, _ := get("privateSubnetIds").([]any)
	shared := &sharedPlatform{&network.Existing{VpcID: vpc}, name}
	for _, id := range subnets {
		shared.network.PrivateSubnetIDs = append(shared.network.PrivateSubnetIDs, fmt.Sprint(id))
	}
	return shared, errors.Join(problems...)
}

// describeNetwork completes the description and returns the zones of the private subnets.
func describeNetwork(ctx *pulumi.Context, e *network.Existing) ([]string, error) {
	vpc, err := ec2.LookupVpc(ctx, &ec2.LookupVpcArgs{Id: &e.VpcID})
	if err != nil {
		return nil, fmt.Errorf("vpcId %s: %w", e.VpcID, err)
	}
	e.CIDR = vpc.CidrBlock
	var subnets []network.Subnet
	var zones []string
	var problems []error
	if !vpc.EnableDnsHostnames || !vpc.EnableDnsSupport {
		problems = append(problems, fmt.Errorf("VPC %s has no DNS host names: nodes could not join; set enableDnsSupport and enableDnsHostnames", e.VpcID))
	}
	for _, id := range slices.Concat(e.PublicSubnetIDs, e.PrivateSubnetIDs) {
		found, err := ec2.LookupSubnet(ctx, &ec2.LookupSubnetArgs{Id: &id})
		if err != nil {
			problems = append(problems, fmt.Errorf("subnet %s: %w", id, err))
			continue
		}
		subnets = append(subnets, network.Subnet{
			ID: id, VpcID: found.VpcId, AvailabilityZone: found.AvailabilityZone, PublicIPs: found.MapPublicIpOnLaunch,
			FreeAddresses: found.AvailableIpAddressCount, Tags: found.Tags,
		})
		if slices.Contains(e.PrivateSubnetIDs, id) {
			zones = append(zones, found.AvailabilityZone)
		}
	}
	if len(problems) == 0 {
		problems = append(problems, e.Check(subnets))
	}
	return zones, errors.Join(problems...)
}

func describeCluster(ctx *pulumi.Context, name, region string) (*cluster.Existing, error) {
	found, err := eks.LookupCluster(ctx, &eks.LookupClusterArgs{Name: name})
	if err != nil {
		return nil, err
	}
	e := &cluster.Existing{Name: name, Endpoint: found.Endpoint, Region: region, SecurityGroupID: found.VpcConfig.ClusterSecurityGroupId}
	if len(found.CertificateAuthorities) > 0 {
		e.CertificateAuthority = found.CertificateAuthorities[0].Data
	}
	for _, identity := range found.Identities {
		for _, oidc := range identity.Oidcs {
			e.OIDCIssuer = strings.TrimPrefix(oidc.Issuer, "https://")
			// A cluster without a provider is no problem unless the pod role needs it.
			if provider, err := iam.LookupOpenIdConnectProvider(ctx, &iam.LookupOpenIdConnectProviderArgs{Url: &oidc.Issuer}); err == nil {
				e.OIDCProviderARN = provider.Arn
			}
		}
	}
	groups, err := eks.GetNodeGroups(ctx, &eks.GetNodeGroupsArgs{ClusterName: name})
	if err != nil {
		return nil, err
	}
	for _, groupName := range slices.Sorted(slices.Values(groups.Names)) {
		if err := describeNodes(ctx, e, groupName); err != nil {
			return nil, fmt.Errorf("node group %s: %w", groupName, err)
		}
	}
	return e, nil
}

func describeNodes(ctx *pulumi.Context, e *cluster.Existing, groupName string) error {
	group, err := eks.LookupNodeGroup(ctx, &eks.LookupNodeGroupArgs{ClusterName: e.Name, NodeGroupName: groupName})
	if err != nil {
		return err
	}
	for _, resource := range group.Resources {
		for _, scaling := range resource.AutoscalingGroups {
			found, err := autoscaling.LookupGroup(ctx, &autoscaling.LookupGroupArgs{Name: scaling.Name})
			if err != nil {
				return err
			}
			e.AutoScalingGroups = append(e.AutoScalingGroups, scaling.Name)
			for _, zone := range found.AvailabilityZones {
				if !slices.Contains(e.Zones, zone) {
					e.Zones = append(e.Zones, zone)
				}
			}
		}
	}
	return nil
}

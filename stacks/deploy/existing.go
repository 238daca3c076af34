package deploy

import (
	"errors"
	"fmt"

	"github.com/apigateway-ingress/apigateway-ingress/components/cluster"
	"github.com/apigateway-ingress/apigateway-ingress/components/network"
	"github.com/apigateway-ingress/apigateway-ingress/components/platform"
	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
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
	if args.Network.Existing == nil && clusterName != "" {
		id, subnets, err := cluster.LookupNetwork(ctx, clusterName)
		if err != nil {
			return err
		}
		vpc, err := network.Choose(ctx, id, subnets)
		if err != nil {
			return settings.In("Network", err)
		}
		args.Network.Existing = &vpc
	}
	if args.Network.Existing == nil {
		return nil
	}
	vpc, zones, err := network.Lookup(ctx, *args.Network.Existing)
	if err != nil {
		return err
	}
	args.Network.Existing = &vpc
	if err := s.endpointIsFree(ctx, vpc); err != nil {
		return err
	}
	if clusterName == "" {
		// The stack's own cluster stays in the zones in which it was made.
		args.Network.Zones = zones
		return nil
	}
	described, err := cluster.Lookup(ctx, clusterName)
	if err != nil {
		return err
	}
	if s.kubeconfig != "" {
		described.Kubeconfig = pulumi.ToSecret(pulumi.String(s.kubeconfig)).(pulumi.StringOutput)
	}
	args.Cluster.Existing = described
	return described.CheckZones(zones)
}

// endpointIsFree: a VPC has one endpoint with the private names of a service, and AWS refuses another one in mid-update:
// https://docs.aws.amazon.com/vpc/latest/privatelink/manage-dns-names.html
func (s *Settings) endpointIsFree(ctx *pulumi.Context, vpc network.VPC) error {
	if !s.Platform.Gateway.Endpoint.CreateVPCEndpoint {
		return nil
	}
	vpcID, _ := settings.Known(vpc.ID)
	id, tags, err := network.EndpointOf(ctx, vpcID, s.Region, "execute-api")
	if err != nil || id == "" || tags["project"] == ctx.Project() && tags["stack"] == ctx.Stack() {
		return err
	}
	var p settings.Problems
	p.When(true, "VPC %s has the endpoint %s for execute-api already: name it in {Gateway.Endpoint.VPCEndpointIDs} instead of "+
		"{Gateway.Endpoint.CreateVPCEndpoint}", vpcID, id)
	return p.Err()
}

type sharedPlatform struct {
	network     *network.VPC
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
	var private pulumi.StringArray
	for _, id := range subnets {
		private = append(private, pulumi.String(fmt.Sprint(id)))
	}
	return &sharedPlatform{&network.VPC{ID: pulumi.String(vpc), PrivateSubnetIDs: private}, name}, errors.Join(problems...)
}

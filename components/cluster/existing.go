package cluster

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/autoscaling"
	awseks "github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// adopt takes the outputs from the description; only the Kubernetes provider is made.
func (c *Cluster) adopt(ctx *pulumi.Context, name string, a Args) error {
	e := a.Existing
	c.Name, c.NodeSecurityGroupID, c.groups = e.Name.ToStringOutput(), e.Nodes.SecurityGroupID.ToStringOutput(), e.Nodes.AutoScalingGroups
	c.OIDCProviderARN, c.OIDCIssuer = orNone(e.OIDCProviderARN), orNone(e.OIDCIssuer)
	c.NodeRoleARN, c.NodeRoleName = orNone(nil), orNone(nil)
	if e.Kubeconfig != nil {
		return c.provider(ctx, name, pulumi.ToSecret(e.Kubeconfig).(pulumi.StringOutput), false)
	}
	return c.provider(ctx, name, e.kubeconfig(a.Location.Region), false)
}

// orNone is an output that is empty where nothing is given.
func orNone(text pulumi.StringInput) pulumi.StringOutput {
	if text == nil {
		return pulumi.String("").ToStringOutput()
	}
	return text.ToStringOutput()
}

// existingName is empty for a cluster of the component's own, and for one whose name another resource gives.
func (a Args) existingName() string {
	if a.Existing == nil {
		return ""
	}
	name, _ := settings.Known(a.Existing.Name)
	return name
}

// kubeconfig holds no credentials: the AWS CLI gets a token when one is needed.
func (e Existing) kubeconfig(region string) pulumi.StringOutput {
	return pulumi.All(e.Name, e.Endpoint, orNone(e.CertificateAuthority)).ApplyT(func(values []any) (string, error) {
		encoded, err := json.Marshal(map[string]any{
			"apiVersion": "v1", "kind": "Config", "current-context": "aws",
			"clusters": []any{map[string]any{"name": "kubernetes", "cluster": map[string]any{
				"server": values[1], "certificate-authority-data": values[2],
			}}},
			"contexts": []any{map[string]any{"name": "aws", "context": map[string]any{"cluster": "kubernetes", "user": "aws"}}},
			"users": []any{map[string]any{"name": "aws", "user": map[string]any{"exec": map[string]any{
				"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "aws",
				"args": []any{"--region", region, "eks", "get-token", "--cluster-name", values[0], "--output", "json"},
			}}}},
		})
		return string(encoded), err
	}).(pulumi.StringOutput)
}

// CheckZones wants every zone that has nodes to be one of the load balancer's: it leaves targets in others unused.
func (e Existing) CheckZones(balancer []string) error {
	var missing []string
	for _, zone := range e.Zones {
		if !slices.Contains(balancer, zone) {
			missing = append(missing, zone)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	var p settings.Problems
	name, _ := settings.Known(e.Name)
	p.When(true, "cluster %s has nodes in %s, where the load balancer has no subnet (it has %s): add a private subnet there to "+
		"{Network.Existing.PrivateSubnetIDs}",
		name, strings.Join(missing, ", "), strings.Join(balancer, ", "))
	return p.Err()
}

// LookupNetwork says in which VPC a cluster is, and in which of its subnets its network interfaces are.
func LookupNetwork(ctx *pulumi.Context, name string, opts ...pulumi.InvokeOption) (vpcID string, subnetIDs []string, err error) {
	found, err := awseks.LookupCluster(ctx, &awseks.LookupClusterArgs{Name: name}, opts...)
	if err != nil {
		return "", nil, fmt.Errorf("cluster %s: %w", name, err)
	}
	return found.VpcConfig.VpcId, found.VpcConfig.SubnetIds, nil
}

// Lookup describes a cluster of the AWS provider's account and region by its name, with its managed node groups.
func Lookup(ctx *pulumi.Context, name string, opts ...pulumi.InvokeOption) (*Existing, error) {
	found, err := awseks.LookupCluster(ctx, &awseks.LookupClusterArgs{Name: name}, opts...)
	if err != nil {
		return nil, fmt.Errorf("cluster %s: %w", name, err)
	}
	e := &Existing{Name: pulumi.String(name), Endpoint: pulumi.String(found.Endpoint)}
	e.Nodes.AutoScalingGroups = pulumi.StringMap{}
	for _, config := range found.KubernetesNetworkConfigs {
		if config.IpFamily == "ipv6" {
			return nil, fmt.Errorf("cluster %s gives pods IPv6 addresses: a VPC link reaches IPv4 targets only, so publish from a cluster "+
				"with IPv4", name)
		}
	}
	if len(found.CertificateAuthorities) > 0 {
		e.CertificateAuthority = pulumi.String(found.CertificateAuthorities[0].Data)
	}
	for _, identity := range found.Identities {
		for _, oidc := range identity.Oidcs {
			e.OIDCIssuer = pulumi.String(strings.TrimPrefix(oidc.Issuer, "https://"))
			// A cluster without a provider is no problem unless the pod role needs it.
			if provider, err := iam.LookupOpenIdConnectProvider(ctx, &iam.LookupOpenIdConnectProviderArgs{Url: &oidc.Issuer}, opts...); err == nil {
				e.OIDCProviderARN = pulumi.String(provider.Arn)
			}
		}
	}
	groups, err := awseks.GetNodeGroups(ctx, &awseks.GetNodeGroupsArgs{ClusterName: name}, opts...)
	if err != nil {
		return nil, fmt.Errorf("cluster %s: %w", name, err)
	}
	securityGroups := map[string][]string{}
	for _, group := range slices.Sorted(slices.Values(groups.Names)) {
		ids, err := e.addNodes(ctx, name, group, opts)
		if err != nil {
			return nil, fmt.Errorf("cluster %s: node group %s: %w", name, group, err)
		}
		if ids != nil {
			securityGroups[group] = ids
		}
	}
	id, err := commonGroup(name, found.VpcConfig.ClusterSecurityGroupId, securityGroups)
	e.Nodes.SecurityGroupID = pulumi.String(id)
	return e, err
}

// addNodes takes the Auto Scaling groups of a node group, and gives the security groups of its nodes, nil while there are none.
func (e *Existing) addNodes(ctx *pulumi.Context, cluster, name string, opts []pulumi.InvokeOption) (securityGroups []string, err error) {
	group, err := awseks.LookupNodeGroup(ctx, &awseks.LookupNodeGroupArgs{ClusterName: cluster, NodeGroupName: name}, opts...)
	if err != nil {
		return nil, err
	}
	for _, resource := range group.Resources {
		for _, scaling := range resource.AutoscalingGroups {
			found, err := autoscaling.LookupGroup(ctx, &autoscaling.LookupGroupArgs{Name: scaling.Name}, opts...)
			if err != nil {
				return nil, err
			}
			e.Nodes.AutoScalingGroups[scaling.Name] = pulumi.String(scaling.Name)
			for _, zone := range found.AvailabilityZones {
				if !slices.Contains(e.Zones, zone) {
					e.Zones = append(e.Zones, zone)
				}
			}
			ids, err := securityGroupsOf(ctx, scaling.Name, opts)
			if err != nil {
				return nil, err
			}
			if ids != nil {
				securityGroups = ids
			}
		}
	}
	return securityGroups, nil
}

package awsrules

import (
	"errors"
	"fmt"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
)

// lookups are the data sources about objects that exist, which may be another stack's.
var lookups = map[string]func(r *Rules, args properties) (properties, error){
	"aws:ec2/getVpc:getVpc": func(r *Rules, args properties) (properties, error) {
		o, err := r.existing(VPC, args["id"], "InvalidVpcID.NotFound")
		if err != nil {
			return nil, err
		}
		return described(o, properties{"enableDnsHostnames": o.Inputs["enableDnsHostnames"] == true,
			"enableDnsSupport": o.Inputs["enableDnsSupport"] == true}), nil
	},
	"aws:ec2/getSubnet:getSubnet": func(r *Rules, args properties) (properties, error) {
		o, err := r.existing(Subnet, args["id"], "InvalidSubnetID.NotFound")
		if err != nil {
			return nil, err
		}
		return described(o, properties{"mapPublicIpOnLaunch": o.Inputs["mapPublicIpOnLaunch"] == true, "availableIpAddressCount": 4000.0}), nil
	},
	// The provider's own words where there is none: https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/tfresource/errors.go
	"aws:ec2/getVpcEndpoint:getVpcEndpoint": func(r *Rules, args properties) (properties, error) {
		for _, o := range r.store.List(VPCEndpoint) {
			if o.Text("vpcId") == args["vpcId"] && o.Text("serviceName") == args["serviceName"] {
				return described(o, nil), nil
			}
		}
		return nil, errors.New("no matching EC2 VPC Endpoint found")
	},
	"aws:eks/getCluster:getCluster": func(r *Rules, args properties) (properties, error) {
		o, err := r.existing(Cluster, args["name"], "ResourceNotFoundException")
		if err != nil {
			return nil, err
		}
		return described(o, nil), nil
	},
	"aws:eks/getAddonVersion:getAddonVersion": func(_ *Rules, args properties) (properties, error) { //nolint:unparam // as the others
		return properties{
			"id": args["addonName"], "addonName": args["addonName"], "kubernetesVersion": args["kubernetesVersion"],
			"mostRecent": args["mostRecent"], "version": addonVersion(args.Text("kubernetesVersion")) + madeUp,
		}, nil
	},
	"aws:eks/getNodeGroups:getNodeGroups": func(r *Rules, args properties) (properties, error) {
		if _, err := r.existing(Cluster, args["clusterName"], "ResourceNotFoundException"); err != nil {
			return nil, err
		}
		names := []any{}
		for _, o := range r.store.List(NodeGroup) {
			if o.Text("clusterName") == args["clusterName"] {
				names = append(names, o.Text("nodeGroupName"))
			}
		}
		return properties{"id": args["clusterName"], "clusterName": args["clusterName"], "names": names}, nil
	},
	"aws:eks/getNodeGroup:getNodeGroup": func(r *Rules, args properties) (properties, error) {
		o, err := r.existing(NodeGroup, fmt.Sprintf("%v:%v", args["clusterName"], args["nodeGroupName"]), "ResourceNotFoundException")
		if err != nil {
			return nil, err
		}
		return described(o, nil), nil
	},
	"aws:autoscaling/getGroup:getGroup": func(r *Rules, args properties) (properties, error) {
		for _, group := range r.store.List(NodeGroup) {
			if AutoScalingGroupOf(group) == args["name"] {
				return properties{"id": args["name"], "name": args["name"],
					"availabilityZones": zonesOfSubnets(r.store, group.Inputs.Texts("subnetIds[]"))}, nil
			}
		}
		return nil, apiError("ValidationError", "no Auto Scaling group %v", args["name"])
	},
	"aws:iam/getOpenIdConnectProvider:getOpenIdConnectProvider": func(r *Rules, args properties) (properties, error) {
		for _, o := range r.store.List(OIDCProvider) {
			if o.Text("url") == args["url"] {
				return described(o, nil), nil
			}
		}
		return nil, apiError("NoSuchEntity", "no OpenID Connect provider for %v", args["url"])
	},
}

func (r *Rules) existing(token string, id any, missing string) (*store.Object, error) {
	name, _ := id.(string)
	if o := r.store.Get(token, name); o != nil {
		return o, nil
	}
	return nil, apiError(missing, "%s does not exist", name)
}

func described(o *store.Object, more properties) properties {
	result := properties{"id": o.ID}
	for key, value := range o.Outputs {
		result[key] = value
	}
	for key, value := range more {
		result[key] = value
	}
	return result
}

func zonesOfSubnets(objects *store.Store, ids []string) []any {
	seen, zones := map[string]bool{}, []any{}
	for _, id := range ids {
		if subnet := objects.Get(Subnet, id); subnet != nil && !seen[subnet.Text("availabilityZone")] {
			seen[subnet.Text("availabilityZone")] = true
			zones = append(zones, subnet.Text("availabilityZone"))
		}
	}
	return zones
}

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
	// The provider's own words where there is none:
	// https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/tfresource/errors.go
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
	"aws:ec2/getInstances:getInstances": func(r *Rules, args properties) (properties, error) { //nolint:unparam // others can fail
		wanted := filterOf(args, "tag:aws:autoscaling:groupName")
		ids := []any{}
		for _, instance := range Instances(r.store, "") {
			if instance.AutoScalingGroup == wanted {
				ids = append(ids, instance.ID)
			}
		}
		return properties{"id": wanted, "ids": ids, "privateIps": []any{}, "publicIps": []any{}, "ipv6Addresses": []any{}}, nil
	},
	"aws:ec2/getNetworkInterface:getNetworkInterface": func(r *Rules, args properties) (properties, error) {
		wanted := filterOf(args, "attachment.instance-id")
		for _, instance := range Instances(r.store, "") {
			if instance.ID == wanted {
				groups := []any{}
				for _, id := range instance.SecurityGroups {
					groups = append(groups, id)
				}
				return properties{"id": "eni-" + lowerHash(wanted, 17), "vpcId": instance.VPC, "securityGroups": groups}, nil
			}
		}
		return nil, errors.New("no matching EC2 Network Interface found")
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

// filterOf is the first value of a filter; empty without it.
func filterOf(args properties, name string) string {
	filters, _ := args["filters"].([]any)
	for _, filter := range filters {
		fields, _ := filter.(map[string]any)
		if values, _ := fields["values"].([]any); fields["name"] == name && len(values) > 0 {
			text, _ := values[0].(string)
			return text
		}
	}
	return ""
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

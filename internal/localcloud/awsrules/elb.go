package awsrules

import (
	"fmt"
	"strings"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lb"
)

// Type tokens that other rooms of the local cloud ask for.
const (
	LoadBalancer = "aws:lb/loadBalancer:LoadBalancer"
	TargetGroup  = "aws:lb/targetGroup:TargetGroup"
	Listener     = "aws:lb/listener:Listener"
)

var elbRules = []*rule{
	{
		token: LoadBalancer, args: (*lb.LoadBalancerArgs)(nil), autoName: "name", maxName: 32, unique: "name",
		required: []string{"subnets"},
		replace:  []string{"name", "internal", "loadBalancerType"},
		refs: []ref{
			{path: "subnets[]", to: Subnet, missing: "SubnetNotFound", inUse: violation},
			{path: "securityGroups[]", to: SecurityGroup, missing: "InvalidSecurityGroup", inUse: violation},
		},
		id: func(c *call) string {
			return c.arn("elasticloadbalancing", c.region, "loadbalancer/net/"+c.object.Text("name")+"/"+randomHex(16))
		},
		check: func(inputs map[string]any) []schema.Failure {
			if inputs["loadBalancerType"] != "network" {
				return []schema.Failure{{Property: "loadBalancerType", Reason: "the local target serves Network Load Balancers only"}}
			}
			return nil
		},
		prepare: oneSubnetPerZone, mayDelete: notProtected,
		outputs: func(c *call) map[string]any {
			name := c.object.Text("name")
			return map[string]any{
				"arn": c.object.ID, "zoneId": "Z26RNL4JYFTOTI", "arnSuffix": suffixOf(c.object.ID, "loadbalancer/"),
				"dnsName": fmt.Sprintf("%s-%s.elb.%s.amazonaws.com", name, lowerHash(c.object.ID, 16), c.region),
			}
		},
		deleted: func(c *call) error {
			for _, listener := range c.store.List(Listener) {
				if listener.Text("loadBalancerArn") == c.object.ID {
					if err := c.store.Delete(listener); err != nil {
						return err
					}
				}
			}
			return nil
		},
		failed: "failed", reason: "the load balancer could not be set up",
		pending: "provisioning", ready: "active", createTakes: 150 * time.Second, deleteTakes: 20 * time.Second,
	},
	{
		token: TargetGroup, args: (*lb.TargetGroupArgs)(nil), autoName: "name", maxName: 32, unique: "name",
		required: []string{"port", "protocol", "vpcId"},
		replace:  []string{"name", "port", "protocol", "vpcId", "targetType"}, refs: []ref{inVPCForTargets},
		id: func(c *call) string {
			return c.arn("elasticloadbalancing", c.region, "targetgroup/"+c.object.Text("name")+"/"+randomHex(16))
		},
		outputs: func(c *call) map[string]any {
			return map[string]any{"arn": c.object.ID, "arnSuffix": "targetgroup/" + suffixOf(c.object.ID, "targetgroup/")}
		},
	},
	{
		token: Listener, args: (*lb.ListenerArgs)(nil), required: []string{"port", "protocol", "defaultActions"},
		replace: []string{"loadBalancerArn"},
		refs: []ref{
			{path: "loadBalancerArn", to: LoadBalancer, missing: "LoadBalancerNotFound"},
			{path: "defaultActions[].targetGroupArn", to: TargetGroup, missing: "TargetGroupNotFound", inUse: "ResourceInUse"},
		},
		id: func(c *call) string { return c.object.Text("loadBalancerArn") + "/listener/" + randomHex(16) },
		check: func(inputs map[string]any) []schema.Failure {
			if (inputs["protocol"] == "TLS") == isEmpty(inputs["certificateArn"]) {
				return []schema.Failure{{Property: "certificateArn", Reason: "a TLS listener takes a certificate, and no other does"}}
			}
			return nil
		},
		prepare: onePortOnce,
		outputs: func(c *call) map[string]any { return map[string]any{"arn": c.object.ID} },
	},
}

// suffixOf is the part of an ARN by which metrics know a resource.
func suffixOf(arn, after string) string {
	_, suffix, _ := strings.Cut(arn, after)
	return suffix
}

// A target group does not keep its VPC from being deleted.
var inVPCForTargets = ref{path: "vpcId", to: VPC, missing: "ValidationError"}

func oneSubnetPerZone(c *call) error {
	seen := map[string]string{}
	for _, id := range valuesAt(c.object.Inputs, "subnets[]") {
		zone := c.store.Get(Subnet, id).Text("availabilityZone")
		if seen[zone] != "" {
			return apiError("InvalidConfigurationRequest", "a load balancer cannot be attached to multiple subnets in the same Availability Zone")
		}
		seen[zone] = id
	}
	return nil
}

func notProtected(c *call) error {
	if c.object.Inputs["enableDeletionProtection"] == true {
		return apiError("OperationNotPermitted", "load balancer '%s' cannot be deleted because deletion protection is enabled", c.object.ID)
	}
	return nil
}

func onePortOnce(c *call) error {
	for _, other := range c.store.List(Listener) {
		if other.ID != c.object.ID && other.Text("loadBalancerArn") == c.object.Text("loadBalancerArn") && other.Inputs["port"] == c.object.Inputs["port"] {
			return apiError("DuplicateListener", "a listener already exists on port %v for this load balancer", c.object.Inputs["port"])
		}
	}
	return nil
}

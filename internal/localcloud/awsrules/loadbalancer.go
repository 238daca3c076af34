package awsrules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lb"
)

// Type tokens of Elastic Load Balancing.
const (
	LoadBalancer = "aws:lb/loadBalancer:LoadBalancer"
	TargetGroup  = "aws:lb/targetGroup:TargetGroup"
	Listener     = "aws:lb/listener:Listener"
)

var loadBalancer = &rule{
	token: LoadBalancer, args: (*lb.LoadBalancerArgs)(nil), resource: (*lb.LoadBalancer)(nil), id: loadBalancerARN,
	autoName: "name", maxName: 32, unique: "name", required: []string{"subnets"},
	replace: []string{"name", "internal", "loadBalancerType"}, replaceIf: removedSubnet,
	refs: []ref{
		{path: "subnets[]", to: Subnet, missing: "SubnetNotFound", inUse: violation},
		{path: "securityGroups[]", to: SecurityGroup, missing: "InvalidSecurityGroup", inUse: violation},
	},
	check: checkLoadBalancer, prepare: oneSubnetPerZone, mayDelete: notProtected, outputs: loadBalancerOutputs, deleted: removeListeners,
	failed: "failed", reason: "the load balancer could not be set up",
	pending: "provisioning", ready: "active", createTakes: 150 * time.Second, deleteTakes: 20 * time.Second,
}

func loadBalancerARN(c *call) string {
	return c.regional("elasticloadbalancing", "loadbalancer/net/"+c.text("name")+"/"+randomHex(16))
}

// removedSubnet: a Network Load Balancer takes more subnets, and gives none back.
// https://github.com/hashicorp/terraform-provider-aws/blob/v5.100.0/internal/service/elbv2/load_balancer.go
func removedSubnet(olds, news properties) []string {
	kept := news.Texts("subnets[]")
	if slices.ContainsFunc(olds.Texts("subnets[]"), func(id string) bool { return !slices.Contains(kept, id) }) {
		return []string{"subnets"}
	}
	if olds.Has("securityGroups") != news.Has("securityGroups") {
		return []string{"securityGroups"}
	}
	return nil
}

// reservedPrefix refuses a name that begins with what AWS keeps for itself.
func reservedPrefix(property, prefix string) func(properties) []schema.Failure {
	return func(in properties) []schema.Failure {
		if strings.HasPrefix(in.Text(property), prefix) {
			return wrong(property, "cannot begin with %q", prefix)
		}
		return nil
	}
}

func checkLoadBalancer(in properties) []schema.Failure {
	if in["loadBalancerType"] != "network" {
		return wrong("loadBalancerType", "the local target serves Network Load Balancers only")
	}
	// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
	return reservedPrefix("name", "internal-")(in)
}

func oneSubnetPerZone(c *call) error {
	seen := map[string]bool{}
	for _, id := range c.object.Inputs.Texts("subnets[]") {
		zone := c.store.Get(Subnet, id).Text("availabilityZone")
		if seen[zone] {
			return apiError("InvalidConfigurationRequest", "a load balancer cannot be attached to multiple subnets in the same Availability Zone")
		}
		seen[zone] = true
	}
	return nil
}

func notProtected(c *call) error {
	if c.object.Inputs.True("enableDeletionProtection") {
		return apiError("OperationNotPermitted", "load balancer '%s' cannot be deleted because deletion protection is enabled", c.object.ID)
	}
	return nil
}

func loadBalancerOutputs(c *call) properties {
	return properties{
		"arn": c.object.ID, "zoneId": "Z26RNL4JYFTOTI", "arnSuffix": suffixOf(c.object.ID, "loadbalancer/"),
		"dnsName": fmt.Sprintf("%s-%s.elb.%s.amazonaws.com", c.text("name"), lowerHash(c.object.ID, 16), c.region),
	}
}

// suffixOf is the part of an ARN by which metrics know a resource.
func suffixOf(arn, after string) string {
	_, suffix, _ := strings.Cut(arn, after)
	return suffix
}

func removeListeners(c *call) error {
	for _, listener := range c.store.List(Listener) {
		if listener.Text("loadBalancerArn") == c.object.ID {
			if err := c.store.Delete(listener); err != nil {
				return err
			}
		}
	}
	return nil
}

var targetGroup = &rule{
	token: TargetGroup, args: (*lb.TargetGroupArgs)(nil), resource: (*lb.TargetGroup)(nil), id: targetGroupARN,
	autoName: "name", maxName: 32, unique: "name", required: []string{"port", "protocol", "vpcId"},
	replace: []string{"name", "port", "protocol", "vpcId", "targetType"},
	// A target group does not keep its VPC from being deleted.
	refs: []ref{{path: "vpcId", to: VPC, missing: "ValidationError"}}, outputs: targetGroupOutputs,
}

func targetGroupARN(c *call) string {
	return c.regional("elasticloadbalancing", "targetgroup/"+c.text("name")+"/"+randomHex(16))
}

func targetGroupOutputs(c *call) properties {
	return properties{"arn": c.object.ID, "arnSuffix": "targetgroup/" + suffixOf(c.object.ID, "targetgroup/")}
}

var listener = &rule{
	token: Listener, args: (*lb.ListenerArgs)(nil), resource: (*lb.Listener)(nil),
	id:       func(c *call) string { return c.text("loadBalancerArn") + "/listener/" + randomHex(16) },
	required: []string{"port", "protocol", "defaultActions"}, replace: []string{"loadBalancerArn"},
	refs: []ref{
		{path: "loadBalancerArn", to: LoadBalancer, missing: "LoadBalancerNotFound"},
		{path: "defaultActions[].targetGroupArn", to: TargetGroup, missing: "TargetGroupNotFound", inUse: "ResourceInUse"},
	},
	check: checkListener, prepare: listenerFits, outputs: byARN,
}

func checkListener(in properties) []schema.Failure {
	if (in["protocol"] == "TLS") != in.Has("certificateArn") {
		return wrong("certificateArn", "a TLS listener takes a certificate, and no other does")
	}
	return nil
}

// listenerFits: a port once, and a target group with one load balancer only (TargetGroupAssociationLimit):
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html
func listenerFits(c *call) error {
	groups := c.object.Inputs.Texts("defaultActions[].targetGroupArn")
	for _, other := range c.store.List(Listener) {
		if other.Text("loadBalancerArn") == c.text("loadBalancerArn") {
			continue
		}
		for _, group := range other.Inputs.Texts("defaultActions[].targetGroupArn") {
			if slices.Contains(groups, group) {
				return apiError("TargetGroupAssociationLimit", "The following target groups cannot be associated with more than one load "+
					"balancer: %s", group)
			}
		}
	}
	return onePortOnce(c)
}

func onePortOnce(c *call) error {
	for _, other := range c.store.List(Listener) {
		if other.ID != c.object.ID && sameInputs(other, c.object, "loadBalancerArn", "port") {
			return apiError("DuplicateListener", "a listener already exists on port %v for this load balancer", c.object.Inputs["port"])
		}
	}
	return nil
}

package dataplane

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/awsrules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/kuberules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/restapi"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
)

// Cluster is what the chain needs of the pods.
type Cluster interface {
	// NodePortEndpoints are the addresses of the ready pods behind a port of a cluster's nodes.
	NodePortEndpoints(cluster string, nodePort int) (addresses []string, found bool)
	// ServiceEndpoints are the addresses of the ready pods behind a Service's port.
	ServiceEndpoints(cluster, namespace, name string, port int) (addresses []string, found bool)
	// Generation changes whenever they do.
	Generation() uint64
}

// failure is how API Gateway answers when a link of the chain is missing, and which one it is.
type failure struct {
	status  int
	message string
	reason  string
}

const (
	networkError  = "Network error communicating with endpoint"
	internalError = "Internal server error"
)

// timedOut is also what API Gateway says where no target is healthy.
var timedOut = restapi.IntegrationTime.Message

// hop is where an integration's requests go: addresses of NGINX pods, or nowhere for a reason.
type hop struct {
	addresses []string
	failure   *failure
	// expires is when targets become healthy that were not; zero when none will.
	expires time.Time
}

func (h hop) until(wait time.Duration) hop {
	if wait > 0 {
		h.expires = time.Now().Add(wait)
	}
	return h
}

func broken(status int, message, reason string, args ...any) hop {
	return hop{failure: &failure{status, message, fmt.Sprintf(reason, args...)}}
}

// resolve follows an integration through VPC link, load balancer, listener, target group, nodes and
// node port to pods. Every link must have been declared.
func (d *DataPlane) resolve(integration restapi.Integration) hop {
	if integration.ConnectionType != "VPC_LINK" {
		return broken(504, networkError, "the integration does not go through a VPC link")
	}
	link := d.store.Get(awsrules.VPCLink, integration.ConnectionID)
	if link == nil {
		return broken(500, internalError, "VPC link %s does not exist", integration.ConnectionID)
	}
	if link.Status != awsrules.VPCLinkAvailable {
		return broken(500, internalError, "VPC link %s is %s", link.ID, link.Status)
	}
	balancer := d.store.Get(awsrules.LoadBalancer, link.Text("targetArn"))
	if balancer == nil {
		return broken(500, internalError, "the load balancer of VPC link %s does not exist", link.ID)
	}
	port, err := portOf(integration.URI)
	if err != nil {
		return broken(500, internalError, "%s", err)
	}
	group, protocol := d.targetGroup(balancer, port)
	if group != nil && (protocol == "TLS") != strings.HasPrefix(integration.URI, "https:") {
		return broken(500, internalError, "the integration %s does not speak the %s of the listener on port %d", integration.URI, protocol, port)
	}
	if group == nil {
		return broken(504, networkError, "load balancer %s has no listener on port %d that forwards to a target group", balancer.Text("name"),
			port)
	}
	if group.Text("targetType") == "ip" {
		return d.podTargets(balancer, group)
	}
	return d.targets(balancer, group)
}

func portOf(uri string) (int, error) {
	parsed, err := url.Parse(stripVariables(uri))
	if err != nil {
		return 0, fmt.Errorf("integration URI %q: %w", uri, err)
	}
	if parsed.Port() == "" {
		return map[string]int{"http": 80, "https": 443}[parsed.Scheme], nil
	}
	return strconv.Atoi(parsed.Port())
}

// targetGroup is where a listener forwards to, and the listener's protocol.
func (d *DataPlane) targetGroup(balancer *store.Object, port int) (*store.Object, string) {
	for _, listener := range d.store.List(awsrules.Listener) {
		if listener.Text("loadBalancerArn") != balancer.ID || number(listener.Inputs["port"]) != port {
			continue
		}
		actions, _ := listener.Inputs["defaultActions"].([]any)
		for _, action := range actions {
			fields, _ := action.(map[string]any)
			arn, _ := fields["targetGroupArn"].(string)
			if group := d.store.Get(awsrules.TargetGroup, arn); fields["type"] == "forward" && group != nil {
				return group, listener.Text("protocol")
			}
		}
	}
	return nil, ""
}

// podTargets are the pods that the Load Balancer Controller has registered, for which the nodes must be open.
func (d *DataPlane) podTargets(balancer, group *store.Object) hop {
	port := number(group.Inputs["port"])
	for _, o := range d.store.Find(func(o *store.Object) bool { return o.Type == kuberules.TargetGroupBinding }) {
		binding, err := kuberules.Decode[kuberules.Binding](o)
		if err != nil || binding.Spec.TargetGroupARN != group.ID {
			continue
		}
		if left := d.registering(group, o.Created); left > 0 {
			return broken(504, timedOut, "no target of %s is healthy: the targets are initial: AWS is still registering them",
				group.Text("name")).until(left)
		}
		addresses, found := d.cluster.ServiceEndpoints(o.Scope, binding.Namespace, binding.Spec.ServiceRef.Name, binding.Spec.ServiceRef.Port)
		if !found || len(addresses) == 0 {
			return broken(504, timedOut, "Service %s/%s of the TargetGroupBinding %s has no ready pod", binding.Namespace,
				binding.Spec.ServiceRef.Name, o.ID)
		}
		for _, instance := range awsrules.Instances(d.store, o.Scope) {
			if reason := d.refused(balancer, instance, port); reason != "" {
				return broken(504, timedOut, "no target of %s is healthy: %s", group.Text("name"), reason)
			}
		}
		return hop{addresses: addresses}
	}
	return broken(504, networkError, "target group %s has no targets: no TargetGroupBinding names it", group.Text("name"))
}

// targets are the pods behind the healthy instances of a target group.
func (d *DataPlane) targets(balancer, group *store.Object) hop {
	nodePort := number(group.Inputs["port"])
	registered, unhealthy := 0, ""
	var wait time.Duration
	var addresses []string
	for _, attachment := range d.store.List(awsrules.AutoScalingAttachment) {
		if attachment.Text("lbTargetGroupArn") != group.ID {
			continue
		}
		for _, instance := range awsrules.Instances(d.store, "") {
			if instance.AutoScalingGroup != attachment.Text("autoscalingGroupName") {
				continue
			}
			registered++
			if left := d.registering(group, attachment.Created, instance.Since); left > 0 {
				wait, unhealthy = soonest(wait, left), "the targets are initial: AWS is still registering them"
				continue
			}
			found, reason := d.healthy(balancer, instance, nodePort)
			if reason != "" {
				unhealthy = reason
			}
			addresses = append(addresses, found...)
		}
	}
	slices.Sort(addresses)
	switch addresses = slices.Compact(addresses); {
	case registered == 0:
		return broken(504, networkError, "target group %s has no targets: no Auto Scaling group is attached to it", group.Text("name"))
	case len(addresses) == 0:
		return broken(504, timedOut, "no target of %s is healthy: %s", group.Text("name"), unhealthy).until(wait)
	}
	return hop{addresses: addresses}.until(wait)
}

// registering is how long it still takes until a target is healthy: it counts from when the target was registered, the
// instance ran, and the first listener led to the group, whichever came last. Health checks serve all listeners of a group.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-health-checks.html (initial)
func (d *DataPlane) registering(group *store.Object, since ...time.Time) time.Duration {
	if d.Registration == 0 {
		return 0
	}
	var listeners []time.Time
	for _, listener := range d.store.List(awsrules.Listener) {
		if slices.Contains(listener.Inputs.Texts("defaultActions[].targetGroupArn"), group.ID) {
			listeners = append(listeners, listener.Created)
		}
	}
	if len(listeners) > 0 {
		since = append(since, slices.MinFunc(listeners, time.Time.Compare))
	}
	return time.Until(slices.MaxFunc(since, time.Time.Compare).Add(d.Registration))
}

func soonest(a, b time.Duration) time.Duration {
	if a == 0 || b < a {
		return b
	}
	return a
}

// healthy says which pods answer on an instance's node port, or why a health check fails.
func (d *DataPlane) healthy(balancer *store.Object, instance awsrules.Instance, nodePort int) (addresses []string, reason string) {
	if reason := d.refused(balancer, instance, nodePort); reason != "" {
		return nil, reason
	}
	addresses, found := d.cluster.NodePortEndpoints(instance.Cluster, nodePort)
	if !found {
		return nil, fmt.Sprintf("no Service has node port %d", nodePort)
	}
	if len(addresses) == 0 {
		return nil, fmt.Sprintf("the Service with node port %d selects no ready pod that nodes may reach", nodePort)
	}
	return addresses, ""
}

// refused says why a load balancer does not reach a port of an instance; empty when it does.
func (d *DataPlane) refused(balancer *store.Object, instance awsrules.Instance, port int) string {
	if d.vpcOf(balancer) != instance.VPC {
		return fmt.Sprintf("instance %s is in another VPC than the load balancer", instance.ID)
	}
	balancerGroups := texts(balancer.Inputs["securityGroups"])
	if len(balancerGroups) > 0 && !d.admits(awsrules.SecurityGroupEgressRule, balancerGroups, instance.SecurityGroups, port) {
		return fmt.Sprintf("the load balancer's security group lets nothing out to port %d of the nodes", port)
	}
	if !d.admits(awsrules.SecurityGroupIngressRule, instance.SecurityGroups, balancerGroups, port) {
		return fmt.Sprintf("the nodes' security group lets nothing in to port %d from the load balancer", port)
	}
	return ""
}

func (d *DataPlane) vpcOf(balancer *store.Object) string {
	for _, id := range texts(balancer.Inputs["subnets"]) {
		if subnet := d.store.Get(awsrules.Subnet, id); subnet != nil {
			return subnet.Text("vpcId")
		}
	}
	return ""
}

// admits says whether a rule of one of the groups opens the port for one of the peers, or for the VPC's range.
func (d *DataPlane) admits(ruleType string, groups, peers []string, port int) bool {
	for _, rule := range d.store.List(ruleType) {
		if !slices.Contains(groups, rule.Text("securityGroupId")) || !coversPort(rule, port) {
			continue
		}
		if slices.Contains(peers, rule.Text("referencedSecurityGroupId")) {
			return true
		}
		if cidr, err := netip.ParsePrefix(rule.Text("cidrIpv4")); err == nil && (cidr.Addr().IsPrivate() || cidr.Bits() == 0) {
			return true
		}
	}
	return false
}

func coversPort(rule *store.Object, port int) bool {
	switch rule.Text("ipProtocol") {
	case "-1":
		return true
	case "tcp", "6":
		return number(rule.Inputs["fromPort"]) <= port && port <= number(rule.Inputs["toPort"])
	}
	return false
}

func number(value any) int {
	n, _ := value.(float64)
	return int(n)
}

func texts(value any) []string {
	items, _ := value.([]any)
	var list []string
	for _, item := range items {
		if text, ok := item.(string); ok {
			list = append(list, text)
		}
	}
	return list
}

package apigateway

import rego.v1

# A range that is, or half is, the internet.
wide_range(range) if {
	is_string(range)
	parts := split(trim_space(range), "/")
	count(parts) == 2
	not contains(parts[0], ":")
	to_number(parts[1]) < 8
}

wide_range(range) if {
	is_string(range)
	parts := split(trim_space(range), "/")
	count(parts) == 2
	contains(parts[0], ":")
	to_number(parts[1]) < 16
}

admitted contains range if {
	input.type in {"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "aws:ec2/securityGroupIngressRule:SecurityGroupIngressRule"}
	some key in ["cidrIpv4", "cidrIpv6"]
	range := property([key])
}

admitted contains range if {
	input.type in {"aws:ec2/securityGroup:SecurityGroup", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"}
	some rule in list(property(["ingress"]))
	some range in ranges(rule)
}

admitted contains range if {
	input.type == "aws:ec2/securityGroupRule:SecurityGroupRule"
	property(["type"]) == "ingress"
	some range in ranges(input.properties)
}

admitted contains range if {
	input.type == "aws:rds/securityGroup:SecurityGroup"
	some rule in list(property(["ingress"]))
	range := rule.cidr
}

ranges(rule) := texts(object.get(rule, "cidrBlocks", null)) | texts(object.get(rule, "ipv6CidrBlocks", null))

deny contains violation("no-world-access", sprintf("it admits %s", [range])) if {
	some range in admitted
	wide_range(range)
}

deny contains violation("no-world-access", "set remoteAccess.sourceSecurityGroupIds: EKS opens SSH to the internet without") if {
	input.type == "aws:eks/nodeGroup:NodeGroup"
	access := property(["remoteAccess"])
	is_object(access)
	access.ec2SshKey
	object.get(access, "sourceSecurityGroupIds", []) == []
}

balancers := {
	"aws:lb/loadBalancer:LoadBalancer", "aws:alb/loadBalancer:LoadBalancer", "aws:elb/loadBalancer:LoadBalancer",
	"aws:elasticloadbalancing/loadBalancer:LoadBalancer", "aws:elasticloadbalancingv2/loadBalancer:LoadBalancer",
	"aws:applicationloadbalancing/loadBalancer:LoadBalancer",
}

deny contains violation("private-balancer", "set internal: it would be reachable past the API") if {
	input.type in balancers
	not_yes(property(["internal"]))
}

deny contains violation("private-balancer", "type LoadBalancer makes a public load balancer: publish the service by an Ingress") if {
	kind == "Service"
	property(["spec", "type"]) == "LoadBalancer"
}

deny contains violation("private-balancer", "externalIPs take requests past the API") if {
	kind == "Service"
	count(list(property(["spec", "externalIPs"]))) > 0
}

deny contains violation("private-balancer", "the scheme internet-facing makes a public load balancer") if {
	kind in {"Ingress", "Service", "IngressClassParams"}
	some scheme in [
		property(["metadata", "annotations", "alb.ingress.kubernetes.io/scheme"]),
		property(["metadata", "annotations", "service.beta.kubernetes.io/aws-load-balancer-scheme"]),
		property(["spec", "scheme"]),
	]
	scheme == "internet-facing"
}

# https://docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html: it is public to all unless something is said.
deny contains violation("private-cluster", "its API is open to the internet: set publicAccessCidrs, or turn endpointPublicAccess off") if {
	input.type == "aws:eks/cluster:Cluster"
	configuration := object.get(input.properties, "vpcConfig", {})
	is_object(configuration)
	public := object.get(configuration, "endpointPublicAccess", true)
	yes(public)
	some range in world_by_default(object.get(configuration, "publicAccessCidrs", null))
	wide_range(range)
}

world_by_default(given) := ["0.0.0.0/0"] if given in {null, []}

world_by_default(given) := list(given) if not given in {null, []}

# Without "from" a rule admits everybody, and so do ranges of the whole internet.
deny contains violation("network-policies", "an ingress rule admits everybody: say from whom") if {
	kind == "NetworkPolicy"
	some rule in list(property(["spec", "ingress"]))
	object.get(rule, "from", []) in {null, []}
}

deny contains violation("network-policies", sprintf("an ingress rule admits %s", [range])) if {
	kind == "NetworkPolicy"
	some rule in list(property(["spec", "ingress"]))
	some peer in list(object.get(rule, "from", []))
	range := object.get(peer, ["ipBlock", "cidr"], "")
	wide_range(range)
}

# An empty selector chooses all namespaces; one that is alone, all their pods.
deny contains violation("network-policies", "an ingress rule admits the pods of all namespaces") if {
	kind == "NetworkPolicy"
	some rule in list(property(["spec", "ingress"]))
	some peer in list(object.get(rule, "from", []))
	object.get(peer, "namespaceSelector", null) == {}
	object.get(peer, "podSelector", {}) == {}
}

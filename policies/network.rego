package apigateway

import rego.v1

world := {"0.0.0.0/0", "::/0"}

deny contains violation("no-world-access", sprintf("it admits %s", [range])) if {
	input.type == "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
	some key in ["cidrIpv4", "cidrIpv6"]
	range := input.properties[key]
	range in world
}

deny contains violation("no-world-access", sprintf("it admits %s", [range])) if {
	input.type == "aws:ec2/securityGroup:SecurityGroup"
	some rule in input.properties.ingress
	some key in ["cidrBlocks", "ipv6CidrBlocks"]
	some range in rule[key]
	range in world
}

deny contains violation("no-world-access", sprintf("it admits %s", [range])) if {
	input.type == "aws:ec2/securityGroupRule:SecurityGroupRule"
	input.properties.type == "ingress"
	some key in ["cidrBlocks", "ipv6CidrBlocks"]
	some range in input.properties[key]
	range in world
}

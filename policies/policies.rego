# What every gateway of this project keeps to. Each rule says of one resource what is wrong with it:
# the input is its type token, its name and its input properties, as the program declares them. Values that
# are not known before the resource exists are skipped: an update looks at them again.
package apigateway

import rego.v1

# What each policy is about. All of them are mandatory.
policies := {
	"rest-api-policy": "a REST API carries its resource policy itself, at its top level",
	"access-logs": "every stage writes access logs",
	"modern-tls": "domain names speak TLS 1.2 or later",
	"private-balancer": "load balancers are internal: the way in is the API",
	"no-world-access": "no security group admits the whole internet",
	"imds-v2": "instance metadata takes tokens only",
	"encrypted-disks": "the nodes' disks are encrypted",
	"launch-template": "nodes start from a launch template, which says how they are hardened",
	"no-wildcard-actions": "permissions name their actions",
	"no-broad-managed-policies": "no administrator or full-access policy is attached",
	"no-open-roles": "roles name who may assume them",
}

violation(policy, message) := {"policy": policy, "message": message}

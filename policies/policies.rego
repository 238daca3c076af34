# What every gateway of this project keeps to. Each rule says of one resource what is wrong with it:
# the input is its type token, its name and its input properties, as the program declares them. Values that
# are not known before the resource exists are skipped: an update looks at them again.
package apigateway

import rego.v1

# What each policy is about.
policies := {
	"rest-api-policy": "a REST API carries its resource policy itself, at its top level, and it names callers",
	"methods-authenticate": "every method says how its callers are authenticated",
	"api-keys-authenticate-nobody": "an API key alone lets nobody in",
	"no-credentials-for-all-origins": "CORS gives no credentials to every origin",
	"access-logs": "every stage writes access logs",
	"no-bodies-in-logs": "bodies and headers are not logged",
	"encrypted-cache": "cached answers are encrypted",
	"modern-tls": "domain names and listeners speak TLS 1.2 or later",
	"private-balancer": "load balancers are internal: the way in is the API",
	"private-cluster": "the cluster's API is not open to the internet",
	"private-nodes": "nodes have no public address",
	"no-world-access": "no security group admits the whole internet",
	"network-policies": "a NetworkPolicy says who is admitted",
	"imds-v2": "instance metadata takes tokens only, and is one hop away",
	"encrypted-disks": "disks are encrypted",
	"launch-template": "nodes start from a launch template, which says how they are hardened",
	"restricted-pods": "pods keep to the Pod Security Standard restricted",
	"baseline-pods": "pods that keep to less than restricted are told",
	"read-only-root": "containers cannot change their root file system",
	"no-secrets-in-plain-text": "what is secret stands in a Secret",
	"readable-policies": "policies can be read, and so judged",
	"no-wildcard-actions": "permissions name their actions",
	"named-resources": "permissions by which others are got name their resources",
	"no-broad-managed-policies": "no administrator or full-access policy is attached",
	"no-open-roles": "roles name who may assume them",
	"federated-subjects": "roles for identities of elsewhere name audience and subject",
	"no-open-resource-policies": "resources are not public",
}

# Those that are told and stop nothing: there are reasons to do it all the same.
advisory := {"private-cluster", "api-keys-authenticate-nobody", "baseline-pods"}

violation(policy, message) := {"policy": policy, "message": message}

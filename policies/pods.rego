package apigateway

import rego.v1

# kind is a Kubernetes object's: the type token is kubernetes:GROUP/VERSION:KIND, or of a patch KINDPatch.
kind := trim_suffix(split(input.type, ":")[2], "Patch") if startswith(input.type, "kubernetes:")

# Where the pods of each kind of workload are described.
pod_paths := {
	"Pod": ["spec"],
	"PodTemplate": ["template", "spec"],
	"CronJob": ["spec", "jobTemplate", "spec", "template", "spec"],
	"Deployment": ["spec", "template", "spec"],
	"DaemonSet": ["spec", "template", "spec"],
	"StatefulSet": ["spec", "template", "spec"],
	"ReplicaSet": ["spec", "template", "spec"],
	"ReplicationController": ["spec", "template", "spec"],
	"Job": ["spec", "template", "spec"],
}

pod := spec if {
	spec := property(pod_paths[kind])
	is_object(spec)
}

containers contains container if {
	some group in ["containers", "initContainers", "ephemeralContainers"]
	some container in list(object.get(pod, group, []))
	is_object(container)
}

context(container) := object_or_empty(object.get(container, "securityContext", {}))

pod_context := object_or_empty(object.get(pod, "securityContext", {}))

# kube2iam hands roles to pods by redirecting the metadata address of its node, which takes the node's network and the
# right to change its packet filter; it is made with podRole kube2iam alone, and nothing else is let off for it.
redirects_metadata if {
	kind == "DaemonSet"
	property(["metadata", "namespace"]) == "kube-system"
	property(["metadata", "name"]) == "kube2iam"
	every container in containers {
		regex.match(`^docker\.io/jtblin/kube2iam[:@]`, container.image)
	}
}

# Pods whose service says podSecurity: baseline are labeled so. What baseline leaves open is told of them, and stops nothing.
chosen_baseline if {
	path := pod_paths[kind]
	labels := array.concat(array.slice(path, 0, count(path) - 1), ["metadata", "labels"])
	object_or_empty(property(labels))["apigateway-ingress/pod-security"] == "baseline"
}

deny contains violation("baseline-pods", "its pods keep to the standard baseline only, as its podSecurity says") if chosen_baseline

restricted contains "hostNetwork: pods share the node's network" if {
	yes(object.get(pod, "hostNetwork", false))
	not redirects_metadata
}

restricted contains sprintf("%s: pods see what is the node's", [key]) if {
	some key in ["hostPID", "hostIPC"]
	yes(object.get(pod, key, false))
}

restricted contains sprintf("volume %v is the node's: hostPath", [object.get(volume, "name", "")]) if {
	some volume in list(object.get(pod, "volumes", []))
	object.get(volume, "hostPath", null) != null
}

restricted contains sprintf("container %v is privileged", [container.name]) if {
	some container in containers
	yes(object.get(context(container), "privileged", false))
}

restricted contains sprintf("container %v: set allowPrivilegeEscalation to false", [container.name]) if {
	some container in containers
	value := object.get(context(container), "allowPrivilegeEscalation", true)
	yes(value)
	not redirects_metadata
	not chosen_baseline
}

restricted contains sprintf("container %v: set runAsNonRoot", [container.name]) if {
	some container in containers
	not_yes(object.get(context(container), "runAsNonRoot", object.get(pod_context, "runAsNonRoot", false)))
	not redirects_metadata
	not chosen_baseline
}

restricted contains sprintf("container %v runs as root", [container.name]) if {
	some container in containers
	user := object.get(context(container), "runAsUser", object.get(pod_context, "runAsUser", null))
	user in {0, "0"}
	not chosen_baseline
}

restricted contains sprintf("container %v: drop all capabilities", [container.name]) if {
	some container in containers
	capabilities := object.get(context(container), "capabilities", {})
	not unknown(capabilities)
	dropped := object.get(object_or_empty(capabilities), "drop", [])
	not unknown(dropped)
	not "ALL" in texts(dropped)
	not chosen_baseline
}

restricted contains sprintf("container %v gets the capability %s", [container.name, name]) if {
	some container in containers
	some name in texts(object.get(context(container), ["capabilities", "add"], []))
	not name == "NET_BIND_SERVICE"
	not kube2iam_capability(name)
}

kube2iam_capability(name) if {
	redirects_metadata
	name in {"NET_ADMIN", "NET_RAW"}
}

restricted contains sprintf("container %v: set seccompProfile to RuntimeDefault", [container.name]) if {
	some container in containers
	profile := object.get(context(container), ["seccompProfile", "type"], object.get(pod_context, ["seccompProfile", "type"], ""))
	not unknown(profile)
	not profile in {"RuntimeDefault", "Localhost"}
	not redirects_metadata
}

restricted contains sprintf("container %v takes port %v of its node", [container.name, port.hostPort]) if {
	some container in containers
	some port in list(object.get(container, "ports", []))
	object.get(port, "hostPort", 0) != 0
	not redirects_metadata
}

restricted contains sprintf("container %v: procMount is %v", [container.name, mount]) if {
	some container in containers
	mount := object.get(context(container), "procMount", "Default")
	not unknown(mount)
	mount != "Default"
}

restricted contains "windowsOptions.hostProcess: it is a process of the node" if {
	some holder in array.concat([pod_context], [context(container) | some container in containers])
	yes(object.get(holder, ["windowsOptions", "hostProcess"], false))
}

# Those of https://kubernetes.io/docs/concepts/security/pod-security-standards/
harmless_sysctls := {
	"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
	"net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes",
}

restricted contains sprintf("sysctl %v", [sysctl.name]) if {
	some sysctl in list(object.get(pod_context, "sysctls", []))
	not sysctl.name in harmless_sysctls
}

deny contains violation("restricted-pods", message) if some message in restricted

deny contains violation("restricted-pods", "the namespace lets pods do anything: enforce baseline or restricted") if {
	kind == "Namespace"
	property(["metadata", "labels", "pod-security.kubernetes.io/enforce"]) == "privileged"
}

deny contains violation("read-only-root", sprintf("container %v: set readOnlyRootFilesystem", [container.name])) if {
	some container in containers
	not_yes(object.get(context(container), "readOnlyRootFilesystem", false))
	not redirects_metadata
	not chosen_baseline
}

secret_name := `(?i)(^|_)(password|passwd|secret|secret_key|secret_access_key|access_key|api_key|private_key|token)$`

deny contains violation("no-secrets-in-plain-text", sprintf("container %v: %s is written down: take it from a Secret", [container.name, variable.name])) if {
	some container in containers
	some variable in list(object.get(container, "env", []))
	value := object.get(variable, "value", "")
	is_string(value)
	value != ""
	not unknown(value)
	secret_value(variable.name, value)
}

deny contains violation("no-secrets-in-plain-text", sprintf("%s is written down: make it a Secret", [key])) if {
	kind == "ConfigMap"
	some key, value in object_or_empty(property(["data"]))
	is_string(value)
	value != ""
	not unknown(value)
	secret_value(key, value)
}

secret_value(name, _) if regex.match(secret_name, name)

secret_value(_, value) if regex.match(`\b(AKIA|ASIA)[0-9A-Z]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----`, value)

deny contains violation("named-resources", "a rule allows every verb, or every resource") if {
	kind in {"ClusterRole", "Role"}
	some rule in list(property(["rules"]))
	some key in ["verbs", "resources"]
	"*" in texts(object.get(rule, key, []))
}

deny contains violation("named-resources", sprintf("a rule allows to %s: who may can have any permission", [verb])) if {
	kind in {"ClusterRole", "Role"}
	some rule in list(property(["rules"]))
	some verb in texts(object.get(rule, "verbs", []))
	verb in {"escalate", "bind", "impersonate"}
}

deny contains violation("no-broad-managed-policies", "it binds cluster-admin") if {
	kind in {"ClusterRoleBinding", "RoleBinding"}
	property(["roleRef", "name"]) == "cluster-admin"
}

deny contains violation("no-open-roles", sprintf("it binds %s", [subject.name])) if {
	kind in {"ClusterRoleBinding", "RoleBinding"}
	some subject in list(property(["subjects"]))
	subject.name in {"system:anonymous", "system:unauthenticated", "system:authenticated", "system:serviceaccounts"}
}

deny contains violation("no-broad-managed-policies", "it puts somebody into system:masters") if {
	input.type == "aws:eks/accessEntry:AccessEntry"
	"system:masters" in texts(property(["kubernetesGroups"]))
}

package policies_test

import (
	"fmt"
	"maps"
)

// judged is a resource, and the policies that it breaks.
type judged struct {
	token  string
	inputs properties
	want   []string
}

const (
	method       = "aws:apigateway/method:Method"
	stage        = "aws:apigateway/stage:Stage"
	balancer     = "aws:lb/loadBalancer:LoadBalancer"
	cluster      = "aws:eks/cluster:Cluster"
	rolePolicy   = "aws:iam/rolePolicy:RolePolicy"
	permission   = "aws:lambda/permission:Permission"
	bucketPolicy = "aws:s3/bucketPolicy:BucketPolicy"
	instance     = "aws:ec2/instance:Instance"
	pod          = "kubernetes:core/v1:Pod"
	networkRules = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
	callers      = `{"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*", "Condition": {"ArnEquals": {"aws:PrincipalArn": ["arn:aws:iam::111122223333:user/a"]}}}`
	allowAll     = `{"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}`
)

func judgedCases() (all []judged) {
	add := func(token string, inputs properties, want ...string) { all = append(all, judged{token, inputs, want}) }
	apiCases(add)
	methodCases(add)
	networkCases(add)
	nodeCases(add)
	podCases(add)
	permissionCases(add)
	trustCases(add)
	resourcePolicyCases(add)
	return all
}

type adder func(token string, inputs properties, want ...string)

func apiCases(add adder) {
	const body = `{"paths": {}}`
	withPolicy := func(policy any, want ...string) { add(api, properties{"policy": policy, "body": body}, want...) }
	withPolicy(document(callers))
	withPolicy(document(callers + `,` + `{"Effect": "Deny", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*", "Condition": {"ArnNotEquals": {"aws:PrincipalArn": ["arn:aws:iam::111122223333:user/a"]}}}`))
	withPolicy(document(`{"Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam::111122223333:root"]}, "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}`))
	withPolicy(document(`{"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*", "Condition": {"Null": {"aws:PrincipalArn": ["true"]}}}`))
	withPolicy(document(allowAll + `, {"Effect": "Deny", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*", "Condition": {"NotIpAddress": {"aws:SourceIp": ["203.0.113.0/24"]}}}`))
	withPolicy(document(`{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "execute-api:Invoke", "Resource": "execute-api:/*", "Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}}`))
	withPolicy(document(allowAll), "rest-api-policy")
	withPolicy(`{"Statement": `+allowAll+`}`, "rest-api-policy")
	withPolicy(properties{"Statement": []any{properties{"Effect": "Allow",
		"Principal": properties{"AWS": []any{"arn:aws:iam::111122223333:user/a", "*"}}, "Action": "*", "Resource": "*"}}}, "rest-api-policy")
	withPolicy(document(`{"Effect": "Allow", "NotPrincipal": {"AWS": "arn:aws:iam::111122223333:user/a"}, "Action": "execute-api:Invoke", "Resource": "*"}`), "rest-api-policy")
	withPolicy(document(`{"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "*", "Condition": {"StringLike": {"aws:PrincipalArn": "*"}}}`), "rest-api-policy")
	withPolicy(document(`{"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}}`), "rest-api-policy")
	withPolicy(document(`{"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "*", "Condition": {"StringEqualsIfExists": {"aws:SourceVpce": "vpce-1"}}}`), "rest-api-policy")
	withPolicy(document(`{"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "*", "Condition": {"StringLike": {"aws:UserAgent": "curl*"}}}`), "rest-api-policy")
	withPolicy(document(allowAll+`, {"Effect": "Deny", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/prod/GET/admin", "Condition": {"NotIpAddress": {"aws:SourceIp": ["203.0.113.0/24"]}}}`), "rest-api-policy")
	withPolicy(document(allowAll+`, {"Effect": "Deny", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "*", "Condition": {"NotIpAddress": {"aws:SourceIp": ["0.0.0.0/0"]}}}`), "rest-api-policy")
	withPolicy(`{"Statement": [`, "rest-api-policy")
	secret := properties{"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": document(allowAll)}
	withPolicy(secret, "rest-api-policy")
	secret = maps.Clone(secret)
	delete(secret, "value")
	secret["plaintext"] = fmt.Sprintf("%q", document(allowAll))
	withPolicy(secret, "rest-api-policy")
	withPolicy(properties{"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:x"})
	add("aws:apigateway/domainName:DomainName", properties{"policy": document(allowAll)}, "rest-api-policy")
	add("aws:apigatewayv2/domainName:DomainName", properties{"domainNameConfiguration": properties{"securityPolicy": "TLS_1_0"}}, "modern-tls")
	add("aws:lb/listener:Listener", properties{"sslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06"})
	add("aws:lb/listener:Listener", properties{"sslPolicy": "ELBSecurityPolicy-2016-08"}, "modern-tls")
	add("aws:lb/listener:Listener", properties{"sslPolicy": "ELBSecurityPolicy-TLS13-1-0-2021-06"}, "modern-tls")
	add(stage, properties{"accessLogSettings": unknown})
	add(stage, properties{"accessLogSettings": properties{}}, "access-logs")
	add(stage, properties{"accessLogSettings": properties{"destinationArn": "", "format": "x"}}, "access-logs")
	add("aws:apigatewayv2/stage:Stage", properties{"name": "$default"}, "access-logs")
	settings := func(settings properties, want ...string) {
		add("aws:apigateway/methodSettings:MethodSettings", properties{"settings": settings}, want...)
	}
	settings(properties{"dataTraceEnabled": false, "cachingEnabled": true, "cacheDataEncrypted": true})
	settings(properties{"dataTraceEnabled": true}, "no-bodies-in-logs")
	settings(properties{"cachingEnabled": true}, "encrypted-cache")
}

func methodCases(add adder) {
	definition := func(body string, want ...string) {
		add(api, properties{"policy": document(callers), "body": body}, want...)
	}
	const keys = `"components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "x-api-key"}, "sigv4": {"type": "apiKey", "in": "header", "name": "Authorization", "x-amazon-apigateway-authtype": "awsSigv4"}}}`
	definition(`{"paths": {"/a": {"get": {"security": [{"sigv4": []}]}, "parameters": []}}, ` + keys + `}`)
	definition(`{"paths": {"/a": {"get": {"security": [{"sigv4": [], "key": []}]}}}, ` + keys + `}`)
	definition(`{"paths": {"/a": {"get": {"security": []}, "options": {}}}}`)
	definition(`{"security": [{"sigv4": []}], "paths": {"/a": {"get": {}}}, ` + keys + `}`)
	definition(`{"paths": {"/a": {"get": {"x-amazon-apigateway-auth": {"type": "AWS_IAM"}}}}}`)
	definition(unknown)
	definition(`{"paths": {"/a": {"get": {"security": [{"sigv4": []}]}, "post": {}}}, `+keys+`}`, "methods-authenticate")
	definition(`{"paths": {"/a": {"x-amazon-apigateway-any-method": {"responses": {}}}}}`, "methods-authenticate")
	definition(`{"paths": {"/a": {"get": {"security": [{"key": []}]}}}, `+keys+`}`, "api-keys-authenticate-nobody")
	definition(`{"paths": {"/a": {"get": {"security": [{"sigv4": []}, {"key": []}]}}}, `+keys+`}`, "api-keys-authenticate-nobody")
	definition(`{"swagger": "2.0", "security": [{"key": []}], "securityDefinitions": {"key": {"type": "apiKey"}}, "paths": {"/a": {"get": {}}}}`, "api-keys-authenticate-nobody")
	add(api, properties{"policy": document(callers), "body": properties{"paths": properties{"/a": properties{"get": properties{}}}}},
		"methods-authenticate")
	add(method, properties{"httpMethod": "GET", "authorization": "AWS_IAM"})
	add(method, properties{"httpMethod": "OPTIONS", "authorization": "NONE"})
	add(method, properties{"httpMethod": "GET", "authorization": unknown})
	add(method, properties{"httpMethod": "GET", "authorization": "NONE"}, "methods-authenticate")
	add(method, properties{"httpMethod": "GET", "authorization": "NONE", "apiKeyRequired": true}, "methods-authenticate")
	add("aws:apigatewayv2/route:Route", properties{"routeKey": "GET /a", "authorizationType": "JWT"})
	add("aws:apigatewayv2/route:Route", properties{"routeKey": "GET /a"}, "methods-authenticate")
	add("aws:lambda/functionUrl:FunctionUrl", properties{"authorizationType": "NONE"}, "methods-authenticate")
	cors := func(origin, credentials string) string {
		return fmt.Sprintf(`{"paths": {"/a": {"options": {"x-amazon-apigateway-integration": {"responses": {"default": {"responseParameters": {
			"method.response.header.Access-Control-Allow-Origin": "'%s'", "method.response.header.access-control-allow-credentials": "'%s'"}}}}}}}}`, origin, credentials)
	}
	definition(cors("https://shop.example.com", "true"))
	definition(cors("*", "false"))
	definition(cors("*", "true"), "no-credentials-for-all-origins")
	add("aws:apigateway/response:Response", properties{"responseParameters": properties{
		"gatewayresponse.header.Access-Control-Allow-Origin": "'*'", "gatewayresponse.header.Access-Control-Allow-Credentials": "'true'"}},
		"no-credentials-for-all-origins")
	add("aws:apigatewayv2/api:Api", properties{"corsConfiguration": properties{"allowCredentials": true,
		"allowOrigins": []any{"https://a.example.com"}}})
	add("aws:apigatewayv2/api:Api", properties{"corsConfiguration": properties{"allowCredentials": true, "allowOrigins": []any{"*"}}},
		"no-credentials-for-all-origins")
}

func networkCases(add adder) {
	for _, token := range []string{balancer, "aws:alb/loadBalancer:LoadBalancer", "aws:elb/loadBalancer:LoadBalancer",
		"aws:elasticloadbalancingv2/loadBalancer:LoadBalancer"} {
		add(token, properties{"internal": "true"})
		add(token, properties{"internal": unknown})
		add(token, properties{"internal": "false"}, "private-balancer")
		add(token, properties{}, "private-balancer")
	}
	add("kubernetes:core/v1:ServicePatch", properties{"spec": properties{"type": "LoadBalancer"}}, "private-balancer")
	add("kubernetes:core/v1:Service", properties{"spec": properties{"externalIPs": []any{"198.51.100.7"}}}, "private-balancer")
	add("kubernetes:networking.k8s.io/v1:Ingress", properties{"metadata": properties{"annotations": properties{"alb.ingress.kubernetes.io/scheme": "internet-facing"}}}, "private-balancer")
	for _, open := range []string{"0.0.0.0/0", "::/0", " 0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "0:0:0:0:0:0:0:0/0", "2000::/3"} {
		add(rule, properties{"cidrIpv4": open}, "no-world-access")
		add(rule, properties{"cidrIpv6": open}, "no-world-access")
		add(group, properties{"ingress": []any{properties{"fromPort": 443.0, "ipv6CidrBlocks": []any{open}}}}, "no-world-access")
		add("aws:ec2/securityGroupRule:SecurityGroupRule", properties{"type": "ingress", "cidrBlocks": []any{open}}, "no-world-access")
	}
	add("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", properties{"ingress": []any{properties{"cidrBlocks": []any{"0.0.0.0/0"}}}},
		"no-world-access")
	add(rule, properties{"cidrIpv4": unknown, "cidrIpv6": "fd00::/16"})
	add(group, properties{"ingress": unknown})
	add(group, properties{"ingress": []any{properties{"cidrBlocks": unknown}}})
	withRemoteAccess := func(access any, want ...string) {
		add("aws:eks/nodeGroup:NodeGroup", properties{"launchTemplate": properties{"id": "lt-1"}, "remoteAccess": access}, want...)
	}
	withRemoteAccess(properties{"ec2SshKey": "k", "sourceSecurityGroupIds": []any{"sg-1"}})
	withRemoteAccess(properties{"ec2SshKey": "k"}, "no-world-access")
	public := func(configuration any, want ...string) { add(cluster, properties{"vpcConfig": configuration}, want...) }
	public(properties{"endpointPublicAccess": false})
	public(properties{"endpointPublicAccess": true, "publicAccessCidrs": []any{"203.0.113.0/24"}})
	public(properties{"endpointPublicAccess": true, "publicAccessCidrs": unknown})
	public(unknown)
	public(properties{"endpointPublicAccess": true}, "private-cluster")
	public(properties{"endpointPublicAccess": true, "publicAccessCidrs": []any{"203.0.113.0/24", "0.0.0.0/0"}}, "private-cluster")
	public(properties{"subnetIds": []any{"a"}}, "private-cluster")
	admits := func(ingress any, want ...string) {
		add(networkRules, properties{"spec": properties{"ingress": ingress}}, want...)
	}
	admits([]any{properties{"from": []any{properties{"podSelector": properties{}}}}})
	admits([]any{properties{"from": []any{properties{"namespaceSelector": properties{"matchLabels": properties{"a": "b"}}}}}})
	admits([]any{properties{"from": []any{properties{"ipBlock": properties{"cidr": unknown}}}}})
	admits([]any{})
	admits([]any{properties{}}, "network-policies")
	admits([]any{properties{"from": []any{properties{"ipBlock": properties{"cidr": "0.0.0.0/0"}}}}}, "network-policies")
	admits([]any{properties{"from": []any{properties{"namespaceSelector": properties{}}}}}, "network-policies")
}

func nodeCases(add adder) {
	hops := func(metadata any, want ...string) {
		add(template, properties{"metadataOptions": metadata, "blockDeviceMappings": disks}, want...)
	}
	hops(properties{"httpTokens": "required", "httpPutResponseHopLimit": unknown})
	hops(properties{"httpEndpoint": "disabled"})
	hops(unknown)
	hops(properties{"httpTokens": "required", "httpPutResponseHopLimit": 2.0}, "imds-v2")
	hops(properties{"httpTokens": "required"}, "imds-v2")
	add(instance, properties{"metadataOptions": tokens, "rootBlockDevice": properties{"encrypted": true},
		"ebsBlockDevices": []any{properties{"encrypted": true}}})
	add(instance, properties{"rootBlockDevice": properties{"encrypted": true}}, "imds-v2")
	add(instance, properties{"metadataOptions": tokens}, "encrypted-disks")
	add(instance, properties{"metadataOptions": tokens, "rootBlockDevice": properties{"encrypted": true},
		"ebsBlockDevices": []any{properties{"deviceName": "x"}}}, "encrypted-disks")
	add(instance, properties{"metadataOptions": tokens, "rootBlockDevice": properties{"encrypted": true},
		"associatePublicIpAddress": true}, "private-nodes")
	add(template, properties{"metadataOptions": tokens, "blockDeviceMappings": disks,
		"networkInterfaces": []any{properties{"associatePublicIpAddress": "true"}}}, "private-nodes")
	add("aws:ebs/volume:Volume", properties{"encrypted": true})
	add("aws:ebs/volume:Volume", properties{}, "encrypted-disks")
	add("aws:efs/fileSystem:FileSystem", properties{"encrypted": false}, "encrypted-disks")
	add("aws:ebs/encryptionByDefault:EncryptionByDefault", properties{"enabled": false}, "encrypted-disks")
}

// hardened is a container that passes, with changes.
func hardened(context, rest properties) properties {
	secured := properties{
		"allowPrivilegeEscalation": false, "runAsNonRoot": true, "readOnlyRootFilesystem": true,
		"capabilities": properties{"drop": []any{"ALL"}}, "seccompProfile": properties{"type": "RuntimeDefault"},
	}
	maps.Copy(secured, context)
	container := properties{"name": "c", "image": "books:1.0", "securityContext": secured}
	maps.Copy(container, rest)
	return container
}

// baselineCases are pods of a service that says podSecurity: baseline, and those that only look like it.
func baselineCases(add adder) {
	of := func(standard string, container, rest properties) properties {
		spec := properties{"containers": []any{container}, "securityContext": properties{"seccompProfile": properties{"type": "RuntimeDefault"}}}
		maps.Copy(spec, rest)
		return properties{"spec": properties{"template": properties{
			"metadata": properties{"labels": properties{"apigateway-ingress/pod-security": standard}}, "spec": spec}}}
	}
	const deployment = "kubernetes:apps/v1:Deployment"
	plain := properties{"name": "c", "image": "web:1"}
	add(deployment, of("baseline", plain, nil), "baseline-pods")
	add(deployment, of("baseline", properties{"name": "c", "image": "web:1", "securityContext": properties{"runAsUser": 0.0}}, nil), "baseline-pods")
	add(deployment, of("privileged", plain, nil), "read-only-root", "restricted-pods")
	add(deployment, of("baseline", properties{"name": "c", "image": "web:1", "securityContext": properties{"privileged": true}}, nil),
		"baseline-pods", "restricted-pods")
	add(deployment, of("baseline", plain, properties{"hostNetwork": true}), "baseline-pods", "restricted-pods")
	add(deployment, of("baseline", properties{"name": "c", "image": "web:1",
		"securityContext": properties{"capabilities": properties{"add": []any{"SYS_ADMIN"}}}}, nil), "baseline-pods", "restricted-pods")
}

func podCases(add adder) {
	spec := func(container, rest properties) properties {
		spec := properties{"containers": []any{hardened(nil, nil), container}}
		maps.Copy(spec, rest)
		return spec
	}
	good := hardened(nil, nil)
	add(pod, properties{"spec": spec(good, nil)})
	add(pod, properties{"spec": unknown})
	add(pod, properties{"spec": spec(hardened(properties{"capabilities": properties{"drop": []any{"ALL"},
		"add": []any{"NET_BIND_SERVICE"}}}, nil), nil)})
	for _, c := range []properties{
		hardened(properties{"privileged": true}, nil), hardened(properties{"allowPrivilegeEscalation": true}, nil),
		hardened(properties{"runAsNonRoot": false}, nil),
		hardened(properties{"runAsUser": 0.0}, nil), hardened(properties{"capabilities": properties{"drop": []any{"ALL"},
			"add": []any{"SYS_ADMIN"}}}, nil), hardened(properties{"capabilities": nil}, nil),
		hardened(properties{"seccompProfile": properties{"type": "Unconfined"}}, nil), hardened(properties{"procMount": "Unmasked"}, nil),
		hardened(properties{"windowsOptions": properties{"hostProcess": true}}, nil),
		hardened(nil, properties{"ports": []any{properties{"hostPort": 80.0}}}),
	} {
		for token, inputs := range workloads(spec(c, nil)) {
			add(token, inputs, "restricted-pods")
		}
		add(pod, properties{"spec": spec(good, properties{"initContainers": []any{c}})}, "restricted-pods")
	}
	for _, rest := range []properties{
		{"hostNetwork": true}, {"hostPID": true}, {"hostIPC": "true"},
		{"volumes": []any{properties{"name": "v", "hostPath": properties{"path": "/"}}}},
		{"securityContext": properties{"sysctls": []any{properties{"name": "kernel.msgmax", "value": "1"}}}},
	} {
		for token, inputs := range workloads(spec(good, rest)) {
			add(token, inputs, "restricted-pods")
		}
	}
	add(pod, properties{"spec": properties{"containers": []any{properties{"name": "c", "image": "x"}}}}, "read-only-root", "restricted-pods")
	add(pod, properties{"spec": spec(hardened(properties{"readOnlyRootFilesystem": false}, nil), nil)}, "read-only-root")
	baselineCases(add)
	agent := func(namespace, image string) properties {
		return properties{"metadata": properties{"name": "kube2iam", "namespace": namespace},
			"spec": properties{"template": properties{"spec": properties{
				"hostNetwork": true, "containers": []any{properties{"name": "kube2iam", "image": image,
					"securityContext": properties{"capabilities": properties{"drop": []any{"ALL"}, "add": []any{"NET_ADMIN"}}}}}}}}}
	}
	add("kubernetes:apps/v1:DaemonSet", agent("kube-system", "docker.io/jtblin/kube2iam:0.11.2"))
	add("kubernetes:apps/v1:DaemonSet", agent("default", "docker.io/jtblin/kube2iam:0.11.2"), "read-only-root", "restricted-pods")
	add("kubernetes:apps/v1:DaemonSet", agent("kube-system", "docker.io/evil/kube2iam:0.11.2"), "read-only-root", "restricted-pods")
	enforced := func(level string) properties {
		return properties{"metadata": properties{"labels": properties{"pod-security.kubernetes.io/enforce": level}}}
	}
	add("kubernetes:core/v1:Namespace", enforced("baseline"))
	add("kubernetes:core/v1:Namespace", enforced("privileged"), "restricted-pods")
	variable := func(name string, rest properties) properties {
		variable := properties{"name": name}
		maps.Copy(variable, rest)
		return properties{"spec": spec(hardened(nil, properties{"env": []any{variable}}), nil)}
	}
	add(pod, variable("DB_PASSWORD", properties{"valueFrom": properties{"secretKeyRef": properties{"name": "db", "key": "password"}}}))
	add(pod, variable("AWS_WEB_IDENTITY_TOKEN_FILE", properties{"value": "/var/run/token"}))
	add(pod, variable("DB_PASSWORD", properties{"value": "hunter2"}), "no-secrets-in-plain-text")
	add(pod, variable("KEY_ID", properties{"value": "AKIAIOSFODNN7EXAMPLE"}), "no-secrets-in-plain-text")
	add("kubernetes:core/v1:ConfigMap", properties{"data": properties{"nginx.conf": "events {}"}})
	add("kubernetes:core/v1:ConfigMap", properties{"data": properties{"tls.key": "-----BEGIN PRIVATE KEY-----\nx"}},
		"no-secrets-in-plain-text")
	rules := func(rule properties) properties { return properties{"rules": []any{rule}} }
	add("kubernetes:rbac.authorization.k8s.io/v1:ClusterRole", rules(properties{"verbs": []any{"get"}, "resources": []any{"pods"}}))
	add("kubernetes:rbac.authorization.k8s.io/v1:ClusterRole", rules(properties{"verbs": []any{"*"}, "resources": []any{"pods"}}),
		"named-resources")
	add("kubernetes:rbac.authorization.k8s.io/v1:Role", rules(properties{"verbs": []any{"escalate"}, "resources": []any{"roles"}}),
		"named-resources")
	add("kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding", properties{"roleRef": properties{"name": "cluster-admin"}},
		"no-broad-managed-policies")
	add("kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding",
		properties{"roleRef": properties{"name": "view"}, "subjects": []any{properties{"kind": "Group", "name": "system:authenticated"}}},
		"no-open-roles")
	add("aws:eks/accessEntry:AccessEntry", properties{"kubernetesGroups": []any{"system:masters"}}, "no-broad-managed-policies")
}

// workloads are all kinds of objects that make such pods.
func workloads(spec properties) map[string]properties {
	template := properties{"template": properties{"spec": spec}}
	all := map[string]properties{
		pod: {"spec": spec}, "kubernetes:core/v1:PodTemplate": template,
		"kubernetes:batch/v1:CronJob": {"spec": properties{"jobTemplate": properties{"spec": template}}},
	}
	for _, token := range []string{"apps/v1:Deployment", "apps/v1:DeploymentPatch", "apps/v1:DaemonSet", "apps/v1:StatefulSet",
		"apps/v1:ReplicaSet", "core/v1:ReplicationController", "batch/v1:Job"} {
		all["kubernetes:"+token] = properties{"spec": template}
	}
	return all
}

func permissionCases(add adder) {
	for action, broad := range map[string]bool{
		"s3:GetObject": false, "s3:Get*": false, "ec2:Describe*": false, "*": true, "*:*": true, "iam:*": true, "IAM:*": true, "i*m:*": true,
		"s3:Put*": true, "s3:*Object": true,
		"iam:Create?ser": true, "iam:PassRol*": true, "secretsmanager:Get*": true, "lambda:Invoke*": true, "sts:Assume*": true,
	} {
		var want []string
		if broad {
			want = []string{"no-wildcard-actions"}
		}
		single := document(fmt.Sprintf(`{"Effect": "Allow", "Action": %q, "Resource": "arn:aws:s3:::b/*"}`, action))
		several := document(fmt.Sprintf(`{"Effect": "Allow", "Action": ["s3:GetObject", %q], "Resource": ["arn:aws:s3:::b/*"]}`, action))
		for _, token := range []string{rolePolicy, "aws:iam/userPolicy:UserPolicy", "aws:iam/groupPolicy:GroupPolicy", "aws:iam/policy:Policy"} {
			add(token, properties{"policy": single}, want...)
			add(token, properties{"policy": several}, want...)
		}
		add(role, properties{"inlinePolicies": []any{properties{"name": "x", "policy": several}}}, want...)
	}
	add(rolePolicy, properties{"policy": `{"Statement": [`}, "readable-policies")
	add(rolePolicy, properties{"policy": document(`{"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "arn:aws:s3:::b/*"}`)},
		"named-resources")
	add(rolePolicy, properties{"policy": document(`{"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"}`)}, "named-resources")
	add(rolePolicy, properties{"policy": document(`{"Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": "arn:aws:iam::111122223333:role/*"}`)}, "named-resources")
	add(rolePolicy, properties{"policy": document(`{"Effect": "Allow", "Action": ["iam:CreateAccessKey"], "Resource": ["arn:aws:iam::*:user/*"]}`)}, "named-resources")
	add(rolePolicy, properties{"policy": document(`{"Effect": "Allow", "Action": ["iam:PassRole"], "Resource": "arn:aws:iam::111122223333:role/x"}`)})
	for _, arn := range []string{"arn:aws:iam::aws:policy/PowerUserAccess", "arn:aws:iam::aws:policy/IAMFullAccess",
		"arn:aws-us-gov:iam::aws:policy/job-function/SystemAdministrator", "arn:aws:iam::aws:policy/AWSLambda_FullAccess"} {
		add("aws:iam/groupPolicyAttachment:GroupPolicyAttachment", properties{"policyArn": arn}, "no-broad-managed-policies")
		add("aws:iam/policyAttachment:PolicyAttachment", properties{"policyArn": arn}, "no-broad-managed-policies")
		add("aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive", properties{"policyArns": []any{arn}},
			"no-broad-managed-policies")
		add("aws:ssoadmin/managedPolicyAttachment:ManagedPolicyAttachment", properties{"managedPolicyArn": arn}, "no-broad-managed-policies")
	}
	add("aws:iam/policyAttachment:PolicyAttachment", properties{"policyArn": unknown})
}

func trustCases(add adder) {
	trust := func(statement string, want ...string) {
		add(role, properties{"assumeRolePolicy": document(statement)}, want...)
	}
	trust(`{"Effect": "Allow", "NotPrincipal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "sts:AssumeRole"}`, "no-open-roles")
	trust(`{"Effect": "Allow", "Principal": {"Federated": "*"}, "Action": "sts:AssumeRoleWithSAML"}`, "federated-subjects", "no-open-roles")
	trust(`{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}`)
	trust(`{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole", "Condition": {"StringLike": {"aws:PrincipalArn": "*"}}}`,
		"no-open-roles")
	trust(`{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:*"}`, "no-wildcard-actions")
	oidc := func(provider, condition string, want ...string) {
		trust(fmt.Sprintf(`{"Effect": "Allow", "Principal": {"Federated": %q}, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": %s}`,
			provider, condition), want...)
	}
	const (
		github = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
		eks    = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/1"
		aud    = `"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"`
	)
	oidc(github, `{"StringEquals": {`+aud+`, "token.actions.githubusercontent.com:sub": "repo:o/r:environment:production"}}`)
	oidc(github, `{"StringEquals": {`+aud+`}, "StringLike": {"token.actions.githubusercontent.com:sub": "repo:o/r:*"}}`)
	oidc(eks, `{"StringEquals": {"oidc.eks.eu-west-1.amazonaws.com/id/1:aud": "sts.amazonaws.com", "oidc.eks.eu-west-1.amazonaws.com/id/1:sub": ["system:serviceaccount:a:b"]}}`)
	oidc("cognito-identity.amazonaws.com", `{"StringEquals": {"cognito-identity.amazonaws.com:aud": "pool"}}`)
	for _, condition := range []string{
		`{}`, `{"StringEquals": {` + aud + `}}`, `{"StringEquals": {"token.actions.githubusercontent.com:sub": "repo:o/r:ref:refs/heads/main"}}`,
		`{"StringEquals": {` + aud + `}, "StringLike": {"token.actions.githubusercontent.com:sub": "*"}}`,
		`{"StringEquals": {` + aud + `}, "StringLike": {"token.actions.githubusercontent.com:sub": ["repo:o/r:*", "repo:*"]}}`,
		`{"StringEquals": {` + aud + `}, "StringEqualsIfExists": {"token.actions.githubusercontent.com:sub": "repo:o/r:ref:refs/heads/main"}}`,
		`{"StringEquals": {` + aud + `}, "ForAllValues:StringEquals": {"token.actions.githubusercontent.com:sub": "repo:o/r:ref:refs/heads/main"}}`,
		`{"StringEquals": {` + aud + `}, "StringNotEquals": {"token.actions.githubusercontent.com:sub": "repo:o/x:ref:refs/heads/main"}}`,
		`{"StringEquals": {` + aud + `}, "StringLike": {"x:sub": "system:serviceaccount:*:*"}}`,
	} {
		oidc(github, condition, "federated-subjects")
	}
	oidc("cognito-identity.amazonaws.com", `{}`, "federated-subjects")
	trust(`{"Effect": "Allow", "Principal": {"Federated": "arn:aws:iam::111122223333:saml-provider/sso"}, "Action": "sts:AssumeRoleWithSAML", "Condition": {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}}}`)
	add(role, properties{"assumeRolePolicy": unknown})
}

func resourcePolicyCases(add adder) {
	open := document(`{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}`)
	closed := document(`{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*", "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}}}`)
	for _, token := range []string{bucketPolicy, "aws:kms/key:Key", "aws:kms/keyPolicy:KeyPolicy", "aws:sqs/queuePolicy:QueuePolicy",
		"aws:sns/topicPolicy:TopicPolicy", "aws:ecr/repositoryPolicy:RepositoryPolicy", "aws:secretsmanager/secretPolicy:SecretPolicy"} {
		add(token, properties{"policy": closed})
		add(token, properties{"policy": unknown})
		add(token, properties{"policy": open}, "no-open-resource-policies")
	}
	add("aws:kms/key:Key", properties{"policy": document(`{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*"}`)})
	add("aws:cloudwatch/logResourcePolicy:LogResourcePolicy", properties{"policyDocument": open}, "no-open-resource-policies")
	add(permission, properties{"principal": "apigateway.amazonaws.com", "sourceArn": "arn:aws:execute-api:eu-west-1:111122223333:abc/*"})
	add(permission, properties{"principal": "apigateway.amazonaws.com", "sourceArn": unknown})
	add(permission, properties{"principal": "111122223333"})
	add(permission, properties{"principal": "apigateway.amazonaws.com"}, "no-open-resource-policies")
	add(permission, properties{"principal": "*", "sourceArn": "arn:aws:s3:::b"}, "no-open-resource-policies")
	add("aws:s3/bucketV2:BucketV2", properties{"acl": "private"})
	add("aws:s3/bucketV2:BucketV2", properties{"acl": "public-read"}, "no-open-resource-policies")
	add("aws:s3/bucketAclV2:BucketAclV2", properties{"accessControlPolicy": properties{"grants": []any{properties{"grantee": properties{"uri": "http://acs.amazonaws.com/groups/global/AllUsers"}}}}}, "no-open-resource-policies")
	closedBlock := properties{"blockPublicAcls": true, "blockPublicPolicy": true, "ignorePublicAcls": true, "restrictPublicBuckets": true}
	add("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", closedBlock)
	half := maps.Clone(closedBlock)
	half["blockPublicPolicy"] = false
	add("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", half, "no-open-resource-policies")
	add("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", properties{"blockPublicAcls": true}, "no-open-resource-policies")
}

package foreign

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const (
	ownBalancer  = "the gateway has a network load balancer of its own, which nobody but the VPC link reaches"
	ownHealth    = "the load balancer checks NGINX; Kubernetes' readiness probes check the services' pods"
	cognitoLogin = "API Gateway sends nobody to a login; use a Cognito authorizer (config `authorizers`), and let the client bring the token"
	partOfLogin  = "it only words the login of `auth-type`"
	noOutpost    = "API Gateway has no addresses of one's own"
)

// albAnnotations are those of the AWS Load Balancer Controller.
var albAnnotations = []Annotation{
	becomes(albPrefix, "scheme", "`internal`: config `endpointType: PRIVATE`; `internet-facing` is how it is anyway", scheme),
	needless(albPrefix, "target-type", ownBalancer+"; config `targetType` chooses how it reaches NGINX"),
	becomes(albPrefix, "certificate-arn", "`certificate-arn` with `custom-domain-name`, for one certificate and one host", albCertificate),
	{
		Name: albPrefix + "listen-ports", Outcome: NotNeeded, translate: listenPorts,
		Note: httpsOnly + ", on port 443; other ports are impossible",
	},
	needless(albPrefix, "ssl-redirect", httpsOnly),
	becomes(albPrefix, "ssl-policy", "config `securityPolicy: TLS_1_2`, API Gateway's strictest for domains",
		func(_ string, t *translation) (Outcome, string) {
			t.config("securityPolicy", "TLS_1_2")
			return Translated, ""
		}),
	becomes(albPrefix, "group.name", "`group.name`, with hyphens for dots", func(value string, t *translation) (Outcome, string) {
		t.set("group.name", strings.ReplaceAll(value, ".", "-"))
		return Translated, ""
	}),
	becomes(albPrefix, "group.order", "`group.order`", keepValue("group.order")),
	{
		Name: albPrefix + "actions.*", Outcome: Translated, translate: action,
		Note: "a forward to one Service becomes the path's backend, a redirect to HTTPS is not needed. Paths with other actions are left " +
			"out: a path has one Service, and NGINX answers nothing itself",
	},
	cannot(albPrefix, "conditions.*", "routes are chosen by host and path; a path with further conditions is left out"),
	cannot(albPrefix, "transforms.*", "paths and hosts reach the service as they are; a path with a transform is left out"),
	needless(albPrefix, "healthcheck-*", ownHealth),
	needless(albPrefix, "healthy-threshold-count", ownHealth),
	needless(albPrefix, "unhealthy-threshold-count", ownHealth),
	needless(albPrefix, "success-codes", ownHealth),
	needless(albPrefix, "subnets", ownBalancer+"; its subnets are the cluster's private ones"),
	needless(albPrefix, "security-groups", ownBalancer),
	needless(albPrefix, "manage-backend-security-group-rules", ownBalancer),
	needless(albPrefix, "load-balancer-name", ownBalancer),
	{
		Name: albPrefix + "load-balancer-attributes", Outcome: Translated, translate: balancerAttributes,
		Note: "`deletion_protection.enabled`: config `deletionProtection`. `idle_timeout.timeout_seconds` up to 29: `timeout`. Access " +
			"logs are API Gateway's. Others are impossible",
	},
	needless(albPrefix, "listener-attributes.*", "answers' headers are the services' own"),
	{
		Name: albPrefix + "target-group-attributes", Outcome: NotNeeded, translate: targetGroupAttributes,
		Note: ownBalancer + "; stickiness is impossible: " + noAffinity,
	},
	needless(albPrefix, "target-node-labels", "config `nodePort` and the cluster's node groups say where NGINX is reached"),
	becomes(albPrefix, "wafv2-acl-arn", "config `webAclArn`", intoConfig("webAclArn")),
	decidesAccess(cannot(albPrefix, "wafv2-acl-name", "a name is not enough: look its ARN up, and write it in config `webAclArn`")),
	decidesAccess(cannot(albPrefix, "waf-acl-id", "AWS has ended WAF Classic; move the rules to a web ACL and name it in config `webAclArn`")),
	cannot(albPrefix, "shield-advanced-protection", "Shield Advanced protects no API by itself; put CloudFront in front"),
	{
		Name: albPrefix + "auth-type", Outcome: Impossible, Note: cognitoLogin, Access: true,
		translate: func(value string, _ *translation) (Outcome, string) {
			if value == "none" {
				return NotNeeded, "it is off"
			}
			return Impossible, ""
		},
	},
	decidesAccess(cannot(albPrefix, "auth-idp-cognito", cognitoLogin)),
	decidesAccess(cannot(albPrefix, "auth-idp-oidc", "API Gateway sends nobody to a login; write a Lambda authorizer (config "+
		"`authorizers`) that checks the provider's tokens")),
	decidesAccess(cannot(albPrefix, "auth-on-unauthenticated-request", cognitoLogin)),
	{
		Name: albPrefix + "auth-scope", Outcome: Impossible, Access: true,
		Note: "`auth-scopes` does the same once a Cognito authorizer is named in `auth`",
	},
	needless(albPrefix, "auth-session-*", partOfLogin),
	decidesAccess(cannot(albPrefix, "jwt-validation", "write a Lambda authorizer (config `authorizers`) that checks the tokens, or use "+
		"Cognito")),
	decidesAccess(cannot(albPrefix, "mutual-authentication", clientTLS)),
	decidesAccess(cannot(albPrefix, "inbound-cidrs", noFilter)),
	decidesAccess(cannot(albPrefix, "security-group-prefix-lists", noFilter)),
	cannot(albPrefix, "tags", "Pulumi tags everything of a stack: write them in the stack's config `aws:defaultTags`"),
	{
		Name: albPrefix + "ip-address-type", Outcome: NotNeeded, Note: "API Gateway's endpoints have IPv4 addresses; `dualstack` is impossible",
		translate: func(value string, _ *translation) (Outcome, string) {
			if value == "ipv4" {
				return NotNeeded, ""
			}
			return Impossible, "the endpoint has IPv4 addresses; put CloudFront in front for IPv6"
		},
	},
	{
		Name: albPrefix + "backend-protocol", Outcome: Impossible, translate: backendProtocol,
		Note: "not needed for `HTTP`; for `HTTPS`: " + plainHTTP + ", so offer a plain HTTP port beside",
	},
	{
		Name: albPrefix + "backend-protocol-version", Outcome: Impossible, Note: "not needed for `HTTP1`; for others: " + plainHTTP,
		translate: func(value string, _ *translation) (Outcome, string) {
			if value == "HTTP1" {
				return NotNeeded, ""
			}
			return Impossible, plainHTTP
		},
	},
	cannot(albPrefix, "customer-owned-ipv4-pool", noOutpost),
	cannot(albPrefix, "ipam-ipv4-pool-id", noOutpost),
	cannot(albPrefix, "multi-cluster-target-group", "a stack is about one cluster"),
	cannot(albPrefix, "minimum-load-balancer-capacity", "network load balancers grow by themselves; API Gateway's quotas are the account's"),
	cannot(albPrefix, "use-regex-path-match", "API Gateway has no regular expressions; write Prefix or Exact paths"),
}

func scheme(value string, t *translation) (Outcome, string) {
	if value != "internal" {
		return NotNeeded, "the API is reached from the internet, by those who may"
	}
	t.config("endpointType", "PRIVATE")
	return Translated, "config `endpointType: PRIVATE`"
}

func intoConfig(key string) func(string, *translation) (Outcome, string) {
	return func(value string, t *translation) (Outcome, string) {
		t.config(key, value)
		return Translated, ""
	}
}

func albCertificate(value string, t *translation) (Outcome, string) {
	hosts := t.hosts()
	if len(fields(value)) != 1 || len(hosts) != 1 {
		return Impossible, "a domain of the API has one certificate: write the config `domainName` with `certificateArn`, or " +
			"`hostedZoneId`, which makes both"
	}
	t.set("certificate-arn", value)
	t.set("custom-domain-name", hosts[0])
	return Translated, ""
}

func listenPorts(value string, _ *translation) (Outcome, string) {
	var listeners []map[string]int
	if err := json.Unmarshal([]byte(value), &listeners); err != nil {
		return Impossible, fmt.Sprintf("%q is not a list of ports", value)
	}
	for _, listener := range listeners {
		for protocol, port := range listener {
			if protocol+":"+strconv.Itoa(port) != "HTTP:80" && protocol+":"+strconv.Itoa(port) != "HTTPS:443" {
				return Impossible, fmt.Sprintf("%s on port %d: API Gateway listens on port 443 only", protocol, port)
			}
		}
	}
	return NotNeeded, ""
}

// attributes are key=value pairs, separated by commas.
func attributes(value string) map[string]string {
	pairs := map[string]string{}
	for _, field := range fields(value) {
		key, value, _ := strings.Cut(field, "=")
		pairs[key] = value
	}
	return pairs
}

func balancerAttributes(value string, t *translation) (Outcome, string) {
	var lost []string
	outcome := NotNeeded
	for key, value := range attributes(value) {
		seconds, err := strconv.Atoi(value)
		switch {
		case key == "deletion_protection.enabled":
			t.config("deletionProtection", value == "true")
			outcome = Translated
		case key == "idle_timeout.timeout_seconds" && err == nil && seconds > 0 && seconds <= 29:
			t.set("timeout", value+"s")
			outcome = Translated
		case strings.HasPrefix(key, "access_logs."), strings.HasPrefix(key, "connection_logs."), key == "routing.http2.enabled":
		default:
			lost = append(lost, key)
		}
	}
	if len(lost) > 0 {
		slices.Sort(lost)
		return Impossible, strings.Join(lost, ", ") + ": API Gateway has no such setting"
	}
	return outcome, ""
}

func targetGroupAttributes(value string, _ *translation) (Outcome, string) {
	if attributes(value)["stickiness.enabled"] == "true" {
		return Impossible, noAffinity
	}
	return NotNeeded, ""
}

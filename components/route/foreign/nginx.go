package foreign

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

const (
	ownBuffers = "the stack's NGINX has buffers that fit API Gateway's limits"
	noSnippets = "NGINX's configuration is generated whole, and takes no text from manifests; look in this table for the setting " +
		"that the snippet stands for"
	httpsOnly    = "API Gateway answers HTTPS only"
	fixedTimeout = "the stack's NGINX has its own; API Gateway's limit is the annotation `timeout`"
	noAffinity   = "requests are spread over a Service's pods by Kubernetes; keep sessions in a store, or set `sessionAffinity` on the Service"
	noSplit      = "a path has one Service; config `canaryPercent` tries a new deployment of the API instead"
	noFilter     = "API Gateway has no list of addresses by route; name a web ACL with an IP set in config `webAclArn`, or make the " +
		"API private by `endpointType: PRIVATE`"
	noBasic = "API Gateway has no passwords; use IAM, a Cognito or Lambda authorizer (config `authorizers`), or API keys " +
		"(`api-key-required`)"
	askOther    = "write a Lambda authorizer (config `authorizers`) that asks the same service, and name it in the annotation `auth`"
	plainHTTP   = "NGINX speaks HTTP/1.1 without TLS to Services"
	ofCORS      = "with `enable-cors`; without it there is no CORS to set"
	clientTLS   = "API Gateway checks client certificates for a whole domain: config `truststoreUri`"
	noWAF       = "NGINX has no ModSecurity; config `webAclManaged` puts AWS's managed rules in front of the API"
	noRedirects = "NGINX answers no redirects of its own; let the service redirect"
	noLogging   = "API Gateway logs every request; config `logRetentionDays`"
	perClient   = "a throttle here counts all callers together; config `webAclRateLimit` counts by client address, over five minutes"
	noReshape   = "what a service answers is passed on as it is; let the service say it"
)

// nginxAnnotations are those of ingress-nginx, roughly by how often public manifests use them.
var nginxAnnotations = []Annotation{
	{
		Name: nginxPrefix + "rewrite-target", Outcome: Impossible, translate: rewriteTarget,
		Note: "paths reach the service as they are. A rewrite that changes nothing is not needed; a path with another is left out: let " +
			"the service answer below it, or give it a host of its own",
	},
	needless(nginxPrefix, "ssl-redirect", httpsOnly),
	needless(nginxPrefix, "force-ssl-redirect", httpsOnly),
	needless(nginxPrefix, "preserve-trailing-slash", httpsOnly),
	becomes(nginxPrefix, "proxy-body-size", "`max-body-size`, up to API Gateway's 10 MB", bodySize),
	becomes(nginxPrefix, "proxy-read-timeout", "`timeout`, up to API Gateway's 29 s", readTimeout),
	needless(nginxPrefix, "proxy-send-timeout", fixedTimeout),
	needless(nginxPrefix, "proxy-connect-timeout", fixedTimeout),
	becomes(nginxPrefix, "enable-cors", "`cors-allow-origins` and its like", enableCORS),
	becomes(nginxPrefix, "cors-allow-origin", "`cors-allow-origins`, "+ofCORS, withCORS),
	becomes(nginxPrefix, "cors-allow-methods", "`cors-allow-methods`, "+ofCORS, withCORS),
	becomes(nginxPrefix, "cors-allow-headers", "`cors-allow-headers`, "+ofCORS, withCORS),
	becomes(nginxPrefix, "cors-allow-credentials", "`cors-allow-credentials`, "+ofCORS+"; not for the origin `*`", withCORS),
	becomes(nginxPrefix, "cors-max-age", "`cors-max-age`, up to 24 h, "+ofCORS, withCORS),
	cannot(nginxPrefix, "cors-expose-headers", noReshape),
	cannot(nginxPrefix, "configuration-snippet", noSnippets),
	cannot(nginxPrefix, "server-snippet", noSnippets),
	cannot(nginxPrefix, "stream-snippet", noSnippets),
	{
		Name: nginxPrefix + "use-regex", Outcome: Translated, translate: useRegex,
		Note: "expressions that mean a whole subtree become `Prefix`; paths with others are left out, because API Gateway has no regular " +
			"expressions",
	},
	{
		Name: nginxPrefix + "backend-protocol", Outcome: Impossible, translate: backendProtocol,
		Note: "not needed for `HTTP`; for others: " + plainHTTP + ", so offer a plain HTTP port beside",
	},
	decidesAccess(cannot(nginxPrefix, "auth-url", askOther)),
	decidesAccess(cannot(nginxPrefix, "auth-signin", "API Gateway sends nobody to a login; let the service, or the page in front, do "+
		"that on a 401")),
	decidesAccess(cannot(nginxPrefix, "auth-response-headers", "an authorizer's context reaches services as headers of the identity; "+
		"see `auth`")),
	decidesAccess(cannot(nginxPrefix, "auth-snippet", noSnippets)),
	decidesAccess(cannot(nginxPrefix, "auth-method", askOther)),
	decidesAccess(cannot(nginxPrefix, "auth-proxy-set-headers", askOther)),
	needless(nginxPrefix, "auth-cache-*", "an authorizer of the stack has its own `ttlSeconds`"),
	decidesAccess(cannot(nginxPrefix, "enable-global-auth", "there is no access setting outside of manifests and stack; `auth` says it "+
		"for the Ingress")),
	decidesAccess(cannot(nginxPrefix, "auth-type", noBasic)),
	decidesAccess(cannot(nginxPrefix, "auth-secret", noBasic)),
	decidesAccess(cannot(nginxPrefix, "auth-secret-type", noBasic)),
	needless(nginxPrefix, "auth-realm", "it only words the password's prompt"),
	decidesAccess(cannot(nginxPrefix, "auth-tls-*", clientTLS)),
	decidesAccess(cannot(nginxPrefix, "whitelist-source-range", noFilter)),
	decidesAccess(cannot(nginxPrefix, "allowlist-source-range", noFilter)),
	decidesAccess(cannot(nginxPrefix, "denylist-source-range", noFilter)),
	decidesAccess(cannot(nginxPrefix, "satisfy", "every check that is set must pass")),
	cannot(nginxPrefix, "affinity", noAffinity),
	cannot(nginxPrefix, "affinity-mode", noAffinity),
	needless(nginxPrefix, "affinity-canary-behavior", noSplit),
	needless(nginxPrefix, "session-cookie-*", "it only words the cookie of `affinity`"),
	{Name: nginxPrefix + "canary", Outcome: Impossible, Note: "the Ingress is left out: " + noSplit, translate: canary},
	cannot(nginxPrefix, "canary-*", noSplit),
	{Name: nginxPrefix + "limit-rps", Outcome: Impossible, Note: perClient, translate: limitRate(300)},
	{Name: nginxPrefix + "limit-rpm", Outcome: Impossible, Note: perClient, translate: limitRate(5)},
	cannot(nginxPrefix, "limit-connections", perClient),
	cannot(nginxPrefix, "limit-rate", "API Gateway buffers answers, and slows none down"),
	cannot(nginxPrefix, "limit-rate-after", "as `limit-rate`"),
	cannot(nginxPrefix, "limit-burst-multiplier", perClient),
	cannot(nginxPrefix, "limit-whitelist", perClient),
	cannot(nginxPrefix, "limit-allowlist", perClient),
	cannot(nginxPrefix, "global-rate-limit*", "`throttle-rate` counts all callers of a route together"),
	needless(nginxPrefix, "proxy-buffering", ownBuffers),
	needless(nginxPrefix, "proxy-buffer-size", ownBuffers),
	needless(nginxPrefix, "proxy-buffers-number", ownBuffers),
	needless(nginxPrefix, "proxy-busy-buffers-size", ownBuffers),
	needless(nginxPrefix, "proxy-max-temp-file-size", ownBuffers),
	needless(nginxPrefix, "proxy-request-buffering", "API Gateway has read the whole request before NGINX sees it"),
	needless(nginxPrefix, "client-body-buffer-size", ownBuffers),
	cannot(nginxPrefix, "app-root", noRedirects),
	cannot(nginxPrefix, "permanent-redirect", noRedirects),
	needless(nginxPrefix, "permanent-redirect-code", "it only words `permanent-redirect`"),
	cannot(nginxPrefix, "temporal-redirect", noRedirects),
	needless(nginxPrefix, "temporal-redirect-code", "it only words `temporal-redirect`"),
	cannot(nginxPrefix, "from-to-www-redirect", noRedirects),
	becomes(nginxPrefix, "server-alias", "a rule for each further host", serverAlias),
	cannot(nginxPrefix, "upstream-vhost", "services see the host that the client asked for; let the service accept it"),
	cannot(nginxPrefix, "x-forwarded-prefix", "NGINX adds no such header; let the service know its prefix"),
	needless(nginxPrefix, "connection-proxy-header", "connections to Services are kept alive"),
	needless(nginxPrefix, "websocket-services", "REST APIs pass no WebSockets on"),
	cannot(nginxPrefix, "custom-http-errors", "services answer errors themselves; config `gatewayResponses` words those of API Gateway"),
	cannot(nginxPrefix, "default-backend", "without a ready pod NGINX answers 502; `spec.defaultBackend` serves what no path does"),
	cannot(nginxPrefix, "proxy-ssl-*", plainHTTP),
	cannot(nginxPrefix, "secure-backends", plainHTTP),
	cannot(nginxPrefix, "ssl-passthrough", "API Gateway terminates TLS"),
	needless(nginxPrefix, "ssl-ciphers", "config `securityPolicy` chooses the domain's TLS"),
	needless(nginxPrefix, "ssl-prefer-server-ciphers", "config `securityPolicy` chooses the domain's TLS"),
	cannot(nginxPrefix, "proxy-cookie-domain", noReshape),
	cannot(nginxPrefix, "proxy-cookie-path", noReshape),
	cannot(nginxPrefix, "proxy-redirect-*", noReshape),
	cannot(nginxPrefix, "custom-headers", noReshape),
	needless(nginxPrefix, "proxy-http-version", "NGINX speaks HTTP/1.1 to Services"),
	needless(nginxPrefix, "proxy-next-upstream*", "Kubernetes chooses the pod; a request that may have been received is not sent again"),
	needless(nginxPrefix, "service-upstream", "NGINX always asks the Service's address"),
	needless(nginxPrefix, "load-balance", "NGINX always asks the Service's address"),
	cannot(nginxPrefix, "upstream-hash-by*", noAffinity),
	cannot(nginxPrefix, "mirror-*", "requests are not copied"),
	needless(nginxPrefix, "http2-push-preload", "clients have given server push up"),
	needless(nginxPrefix, "enable-access-log", noLogging),
	needless(nginxPrefix, "enable-rewrite-log", noLogging),
	needless(nginxPrefix, "enable-opentracing", "config `tracing` traces by X-Ray"),
	needless(nginxPrefix, "enable-opentelemetry", "config `tracing` traces by X-Ray"),
	needless(nginxPrefix, "opentracing-*", "config `tracing` traces by X-Ray"),
	needless(nginxPrefix, "opentelemetry-*", "config `tracing` traces by X-Ray"),
	needless(nginxPrefix, "enable-influxdb", "config `metrics` and `dashboard` use CloudWatch"),
	needless(nginxPrefix, "influxdb-*", "config `metrics` and `dashboard` use CloudWatch"),
	decidesAccess(cannot(nginxPrefix, "enable-modsecurity", noWAF)),
	decidesAccess(cannot(nginxPrefix, "enable-owasp-core-rules", noWAF)),
	decidesAccess(cannot(nginxPrefix, "modsecurity-*", noWAF)),
}

func rewriteTarget(value string, t *translation) (Outcome, string) {
	t.rewrite = strings.TrimSpace(value)
	if !t.rewriteMatters() {
		return NotNeeded, "it changes no path"
	}
	return Impossible, ""
}

func useRegex(value string, t *translation) (Outcome, string) {
	t.regex = value == "true"
	if !t.regex {
		return NotNeeded, "it is off"
	}
	return Translated, ""
}

func backendProtocol(value string, _ *translation) (Outcome, string) {
	if strings.EqualFold(value, "HTTP") || strings.EqualFold(value, "AUTO_HTTP") {
		return NotNeeded, "NGINX speaks HTTP to Services"
	}
	return Impossible, ""
}

func canary(value string, t *translation) (Outcome, string) {
	if value != "true" {
		return NotNeeded, "it is off"
	}
	t.leftOut = "it is the canary of another Ingress"
	return Impossible, ""
}

// limitRate gives the web ACL's limit that lets a client send as much in five minutes.
func limitRate(perFiveMinutes int) func(string, *translation) (Outcome, string) {
	return func(value string, _ *translation) (Outcome, string) {
		rate, err := strconv.Atoi(value)
		if err != nil || rate <= 0 {
			return Impossible, ""
		}
		return Impossible, fmt.Sprintf("%s: `webAclRateLimit: %d` lets each client through as often", perClient, max(rate*perFiveMinutes, 10))
	}
}

func serverAlias(value string, t *translation) (Outcome, string) {
	for _, alias := range fields(value) {
		if strings.HasPrefix(alias, "~") {
			return Impossible, "API Gateway has no regular expressions for hosts; name them"
		}
		t.aliases = append(t.aliases, alias)
	}
	return Translated, ""
}

// nginxSize is a size in NGINX's notation: https://nginx.org/en/docs/syntax.html
var nginxSize = regexp.MustCompile(`^([0-9]{1,12})([kKmMgG]?)$`)

func bodySize(value string, t *translation) (Outcome, string) {
	const most = 10 << 20
	parts := nginxSize.FindStringSubmatch(strings.TrimSpace(value))
	if parts == nil {
		return Impossible, fmt.Sprintf("%q is not a size", value)
	}
	number, err := strconv.Atoi(parts[1])
	if err != nil {
		return Impossible, fmt.Sprintf("%q is not a size", value)
	}
	unit := strings.ToLower(parts[2])
	bytes := number * map[string]int{"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}[unit]
	if number == 0 || bytes > most {
		return Impossible, "API Gateway takes 10 MB and no more; send larger bodies to S3 by a presigned URL"
	}
	t.set("max-body-size", strings.ToLower(parts[0]))
	return Translated, ""
}

func readTimeout(value string, t *translation) (Outcome, string) {
	seconds, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), "s"))
	switch {
	case err != nil || seconds < 1:
		return Impossible, fmt.Sprintf("%q is not a number of seconds", value)
	case seconds > 29:
		return Impossible, "API Gateway waits 29 s and no longer; let the service answer at once and the client ask again"
	}
	t.set("timeout", fmt.Sprintf("%ds", seconds))
	return Translated, ""
}

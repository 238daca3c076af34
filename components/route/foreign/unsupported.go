package foreign

import (
	"maps"
	"slices"
	"strings"
)

// otherPrefixes are those of controllers that are not translated.
var otherPrefixes = []string{
	"traefik.ingress.kubernetes.io/", "ingress.kubernetes.io/", "konghq.com/", "haproxy.org/", "haproxy-ingress.github.io/",
	"projectcontour.io/",
	"nginx.org/", "nginx.com/", "appgw.ingress.kubernetes.io/", "networking.gke.io/", "ingress.gcp.kubernetes.io/", "ingress.appscode.com/",
	"getambassador.io/", "apisix.apache.org/", "k8s.apisix.apache.org/", "ingress.pomerium.io/", "contour.heptio.com/",
	"configuration.konghq.com",
	"plugins.konghq.com", "kubernetes.io/ingress.allow-http", "kubernetes.io/ingress.global-static-ip-name",
}

// accessWords are parts of names by which an annotation about who gets in is known, whoever reads it.
var accessWords = []string{
	"auth", "whitelist", "allowlist", "blacklist", "denylist", "allow-list", "deny-list", "source-range", "ip-restriction", "plugins",
	"middlewares",
	"jwt", "oidc", "oauth", "waf", "modsecurity", "client-ca", "mtls", "tls-verify", "tls-client", "acl", "policies", "policy",
}

// Unsupported finds the annotations of controllers that Translate does not know, sorted by name.
func Unsupported(annotations map[string]string) []Annotation {
	var found []Annotation
	for _, name := range slices.Sorted(maps.Keys(annotations)) {
		if _, known := Lookup(name); known || !slices.ContainsFunc(otherPrefixes,
			func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			continue
		}
		_, last, _ := strings.Cut(name, "/")
		word := strings.ToLower(last)
		if last == "" {
			word = name
		}
		access := slices.ContainsFunc(accessWords, func(part string) bool { return strings.Contains(word, part) })
		found = append(found, Annotation{Name: name, Outcome: Impossible, Access: access})
	}
	return found
}

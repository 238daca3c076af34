package foreign

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var update = flag.Bool("update", false, "write the page anew")

func TestRowsAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range Annotations {
		assert.False(t, seen[row.Name], "%s is there twice", row.Name)
		seen[row.Name] = true
		assert.NotEmpty(t, row.Note, row.Name)
		assert.Contains(t, []Outcome{Translated, NotNeeded, Impossible}, row.Outcome, row.Name)
		assert.NotContains(t, row.Note, "|", "it would break the table of the documentation")
	}
}

// What public manifests use most, by controller.
func TestKnowsWhatIsUsedMost(t *testing.T) {
	for prefix, names := range map[string]string{
		nginxPrefix: `rewrite-target ssl-redirect force-ssl-redirect proxy-body-size proxy-read-timeout proxy-send-timeout proxy-connect-timeout
			enable-cors cors-allow-origin cors-allow-methods cors-allow-headers cors-allow-credentials cors-max-age configuration-snippet use-regex
			backend-protocol auth-url auth-signin auth-type auth-secret auth-realm whitelist-source-range affinity session-cookie-name
			session-cookie-max-age canary canary-weight canary-by-header limit-rps limit-connections proxy-buffering proxy-buffer-size
			server-snippet app-root permanent-redirect from-to-www-redirect upstream-vhost custom-http-errors x-forwarded-prefix
			proxy-ssl-secret proxy-ssl-verify auth-tls-secret auth-response-headers server-alias proxy-http-version`,
		albPrefix: `scheme target-type certificate-arn listen-ports group.name group.order actions.web conditions.web healthcheck-path
			healthcheck-interval-seconds subnets security-groups ssl-policy ssl-redirect wafv2-acl-arn auth-type auth-idp-cognito auth-idp-oidc
			inbound-cidrs tags load-balancer-attributes target-group-attributes success-codes ip-address-type backend-protocol`,
		originalPrefix: "certificate-arn client-arns custom-domain-name nginx-image nginx-replicas nginx-service-port node-selector stage-name",
	} {
		for _, name := range strings.Fields(names) {
			_, known := Lookup(prefix + name)
			assert.True(t, known, prefix+name)
		}
	}
	_, known := Lookup(nginxPrefix + "no-such-thing")
	assert.False(t, known)
}

// What a path with a rewrite means is decided by following two requests, not by the target's spelling.
func TestRewrites(t *testing.T) {
	for _, c := range []struct {
		path, target string
		changes      bool
	}{
		{"/", "/", false},
		{"/(.*)", "/$1", false},
		{"/?(.*)", "/$1", false},
		{"/()(.*)", "/$2", false},
		{"/api", "/api", false},
		{"/api/(.*)", "/api/$1", false},
		{"/api(/|$)(.*)", "/api/$2", false},
		{"/api", "/", true},
		{"/api(/|$)(.*)", "/$2", true},
		{"/api/(.*)", "/$1", true},
		{"/api", "/v2/api", true},
		{"/(", "/$1", true},
	} {
		got := translation{rewrite: c.target}
		assert.Equal(t, c.changes, got.rewritten(c.path), "%s to %s", c.path, c.target)
	}
}

func TestPaths(t *testing.T) {
	specific, prefix, exact := networkingv1.PathTypeImplementationSpecific, networkingv1.PathTypePrefix, networkingv1.PathTypeExact
	for _, c := range []struct {
		controller Controller
		path       string
		kind       networkingv1.PathType
		regex      bool
		want       string
		wantKind   networkingv1.PathType
		impossible bool
	}{
		{Nginx, "/api/.*", specific, true, "/api", prefix, false},
		{Nginx, "/api(/|$)(.*)", specific, true, "/api", prefix, false},
		{Nginx, "^/api/?(.*)$", prefix, true, "/api", prefix, false},
		{Nginx, "/.*", specific, true, "/", prefix, false},
		{Nginx, "/()(.*)", specific, true, "/", prefix, false},
		{Nginx, "/", specific, false, "/", prefix, false},
		{Nginx, "", specific, false, "/", prefix, false},
		{Nginx, "/item/[0-9]+", specific, true, "", "", true},
		{Nginx, `/v1|/v2`, specific, true, "", "", true},
		{ALB, "/*", specific, false, "/", prefix, false},
		{ALB, "/shop/*", specific, false, "/shop", prefix, false},
		{ALB, "/shop", specific, false, "/shop", exact, false},
		{ALB, "/shop", prefix, false, "/shop", prefix, false},
		{ALB, "/*.png", specific, false, "", "", true},
		{ALB, "/img/*/small", specific, false, "", "", true},
		{Original, "/api/book", specific, false, "/api/book", prefix, false},
		{Unknown, "/(odd)", prefix, false, "/(odd)", prefix, false},
	} {
		translation := translation{controller: c.controller, regex: c.regex}
		got, kind, why := translation.normal(c.path, c.kind)
		if c.impossible {
			assert.NotEmpty(t, why, "%s %s", c.controller, c.path)
			continue
		}
		assert.Equal(t, []any{c.want, c.wantKind, ""}, []any{got, kind, why}, "%s %s", c.controller, c.path)
	}
}

// A route that was guarded must be known to be, whatever else is lost.
func TestGuarded(t *testing.T) {
	for _, row := range Annotations {
		if !row.Access || row.translate != nil || strings.HasSuffix(row.Name, "*") {
			continue
		}
		got := Translate(networkingv1.Ingress{
			ObjectMeta: metav1.ObjectMeta{Name: "shop", Annotations: map[string]string{row.Name: "x"}},
			Spec:       networkingv1.IngressSpec{DefaultBackend: &networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: "web"}}},
		})
		assert.True(t, got.Guarded, row.Name)
	}
}

func TestDocumentation(t *testing.T) {
	const path = "../../../docs/howto/migrate.md"
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	head, _, found := strings.Cut(string(content), "## Annotation by annotation\n")
	require.True(t, found)
	want := head + "## Annotation by annotation\n" + Reference()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o600))
		return
	}
	require.Equal(t, want, string(content), "run `make golden`")
}

package docs

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/apigateway-ingress/apigateway-ingress/stacks/deploy"
	"github.com/stretchr/testify/require"
)

// docs/reference/limits.md has the limits of the code, and the ranges of config keys and annotations below them.
func TestLimitsPage(t *testing.T) {
	const path = "docs/reference/limits.md"
	written := read(t, path)
	head, _, found := strings.Cut(written, "\n## Ranges of config keys")
	require.True(t, found)
	for _, value := range []string{
		fmt.Sprintf("| %d |", route.DefaultResourceQuota), fmt.Sprintf("| %s |", thousands(route.MaxPolicyLength)),
		fmt.Sprintf("| %d seconds |", int(route.MaxTimeout.Seconds())), fmt.Sprintf("| %d MB |", route.MaxBodySize>>20),
	} {
		require.Contains(t, head, value, "%s has the limit", path)
		require.Contains(t, read(t, "docs/index.md"), strings.Trim(value, "| "), "the first page has the limit")
	}
	var b strings.Builder
	b.WriteString(head + "\n## Ranges of config keys\n\n| key | from | to |\n| --- | --- | --- |\n")
	for _, f := range settings.Fields(reflect.TypeFor[deploy.Config]()) {
		b.WriteString(rangeRow(f.Key, f))
		for _, member := range settings.Members(f.Type) {
			b.WriteString(rangeRow(f.Key+"."+member.Key, member))
		}
	}
	b.WriteString("\n## Ranges of annotations\n\n| annotation | takes |\n| --- | --- |\n")
	limited := regexp.MustCompile(`\d`)
	for _, a := range ingress.Annotations() {
		if limited.MatchString(a.Form) && !strings.Contains(a.Form, "://") {
			fmt.Fprintf(&b, "| `%s` | %s |\n", a.Name, a.Form)
		}
	}
	page(t, "reference/limits.md", b.String())
}

func rangeRow(name string, f settings.Field) string {
	declared, _ := f.Owner.FieldByName(f.Name)
	from, to, limited := strings.Cut(declared.Tag.Get("range"), "..")
	if !limited {
		return ""
	}
	return fmt.Sprintf("| `%s` | %s | %s |\n", name, from, to)
}

func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

package docs

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/apigateway-ingress/apigateway-ingress/stacks/deploy"
)

// docs/reference/outputs.md lists every output of a stack.
func TestOutputsPage(t *testing.T) {
	descriptions := comments{}
	var b strings.Builder
	b.WriteString("# Outputs of a stack\n\n`apigw-ingress outputs NAME` prints one, `apigw-ingress outputs` all of them; a secret one is " +
		"hidden without `--show-secrets`. `ephemeral` puts each into the environment of its command: `apiEndpoint` is " +
		"`APIGW_API_ENDPOINT`. Other stacks read them through `platformStack` or a stack reference of Pulumi.\n\n" +
		"| output | meaning |\n| --- | --- |\n")
	for _, f := range settings.Fields(reflect.TypeFor[deploy.Outputs]()) {
		secret := ""
		if f.Secret {
			secret = " Secret."
		}
		fmt.Fprintf(&b, "| `%s` | %s%s |\n", f.Key, description(t, descriptions, f), secret)
	}
	page(t, "reference/outputs.md", b.String())
}

func outputNames() []string {
	var names []string
	for _, f := range settings.Fields(reflect.TypeFor[deploy.Outputs]()) {
		names = append(names, f.Key)
	}
	return names
}

// logFields are those of API Gateway's access log and of NGINX's.
func logFields(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, found := range regexp.MustCompile("(?m)^\\| `([a-zA-Z]+)` \\|").FindAllStringSubmatch(read(t, "docs/reference/access-log.md"), -1) {
		names = append(names, found[1])
	}
	return names
}

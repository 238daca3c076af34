package ingress

import (
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/stretchr/testify/require"
)

var goodRule = rulePath("/a", "Prefix", "bookservice", "number: 80")

// A route that another controller kept closed is not opened without a word.
func TestForeignAnnotations(t *testing.T) {
	for name, access := range map[string]bool{
		"nginx.ingress.kubernetes.io/whitelist-source-range": true, "nginx.ingress.kubernetes.io/auth-url": true,
		"alb.ingress.kubernetes.io/inbound-cidrs": true, "konghq.com/plugins": true, "haproxy.org/allow-list": true,
		"traefik.ingress.kubernetes.io/router.middlewares": true, "nginx.org/basic-auth-secret": true,
		"nginx.ingress.kubernetes.io/rewrite-target": false, "konghq.com/strip-path": false,
	} {
		text := yamlOf(name+": x", goodRule)
		table, err := compileText(t, text)
		if access {
			require.ErrorContains(t, err, "annotation "+name+" decides who gets in, and has no effect here", name)
			require.ErrorContains(t, err, "--ignore-foreign-annotations", name)
			manifests, parseErr := Parse("x.yaml", []byte(text))
			require.NoError(t, parseErr)
			table, err = Compile(manifests, Options{Services: bookstore, Classless: true, IgnoreForeign: true})
		}
		require.NoError(t, err, name)
		require.Contains(t, strings.Join(table.Notices, "\n"), "annotation "+name+" has no effect here")
	}
	table, err := compileText(t, yamlOf("nginx.ingress.kubernetes.io/ssl-redirect: \"true\"\nexample.com/team: a", goodRule))
	require.NoError(t, err)
	require.Empty(t, table.Notices, "what holds anyway, and what no controller reads, is not worth a word")
}

func TestIngressesWithoutAClass(t *testing.T) {
	class := func(name, isDefault string) string {
		return "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: " + name +
			", annotations: {ingressclass.kubernetes.io/is-default-class: \"" + isDefault + "\"}}\nspec: {controller: x}\n---\n"
	}
	for name, c := range map[string]struct{ classes, want string }{
		"none":        {"", "left out: it has no class: write spec.ingressClassName: apigateway"},
		"ours":        {class("apigateway", "true"), ""},
		"not default": {class("apigateway", "false"), "left out: it has no class"},
		"another":     {class("nginx", "true"), `left out: it has no class, and the default is "nginx"`},
	} {
		manifests, err := Parse("x.yaml", []byte(c.classes+yamlOf("", goodRule)))
		require.NoError(t, err, name)
		_, err = Compile(manifests, Options{Services: bookstore})
		if c.want == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, c.want, name)
	}
}

func TestNamedPorts(t *testing.T) {
	const service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{name: http, port: 8080}, {name: admin, " +
		"port: 9000}]}\n---\n"
	named := yamlOf("", rulePath("/a", "Prefix", "web", "name: admin"))
	manifests, err := Parse("x.yaml", []byte(service+named))
	require.NoError(t, err)
	table, err := Compile(manifests, Options{AnyService: true, Classless: true})
	require.NoError(t, err)
	require.Equal(t, 9000, table.Routes[0].Backend.Port, "a Service in the files says which number a name has")
	require.NoError(t, table.Unresolved())

	manifests, err = Parse("x.yaml", []byte(named))
	require.NoError(t, err)
	table, err = Compile(manifests, Options{AnyService: true, Classless: true})
	require.NoError(t, err)
	require.Equal(t, []string{`x.yaml:1: ingress default/api: rule 1 path 1 "/a": port admin of service default/web: its number is unknown until the Service is read`}, table.Notices)
	require.ErrorContains(t, table.Unresolved(), "port admin of service default/web has no number")

	// An existing cluster has the Service, and nobody here knows its ports but who wrote them down.
	_, err = Compile(manifests, Options{Undeclared: true, Classless: true})
	require.ErrorContains(t, err, `port "admin" of service default/web is known by name only: declare the service with its port in the stack's config services`)
	table, err = Compile(manifests, Options{Undeclared: true, Classless: true, Services: []route.Service{
		{Namespace: "default", Name: "web", Ports: []route.ServicePort{{Name: "admin", Number: 81}}},
	}})
	require.NoError(t, err)
	require.Equal(t, 81, table.Routes[0].Backend.Port)
}

// A manifest cannot write lines of its own into a log, nor command a terminal.
func TestNothingOfAManifestIsPrintedRaw(t *testing.T) {
	hostile := "a\\n::error::forged\\u001b[2J\\u202e"
	for name, text := range map[string]string{
		"name":       strings.Replace(yamlOf("", goodRule), "name: api", `name: "`+hostile+`"`, 1),
		"namespace":  strings.Replace(yamlOf("", goodRule), "name: api", `name: api`+"\n  namespace: \""+hostile+`"`, 1),
		"class":      yamlOf(`kubernetes.io/ingress.class: "`+hostile+`"`, goodRule),
		"annotation": yamlOf(`"apigateway.ingress.kubernetes.io/`+hostile+`": x`, goodRule),
		"foreign":    yamlOf(`"konghq.com/plugins`+hostile+`": x`, goodRule),
		"value":      yamlOf(AnnotationPrefix+`stage-name: "`+hostile+`"`, goodRule),
		"host":       yamlOf("", `rules: [{host: "`+hostile+`"}]`),
		"tls":        yamlOf("", `tls: [{hosts: ["`+hostile+`"]}]`),
		"path": yamlOf("", `rules: [{http: {paths: [{path: "/`+hostile+`", pathType: Exact, backend: {service: {name: "`+hostile+
			`", port: {name: "`+hostile+`"}}}}]}}]`),
		"kind":  "apiVersion: v1\nkind: \"" + hostile + "\"\nmetadata: {name: a}\n",
		"field": yamlOf("", `"`+hostile+`": 1`),
	} {
		manifests, err := Parse("x.yaml", []byte(text))
		said := strings.Join(manifests.Notices, "\n")
		if err == nil {
			_, err = Compile(manifests, Options{AnyService: true, Classless: true})
		}
		if err != nil {
			said += "\n" + err.Error()
		}
		require.NotContains(t, said, "\n::error", name)
		require.NotContains(t, said, "\x1b", name)
		require.NotContains(t, said, "\u202e", name)
	}
}

package ingress

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/route/nginx"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/openapi"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// outcome is everything that people and clouds get to see of manifests.
func outcome(t require.TestingT, m Manifests) string {
	table, err := Compile(m, Options{AnyService: true, Classless: true, AllowOverlaps: true})
	if err != nil {
		return err.Error()
	}
	document, err := openapi.Render(table, openapi.Document{Title: "x"})
	require.NoError(t, err)
	return fmt.Sprintf("%s\n%s\n%+v\n%v\n%v", document, nginx.Render(table, nginx.Options{Port: 80}), table.Settings, table.Rows(),
		table.Notices)
}

// drawIngress is one of few that meet each other in every way.
func drawIngress(t *rapid.T, i int) string {
	one := func(name string, values ...string) string { return rapid.SampledFrom(values).Draw(t, name) }
	annotations := ""
	for _, choice := range [][]string{
		{"auth", "", "none", "iam"}, {"group.order", "", "1", "5"}, {"stage-name", "", "live", "test"}, {"group.name", "", "", "", "shop"},
		{"client-arns", "", "", "arn:aws:iam::111122223333:user/a"}, {"custom-domain-name", "", "a.example.com", "b.example.com"},
	} {
		name, values := choice[0], choice[1:]
		if value := one(name, values...); value != "" {
			annotations += fmt.Sprintf("%s%s: %q, ", AnnotationPrefix, name, value)
		}
	}
	backend := fmt.Sprintf("{service: {name: %s, port: {number: 80}}}", one("service", "s1", "s2"))
	spec := "defaultBackend: " + backend
	if rapid.Bool().Draw(t, "rule") {
		spec = fmt.Sprintf("rules: [{host: %q, http: {paths: [{path: %s, pathType: %s, backend: %s}]}}]",
			one("host", "", "", "a.example.com"), one("path", "/x", "/x/y", "/z"), one("match", "Exact", "Prefix"), backend)
	}
	return fmt.Sprintf("apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i%d, namespace: %s, annotations: "+
		"{%s}}\nspec: {%s}\n",
		i, one("namespace", "default", "default", "team"), strings.TrimSuffix(annotations, ", "), spec)
}

// In whatever order documents come, they give the same bytes or the same error.
func TestOrderOfDocumentsDecidesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var m Manifests
		for i := range rapid.IntRange(2, 5).Draw(rt, "ingresses") {
			read, err := Parse(fmt.Sprintf("%d.yaml", i), []byte(drawIngress(rt, i)))
			require.NoError(rt, err)
			m.Ingresses = append(m.Ingresses, read.Ingresses...)
		}
		want := outcome(rt, m)
		shuffled := Manifests{Ingresses: rapid.Permutation(m.Ingresses).Draw(rt, "shuffled")}
		require.Equal(rt, want, outcome(rt, shuffled))
	})
}

func TestDefaultBackendsMustAgreeInEverything(t *testing.T) {
	backend := "defaultBackend: {service: {name: bookservice, port: {number: 80}}}"
	closed := ingressNamed("a", AnnotationPrefix+"auth: iam", backend)
	open := ingressNamed("b", AnnotationPrefix+"auth: none", backend)
	for _, text := range []string{closed + open, open + closed} {
		_, err := compileText(t, text)
		require.ErrorContains(t, err, "the same default backend as at x.yaml:1")
		require.ErrorContains(t, err, "auth is ")
	}
	table, err := compileText(t, closed+ingressNamed("c", "", backend))
	require.NoError(t, err)
	require.Len(t, table.Routes, 1, "iam is what holds without the annotation")
}

func TestLowestGroupOrderDecidesWhereverItStands(t *testing.T) {
	one := func(name, order, stage string) string {
		return ingressNamed(name, AnnotationPrefix+"stage-name: "+stage+"\n"+AnnotationPrefix+"group.order: \""+order+"\"",
			rulePath("/"+name, "Prefix", "bookservice", "number: 80"))
	}
	a, b, c := one("a", "5", "one"), one("b", "5", "two"), one("c", "1", "three")
	for _, text := range []string{a + b + c, a + c + b, c + a + b} {
		table, err := compileText(t, text)
		require.NoError(t, err)
		require.Equal(t, "three", table.Settings.StageName)
	}
}

// Only the domain that the API gets in the end serves hosts.
func TestDomainsOfIngressesThatDoNotCount(t *testing.T) {
	host := "rules: [{host: a.example.com, http: {paths: [{path: /x, pathType: Prefix, backend: {service: {name: bookservice, port: " +
		"{number: 80}}}}]}}]"
	domain := AnnotationPrefix + "custom-domain-name: a.example.com\n"
	for name, other := range map[string]string{
		"another class": ingressNamed("b", domain+"kubernetes.io/ingress.class: nginx", rulePath("/y", "Prefix", "bookservice", "number: 80")),
		"a losing order": ingressNamed("b", domain+AnnotationPrefix+"group.order: \"5\"", rulePath("/y", "Prefix", "bookservice", "number: 80")) +
			ingressNamed("c", AnnotationPrefix+"custom-domain-name: b.example.com", rulePath("/z", "Prefix", "bookservice", "number: 80")),
	} {
		_, err := compileText(t, ingressNamed("a", "", host)+other)
		require.ErrorContains(t, err, `host "a.example.com": no domain of the API serves it`, name)
	}
}

// What is about the whole API counts from the namespace that speaks for it, and from no other.
func TestOnlyTheOwnerSpeaksForTheAPI(t *testing.T) {
	tried := 0
	for _, a := range Annotations() {
		if !a.Owned {
			continue
		}
		tried++
		for owner, refused := range map[string]string{
			"shop": "", "blog": "it is about the whole API, for which namespace blog speaks", "": "name the one that may speak for all",
		} {
			manifests := live(t, serviceDocument("shop", "web"), serviceDocument("blog", "web"),
				ingressDocument("shop", "one", fmt.Sprintf("%s: %q", AnnotationPrefix+a.Name, a.Examples[0]), "/one"),
				ingressDocument("blog", "two", "", "/two"))
			_, err := Compile(manifests, Options{Owner: owner})
			if refused == "" {
				require.NoError(t, err, a.Name)
			} else {
				require.ErrorContains(t, err, refused, a.Name)
			}
		}
	}
	require.GreaterOrEqual(t, tried, 7)
}

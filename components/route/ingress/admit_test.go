package ingress

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/stretchr/testify/require"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
)

const controllerName = "apigateway-ingress.io/controller"

// live are the objects of a cluster. Each Ingress is a second younger than the one before.
func live(t require.TestingT, documents ...string) Manifests {
	m := Manifests{Controller: controllerName, Classes: []networkingv1.IngressClass{
		{ObjectMeta: metav1.ObjectMeta{Name: "public"}, Spec: networkingv1.IngressClassSpec{Controller: controllerName}},
		{ObjectMeta: metav1.ObjectMeta{Name: "other"}, Spec: networkingv1.IngressClassSpec{Controller: "example.com/other"}},
	}}
	for i, document := range documents {
		read, err := Parse("cluster", []byte(document))
		require.NoError(t, err)
		for _, found := range read.Ingresses {
			found.CreationTimestamp = metav1.NewTime(time.Unix(int64(1000+i), 0))
			found.Source = "cluster"
			m.Ingresses = append(m.Ingresses, found)
		}
		m.Services = append(m.Services, read.Services...)
	}
	return m
}

func serviceDocument(namespace, name string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata: {name: %s, namespace: %s}\nspec: {ports: [{name: http, port: 80}]}\n",
		name, namespace)
}

func ingressDocument(namespace, name, annotations, path string) string {
	return fmt.Sprintf(`apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: %s, namespace: %s, annotations: {%s}}
spec: {ingressClassName: public, rules: [{http: {paths: [{path: %q, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}
`, name, namespace, annotations, path)
}

// refusals are the rulings in words, by the name of the Ingress; nothing for those that are served.
func refusals(a Admission) map[string]string {
	found := map[string]string{}
	for _, v := range a.Rulings {
		if v.Err != nil {
			found[v.Ingress.Name] = v.Err.Error()
		}
	}
	return found
}

func pathsOf(table *route.Table) []string {
	var paths []string
	for _, r := range table.Routes {
		paths = append(paths, r.Path)
	}
	return paths
}

func TestBadIngressHarmsNobodyElse(t *testing.T) {
	for name, bad := range map[string]struct{ document, words string }{
		"annotation": {ingressDocument("shop", "bad", AnnotationPrefix+"timeout: 1h", "/bad"),
			`annotation apigateway.ingress.kubernetes.io/timeout`},
		"path": {ingressDocument("shop", "bad", "", "/a b"), "/a b"},
		"no rules": {"apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: bad, namespace: shop}\nspec: {ingressClassName: " +
			"public}\n", "it has no rules"},
		"duplicate": {ingressDocument("shop", "bad", "", "/good"),
			"duplicate path: it is already written at cluster: ingress shop/good: rule 1"},
		"overlap": {ingressDocument("blog", "bad", "", "/good/below"),
			`it takes requests from cluster: ingress shop/good: rule 1 path 1 "/good", of namespace shop`},
		"external": {ingressDocument("ext", "bad", "", "/bad") + "---\napiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: " +
			"ext}\nspec: {type: ExternalName, externalName: example.com}\n",
			"service ext/web is of type ExternalName"},
		"settings": {ingressDocument("shop", "bad", AnnotationPrefix+"stage-name: other", "/bad"), "Ingresses of one API must agree"},
	} {
		t.Run(name, func(t *testing.T) {
			admitted, err := Admit(live(t, serviceDocument("shop", "web"), serviceDocument("blog", "web"),
				ingressDocument("shop", "good", AnnotationPrefix+"stage-name: live", "/good"), bad.document,
				ingressDocument("shop", "younger", "", "/younger")), Options{Owner: "shop"})
			require.NoError(t, err)
			require.Len(t, admitted.Rulings, 3)
			require.Contains(t, refusals(admitted)["bad"], bad.words)
			require.Len(t, refusals(admitted), 1)
			require.Equal(t, []string{"/good", "/younger"}, pathsOf(admitted.Table))
			require.Len(t, admitted.Manifests.Ingresses, 2)
		})
	}
}

func TestOlderIngressKeepsItsPath(t *testing.T) {
	old, young := ingressDocument("shop", "zebra", "", "/x"), ingressDocument("shop", "ant", "", "/x")
	admitted, err := Admit(live(t, serviceDocument("shop", "web"), old, young), Options{})
	require.NoError(t, err)
	require.Contains(t, refusals(admitted)["ant"], `cluster: ingress shop/ant: rule 1 path 1 "/x": duplicate path: it is already written at cluster: ingress shop/zebra`)
	require.Len(t, refusals(admitted), 1)

	// What is left out itself is in nobody's way.
	admitted, err = Admit(live(t, serviceDocument("shop", "web"), serviceDocument("blog", "web"), ingressDocument("shop", "first", "", "/x"),
		strings.Replace(ingressDocument("blog", "blocked", "", "/x/y"), "rules: [",
			`rules: [{http: {paths: [{path: /free, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}, `, 1),
		ingressDocument("blog", "last", "", "/free")), Options{})
	require.NoError(t, err)
	require.Contains(t, refusals(admitted)["blocked"], "it takes requests from")
	require.Len(t, refusals(admitted), 1)
	require.Equal(t, []string{"/free", "/x"}, pathsOf(admitted.Table))
}

func TestClassIsDecidedByItsController(t *testing.T) {
	classed := func(name, class string) string {
		return strings.Replace(ingressDocument("shop", name, "", "/"+name), "ingressClassName: public, ", class, 1)
	}
	m := live(t, serviceDocument("shop", "web"), classed("ours", "ingressClassName: public, "), classed("theirs", "ingressClassName: other, "),
		classed("unknown", "ingressClassName: apigateway, "), classed("none", ""),
		strings.Replace(classed("legacy", ""), "annotations: {", "annotations: {kubernetes.io/ingress.class: public", 1))
	names := func(options Options) []string {
		admitted, err := Admit(m, options)
		require.NoError(t, err)
		return pathsOf(admitted.Table)
	}
	require.Equal(t, []string{"/legacy", "/ours"}, names(Options{}))
	require.Equal(t, []string{"/legacy", "/none", "/ours"}, names(Options{Classless: true}))
	m.Classes[0].Annotations = map[string]string{networkingv1.AnnotationIsDefaultIngressClass: "true"}
	require.Equal(t, []string{"/legacy", "/none", "/ours"}, names(Options{}))
}

func TestMissingServiceAnswersForItselfOnly(t *testing.T) {
	named := strings.Replace(ingressDocument("shop", "named", "", "/named"), "number: 80", "name: http", 1)
	admitted, err := Admit(live(t, serviceDocument("blog", "web"), ingressDocument("shop", "absent", "", "/absent"), named,
		ingressDocument("blog", "present", "", "/present")), Options{})
	require.NoError(t, err)
	require.Empty(t, refusals(admitted))
	require.Contains(t, admitted.Rulings[0].Notices[0], "service shop/web does not exist: requests are answered with 503 until it does")
	missing := map[string]bool{}
	for _, r := range admitted.Table.Routes {
		missing[r.Path] = r.Backend.Missing
	}
	require.Equal(t, map[string]bool{"/absent": true, "/named": true, "/present": false}, missing)
	require.NoError(t, admitted.Table.Unresolved())
}

func TestClusterWithoutRoutesHasATable(t *testing.T) {
	admitted, err := Admit(live(t), Options{})
	require.NoError(t, err)
	require.Empty(t, admitted.Rulings)
	require.Equal(t, []string{"/"}, pathsOf(admitted.Table))
	require.True(t, admitted.Table.Routes[0].Backend.Missing)
	require.NoError(t, admitted.Table.Unresolved())
}

func TestHostMayBeDeclaredByAnotherIngress(t *testing.T) {
	hosted := strings.Replace(ingressDocument("shop", "hosted", "", "/hosted"), "rules: [{", "rules: [{host: api.example.com, ", 1)
	domain := ingressDocument("shop", "domain", AnnotationPrefix+"custom-domain-name: api.example.com", "/domain")
	bad := ingressDocument("blog", "bad", "", "/hosted/below")
	admitted, err := Admit(live(t, serviceDocument("shop", "web"), hosted, domain, bad), Options{Owner: "shop"})
	require.NoError(t, err)
	require.Len(t, refusals(admitted), 0)

	// A domain of one that is left out serves nobody.
	admitted, err = Admit(live(t, serviceDocument("shop", "web"), hosted, ingressDocument("shop", "other", "", "/domain"), domain),
		Options{Owner: "shop"})
	require.NoError(t, err)
	require.Contains(t, refusals(admitted)["hosted"], "no domain of the API serves it")
	require.Contains(t, refusals(admitted)["domain"], "duplicate path")
}

// Whatever is in a cluster, what is admitted compiles, and what is refused alone is refused in company.
func TestAdmittedIngressesCompile(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var documents []string
		for i := range rapid.IntRange(1, 7).Draw(rt, "ingresses") {
			documents = append(documents, strings.Replace(drawIngress(rt, i), "spec: {", "spec: {ingressClassName: public, ", 1))
		}
		m := live(rt, documents...)
		options := Options{Owner: rapid.SampledFrom([]string{"", "team"}).Draw(rt, "owner")}
		admitted, err := Admit(m, options)
		require.NoError(rt, err)
		again, err := Compile(admitted.Manifests, options)
		require.NoError(rt, err)
		require.Equal(rt, admitted.Table.Rows(), again.Rows())
		shuffled := m
		shuffled.Ingresses = rapid.Permutation(m.Ingresses).Draw(rt, "shuffled")
		other, err := Admit(shuffled, options)
		require.NoError(rt, err)
		require.Equal(rt, refusals(admitted), refusals(other))
	})
}

// BenchmarkAdmit is what a controller does for each change.
func BenchmarkAdmit(b *testing.B) {
	for name, conflicts := range map[string]bool{"good": false, "fifty in conflict": true} {
		b.Run(name, func(b *testing.B) {
			var documents []string
			for i := range 1000 {
				namespace := fmt.Sprintf("team%d", i%50)
				path := fmt.Sprintf("/%s/s%d", namespace, i)
				if conflicts && i%20 == 1 {
					path = fmt.Sprintf("/%s/s%d/below", fmt.Sprintf("team%d", (i-1)%50), i-1)
				}
				documents = append(documents, ingressDocument(namespace, fmt.Sprintf("i%d", i), "", path))
			}
			for i := range 50 {
				documents = append(documents, serviceDocument(fmt.Sprintf("team%d", i), "web"))
			}
			m := live(b, documents...)
			for b.Loop() {
				_, err := Admit(m, Options{ResourceQuota: 100000})
				require.NoError(b, err)
			}
		})
	}
}

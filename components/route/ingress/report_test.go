package ingress

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// A folder of manifests of others is judged one by one.
func TestReport(t *testing.T) {
	path := func(path string) string { return rulePath(path, "Prefix", "bookservice", "number: 80") }
	text := ingressNamed("plain", "", path("/plain")) +
		ingressNamed("noticed", "nginx.ingress.kubernetes.io/rewrite-target: /x", path("/noticed")) +
		ingressNamed("guarded", "konghq.com/plugins: key-auth", path("/guarded")) +
		ingressNamed("second", "", path("/plain")) +
		ingressNamed("foreign", "kubernetes.io/ingress.class: nginx", path("/foreign")) +
		ingressNamed("hosted", "", "rules: [{host: a.example.com, http: {paths: [{path: /h, pathType: Prefix, backend: {service: {name: "+
			"bookservice, port: {number: 80}}}}]}}]") +
		ingressNamed("broken", AnnotationPrefix+"custom-domain-name: a.example.com", path("relative")) +
		"apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"
	manifests, err := Parse("x.yaml", []byte(text))
	require.NoError(t, err)
	judged := Judge(manifests, errors.New("y.yaml:1: not YAML"), Options{AnyService: true, Classless: true})
	outcomes := map[string]Outcome{}
	reasons := map[string][]string{}
	for _, v := range judged.Verdicts {
		outcomes[v.Place], reasons[v.Place] = v.Outcome, v.Reasons
	}
	require.Equal(t, map[string]Outcome{
		"y.yaml:1":                          Refused,
		"x.yaml:1: ingress default/plain":   Served,
		"x.yaml:2: ingress default/noticed": ServedWithNotices,
		"x.yaml:3: ingress default/guarded": Refused,
		"x.yaml:4: ingress default/second":  Refused,
		"x.yaml:5: ingress default/foreign": NotOurs,
		"x.yaml:6: ingress default/hosted":  Refused,
		"x.yaml:7: ingress default/broken":  Refused,
	}, outcomes)
	require.Equal(t, []string{"not YAML"}, reasons["y.yaml:1"])
	require.Contains(t, reasons["x.yaml:2: ingress default/noticed"][0],
		"annotation nginx.ingress.kubernetes.io/rewrite-target has no effect here")
	require.Contains(t, reasons["x.yaml:3: ingress default/guarded"][0], "--ignore-foreign-annotations")
	require.Contains(t, reasons["x.yaml:4: ingress default/second"][0], "duplicate path", "the first has it")
	require.Equal(t, []string{`its class "nginx" is not "apigateway"`}, reasons["x.yaml:5: ingress default/foreign"])
	require.Contains(t, reasons["x.yaml:6: ingress default/hosted"][0], "no domain of the API serves it", "the domain's Ingress is refused")
	require.Equal(t, 5, judged.Count(Refused))
	require.Len(t, judged.Table.Routes, 2, "those that are served")
	require.Equal(t, []string{"passed over, because they are no routes: 1 Secret"}, judged.Notices)
	require.ErrorContains(t, judged.Err(), `x.yaml:7: ingress default/broken: rule 1 path 1 "relative": the path must start with "/"`)
}

func TestReportOfWhatCannotBeTogether(t *testing.T) {
	a := ingressNamed("a", AnnotationPrefix+"group.name: shop", goodRule)
	b := ingressNamed("b", AnnotationPrefix+"group.name: blog", goodRule)
	manifests, err := Parse("x.yaml", []byte(a+b))
	require.NoError(t, err)
	judged := Judge(manifests, nil, Options{AnyService: true, Classless: true})
	require.Equal(t, 2, judged.Count(Refused)+judged.Count(Served))
	require.ErrorContains(t, judged.Err(), "one API serves one group")
	require.Nil(t, judged.Table)
	judged = Judge(manifests, nil, Options{AnyService: true, Classless: true, Group: "shop"})
	require.NoError(t, judged.Err())
	require.Equal(t, 1, judged.Count(NotOurs))
	judged = Judge(manifests, nil, Options{AnyService: true})
	require.ErrorContains(t, judged.Err(), `there is no Ingress of class "apigateway" to serve`)
	require.Equal(t, 2, judged.Count(NotOurs))
}

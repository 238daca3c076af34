package deploy

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const teamIngress = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec: {ingressClassName: apigateway, rules: [{http: {paths: [{path: /PATH, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}
`

// teams are two folders of manifests, and the config that binds each to a namespace.
func teams(t *testing.T, a, b string) map[string]string {
	t.Helper()
	root := t.TempDir()
	var sources []map[string]string
	for name, text := range map[string]string{"team-a": a, "team-b": b} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, name), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(root, name, "x.yaml"), []byte(text), 0o600))
		sources = append(sources, map[string]string{"path": filepath.Join(root, name), "namespace": name})
	}
	encoded, err := json.Marshal(sources)
	require.NoError(t, err)
	values := small()
	values["manifests"] = string(encoded)
	values["services"] = `[{"name":"web","namespace":"team-a","port":80},{"name":"web","namespace":"team-b","port":80}]`
	return values
}

func of(namespace, path string) string {
	text := strings.Replace(teamIngress, "PATH", path, 1)
	if namespace != "" {
		text = strings.Replace(text, "name: web}\nspec", "name: web, namespace: "+namespace+"}\nspec", 1)
	}
	return text
}

// A team's folder speaks for the team's namespace, and for no other.
func TestManifestsAreBoundToNamespaces(t *testing.T) {
	s, err := read(t, teams(t, of("", "a"), of("team-b", "b")))
	require.NoError(t, err)
	routes, err := s.Platform.Routes()
	require.NoError(t, err)
	require.Equal(t, "team-a", routes.Routes[0].Backend.Namespace, "without a namespace it is that of the source")
	require.Equal(t, "team-b", routes.Routes[1].Backend.Namespace)

	for name, c := range map[string]struct{ text, want string }{
		"another's route": {of("team-b", "stolen"), "x.yaml:1: Ingress team-b/web: its source is bound to namespace team-a: move it to " +
			"the source of its own namespace"},
		"another's Service": {of("", "a") + "---\napiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: team-b}\nspec: {ports: " +
			"[{port: 81}]}\n", "x.yaml:2: Service team-b/web: its source is bound"},
		"another's consent": {of("", "a") + "---\napiVersion: gateway.networking.k8s.io/v1beta1\nkind: ReferenceGrant\nmetadata: {name: " +
			"g, namespace: team-b}\nspec: {from: [{group: networking.k8s.io, kind: Ingress, namespace: evil-proxy}], to: [{group: \"\", " +
			"kind: Service}]}\n", "x.yaml:2: ReferenceGrant team-b/g"},
		"everybody's class": {of("", "a") + "---\napiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: apigateway}\n",
			"it is about every namespace"},
		"within a list": {"apiVersion: v1\nkind: List\nitems:\n- " + strings.ReplaceAll(strings.TrimSpace(of("team-b", "x")), "\n",
			"\n  "), "x.yaml:1.1: Ingress team-b/web"},
		"another's subpath": {of("", "b/login"), "it takes requests from"},
		"the API's settings": {strings.Replace(of("", "a"), "name: web}",
			"name: web, annotations: {apigateway.ingress.kubernetes.io/stage-name: live}}", 1),
			"name the one that may speak for all in the stack's config ownerNamespace"},
	} {
		_, err := read(t, teams(t, c.text, of("", "b")))
		require.ErrorContains(t, err, c.want, name)
	}

	values := teams(t, of("", "a"), of("", "b"))
	values["namespace"] = "copy"
	_, err = read(t, values)
	require.ErrorContains(t, err, "namespace takes the place of every namespace")
	for value, want := range map[string]string{
		`[{"namespace":"a"}]`:                        "manifests[0]: path is missing",
		`[{"path":"Pulumi.yaml","namespace":"A b"}]`: `config manifests[0]: namespace "A b" is not valid`,
		`[{"path":"missing.yaml","namespace":"a"}]`:  "no such file",
		`[3]`: "manifests[0]: 3 is neither a text nor an object",
		`[{"path":"Pulumi.yaml","nampespace":"team-a"}]`: "did you mean namespace?",
	} {
		values := small()
		values["manifests"] = value
		_, err := read(t, values)
		require.ErrorContains(t, err, want, value)
	}
}

// The domain of the output is the one that the API has, not that of an Ingress which does not count.
func TestDomainURL(t *testing.T) {
	annotated := func(name, domain, more string) string {
		text := strings.Replace(of("", name), "name: web}", "name: "+name+
			", annotations: {apigateway.ingress.kubernetes.io/custom-domain-name: "+domain+
			", apigateway.ingress.kubernetes.io/certificate-arn: \"arn:aws:acm:us-east-1:111122223333:certificate/"+
			"01234567-89ab-cdef-0123-456789abcdef"+"\""+more+"}}", 1)
		return strings.Replace(text, "service: {name: web", "service: {name: bookservice", 1)
	}
	foreign := strings.Replace(annotated("foreign", "foreign.example.com", ""), "ingressClassName: apigateway", "ingressClassName: nginx", 1)
	losing := annotated("losing", "losing.example.com", ", apigateway.ingress.kubernetes.io/group.order: \"5\"")
	file := filepath.Join(t.TempDir(), "x.yaml")
	require.NoError(t, os.WriteFile(file, []byte(foreign+"---\n"+losing+"---\n"+annotated("ours", "ours.example.com", "")), 0o600))
	values := small()
	values["manifests"] = `["` + file + `"]`
	s, err := read(t, values)
	require.NoError(t, err)
	url, err := domainURL(s.Platform)
	require.NoError(t, err)
	require.Equal(t, "https://ours.example.com", url)
}

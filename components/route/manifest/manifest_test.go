package manifest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// write lays files out in a folder of its own, and makes it the working directory, so that sources are short.
func write(t *testing.T, files map[string]string) {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
	t.Chdir(root)
}

// names lists what was read as "source kind namespace/name".
func names(set Set) []string {
	var lines []string
	for _, o := range set.Objects {
		lines = append(lines, o.Source+" "+o.Kind+" "+o.Namespace+"/"+o.Name)
	}
	return lines
}

func object(kind, name string) string {
	return "apiVersion: v1\nkind: " + kind + "\nmetadata: {name: " + name + "}\n"
}

func TestSources(t *testing.T) {
	write(t, map[string]string{
		"one.yaml":                          object("Service", "one") + "---\n# nothing\n---\n" + object("Ingress", "two"),
		"deploy/a.yml":                      object("Service", "a"),
		"deploy/b.json":                     `{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "b", "namespace": "shop"}}`,
		"deploy/deep/er/c.yaml":             object("Service", "c"),
		"deploy/notes.txt":                  "not read",
		"deploy/.git/d.yaml":                object("Service", "d"),
		"deploy/chart/Chart.yaml":           "name: chart\n",
		"deploy/chart/values.yaml":          "replicas: 1\n",
		"deploy/chart/templates/x.yaml":     "kind: {{ .Values.kind }}\n",
		"deploy/overlay/kustomization.yaml": "resources: [../../base]\nnamePrefix: dev-\n",
		"base/kustomization.yaml":           "namespace: shop\nresources: [web.yaml]\n",
		"base/web.yaml":                     object("Service", "web"),
		"values.yaml":                       "replicas: 2\n",
	})
	for name, c := range map[string]struct {
		paths         []string
		stdin         string
		want, notices []string
	}{
		"a file of two objects": {[]string{"one.yaml"}, "", []string{"one.yaml:1 Service /one", "one.yaml:3 Ingress /two"}, nil},
		"standard input":        {[]string{"-"}, object("Service", "in"), []string{"-:1 Service /in"}, nil},
		"a folder and those below": {[]string{"deploy"}, "", []string{"deploy/a.yml:1 Service /a", "deploy/b.json:1 Service shop/b",
			"deploy/deep/er/c.yaml:1 Service /c"},
			[]string{"deploy/chart: passed over: it is a Helm chart", "deploy/overlay: passed over: it is a kustomization"}},
		"a pattern": {[]string{"deploy/**/*.y*ml"}, "", nil, nil},
		"a file that is met twice": {[]string{"one.yaml", "*.yaml", "./one.yaml"}, "",
			[]string{"one.yaml:1 Service /one", "one.yaml:3 Ingress /two"}, []string{"values.yaml:1: passed over"}},
		"a kustomization": {[]string{"base"}, "", []string{"base:1 Service shop/web"}, nil},
		"its file":        {[]string{"base/kustomization.yaml"}, "", []string{"base:1 Service shop/web"}, nil},
		"an overlay":      {[]string{"deploy/overlay"}, "", []string{"deploy/overlay:1 Service shop/dev-web"}, nil},
		"values of a chart": {[]string{"values.yaml"}, "", nil,
			[]string{"values.yaml:1: passed over: it is no Kubernetes object, for it has no apiVersion and kind"}},
		"a list": {[]string{"-"}, "apiVersion: v1\nkind: List\nitems:\n- " + strings.ReplaceAll(object("Service", "x"), "\n", "\n  ") +
			"\n- " + strings.ReplaceAll(object("Pod", "p"), "\n", "\n  "),
			[]string{"-:1.1 Service /x", "-:1.2 Pod /p"}, nil},
		"a typed list whose items have no kind": {[]string{"-"}, `{"apiVersion": "networking.k8s.io/v1", "kind": "IngressList", "items": [{"metadata": {"name": "x"}}]}`, []string{"-:1.1 Ingress /x"}, nil},
		"merge keys": {[]string{"-"}, "apiVersion: v1\nkind: Service\nx-ports: &ports {type: " +
			"ClusterIP}\nmetadata: {name: m}\nspec: {<<: *ports}\n", []string{"-:1 Service /m"}, nil},
		"no object at all": {[]string{"-"}, "- a\n- b\n", nil, []string{"-:1: passed over: it is no Kubernetes object"}},
		"nothing":          {[]string{"-"}, "\n", nil, []string{"-: it is empty"}},
	} {
		t.Run(name, func(t *testing.T) {
			set, err := Read(c.paths, strings.NewReader(c.stdin))
			if name == "a pattern" {
				require.ErrorContains(t, err, "deploy/chart/templates/x.yaml:1: not YAML", "a pattern takes what it matches")
				require.ErrorContains(t, err, "helm template")
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, names(set))
			require.Len(t, set.Notices, len(c.notices), set.Notices)
			for i, notice := range c.notices {
				require.Contains(t, set.Notices[i], notice)
			}
		})
	}
}

func TestBadSources(t *testing.T) {
	write(t, map[string]string{
		"chart/Chart.yaml":          "name: chart\n",
		"empty/readme.md":           "",
		"broken.yaml":               "a: [\n",
		"good.yaml":                 object("Service", "good"),
		"typed.yaml":                "apiVersion: v1\nkind: Service\nmetadata: {name: 3}\n",
		"twice.yaml":                object("Service", "twice") + "spec: {}\nspec: {type: NodePort}\n",
		"lost/kustomization.yaml":   "resources: [missing.yaml]\n",
		"escape/kustomization.yaml": "resources: [../good.yaml]\n",
	})
	for name, want := range map[string]string{
		"chart":        "is a Helm chart: render it with `helm template NAME chart`",
		"empty":        "holds no .yaml, .yml or .json file",
		"broken.yaml":  "broken.yaml:1: not YAML",
		"missing.yaml": "no such file or directory; check the path",
		"no/*.yaml":    "no file matches the pattern",
		"[":            "syntax error in pattern",
		"typed.yaml":   "typed.yaml:1: its apiVersion, kind, name or namespace is not text",
		"lost":         `kustomization "lost"`,
		"escape":       `kustomization "escape"`,
	} {
		set, err := Read([]string{name, "good.yaml"}, nil)
		require.ErrorContains(t, err, want, name)
		require.Equal(t, []string{"good.yaml:1 Service /good"}, names(set), "what can be read is read")
	}
	_, err := Read(nil, nil)
	require.ErrorContains(t, err, "no manifest is named")
	set, err := Read([]string{"twice.yaml"}, nil)
	require.NoError(t, err, "it matters to those only who use the object")
	require.ErrorContains(t, set.Objects[0].Malformed, `key "spec" already set`)
	require.Equal(t, "1 Service", set.Kinds())
	require.Empty(t, set.Kinds("Service"))
}

// FuzzParse: whatever is in a file, reading it ends, and says where something is wrong.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{object("Service", "x"), "a: [", "{{ .Values }}", "---\n---\n",
		`{"kind":"List","apiVersion":"v1","items":[{}]}`, "kind: 3\n", "&a [*a]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		set, err := Parse("file", content)
		for _, o := range set.Objects {
			require.NotEmpty(t, o.Kind)
			require.True(t, strings.HasPrefix(o.Source, "file:"))
		}
		if err != nil {
			require.Contains(t, err.Error(), "file:")
		}
	})
}

package route

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/nginxconf"
	"github.com/stretchr/testify/require"
)

// Whatever a manifest is, it is read or refused with a place, and what is read makes valid documents.
func FuzzParse(f *testing.F) {
	seeds, err := filepath.Glob("testdata/manifests/*.yaml")
	require.NoError(f, err)
	for _, seed := range append(seeds, "../../examples/bookstore/ingress.yaml", "../../examples/bookstore/ingress-v1.yaml") {
		content, err := os.ReadFile(seed)
		require.NoError(f, err)
		f.Add(content)
	}
	f.Add([]byte("kind: List\nitems: [{}, null, {kind: Ingress}]"))
	f.Fuzz(func(t *testing.T, content []byte) {
		ingresses, err := Parse("f.yaml", content)
		if err != nil {
			require.True(t, strings.HasPrefix(err.Error(), "f.yaml"), "%s", err)
		}
		table, err := Compile(ingresses, Options{AnyService: true, Domains: []string{"*.example.com"}})
		if err != nil {
			require.Nil(t, table)
			return
		}
		_, err = table.OpenAPI(Document{Title: "x"})
		require.NoError(t, err)
		_, err = nginxconf.Parse(string(table.NGINX(8080)))
		require.NoError(t, err)
	})
}

func FuzzAnnotations(f *testing.F) {
	for _, a := range Annotations {
		for _, value := range []string{"", "1", "5s", "GET", "a=b", "https://a.example.com", "arn:aws:iam::111122223333:user/a"} {
			f.Add(a.Name, value)
		}
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		said, err := parseAnnotations(map[string]string{AnnotationPrefix + name: value})
		if err != nil {
			return
		}
		table := &Table{Routes: []Route{{Path: "/a", Match: Prefix, Backend: Backend{"default", "one", 80}, Settings: said.route.withDefaults()}}}
		_, err = nginxconf.Parse(string(table.NGINX(8080)))
		require.NoError(t, err)
	})
}

// Texts that got past every check must still not change the shape of the configuration, nor make nginx refuse it.
func FuzzNGINXEscaping(f *testing.F) {
	for _, text := range []string{"/a", "/;{}$\"\\", "/a\nb", "/ä", "/'", "/#", "/${dollar}", "/\\", "/\\\"", "/ ", "/a\x01", "/~", "/=", "/@"} {
		f.Add(text, "a.example.com", "https://a")
	}
	f.Add("/a", "\"; } $x", "\";}")
	f.Add("/a", "~^(a$", "\\")
	f.Fuzz(func(t *testing.T, path, host, origin string) {
		if strings.ContainsRune(path+host+origin, 0) || len(path+host+origin) > 200 || !strings.HasPrefix(path, "/") || path == "/" {
			t.Skip("no manifest can say it, or nginx's tables are too small for it")
		}
		config := escapingTable(path, host, origin).NGINX(8080)
		parsed, err := nginxconf.Parse(string(config))
		require.NoError(t, err)
		require.Equal(t, shape(parse(t, escapingTable("/harmless", "harmless.example.com", "https://harmless").NGINX(8080))), shape(parsed), "%s", config)
		acceptedByNGINX(t, string(config))
	})
}

func escapingTable(path, host, origin string) *Table {
	settings := Behavior{CORS: &CORS{Origins: []string{origin}, Methods: []string{"GET"}, Headers: []string{origin}}}
	backend := Backend{"default", "bookservice", 80}
	return &Table{Routes: []Route{
		{Path: path, Match: Exact, Host: host, Backend: backend, Settings: settings},
		{Path: "/other", Match: Exact, Host: host + "x", Backend: backend, Settings: settings},
	}}
}

func parse(t *testing.T, config []byte) *nginxconf.Block {
	t.Helper()
	parsed, err := nginxconf.Parse(string(config))
	require.NoError(t, err)
	return parsed
}

// shape is the names of directives and the numbers of their arguments. Locations of parents and entries of maps
// depend on the texts themselves; what matters is what they contain.
func shape(block *nginxconf.Block) map[string]int {
	counts := map[string]int{}
	for _, d := range block.Directives {
		if d.Block == nil {
			counts[d.Name]++
			continue
		}
		counts[d.Name+" {}"]++
		if d.Name == "map" {
			continue
		}
		for name, n := range shape(d.Block) {
			counts[name] += n
		}
	}
	return counts
}

func acceptedByNGINX(t *testing.T, config string) {
	t.Helper()
	dir := t.TempDir()
	config = strings.ReplaceAll(config, "bookservice.default.svc.cluster.local:", "127.0.0.1:")
	config = strings.ReplaceAll(config, " /tmp/", " "+dir+"/")
	file := filepath.Join(dir, "nginx.conf")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	output, err := exec.Command("nginx", "-t", "-q", "-p", dir, "-e", "stderr", "-c", file).CombinedOutput()
	require.NoError(t, err, "%s\n%s", output, config)
}

package integration

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// publishedShop publishes two Services of a cluster that nobody here has made, one of which a program of this machine answers for.
const publishedShop = `config:
  aws:region: eu-west-1
  apigateway-ingress:target: local
  apigateway-ingress:clusterName: prod
  apigateway-ingress:publish:
    - {service: "sock-shop/front-end:80", auth: none}
    - {service: "sock-shop/catalogue:8080", path: /catalogue, auth: none}
  apigateway-ingress:localImages:
    sock-shop/front-end: [python3, -m, http.server, --directory, site, --bind, "${POD_IP}", "${PORT}"]
`

// newShop is a project with nothing but a stack's config, and a page for the program to serve.
func newShop(t *testing.T, config string) *binary {
	t.Helper()
	b := &binary{t, t.TempDir()}
	schema, err := os.ReadFile(filepath.Join(repository, "Pulumi.yaml"))
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(b.root, "site"), 0o750))
	for name, content := range map[string]string{"Pulumi.yaml": string(schema), "Pulumi.local.yaml": config,
		"site/index.html": "a foreign page"} {
		require.NoError(t, os.WriteFile(filepath.Join(b.root, name), []byte(content), 0o600))
	}
	t.Cleanup(func() { b.run("destroy") })
	return b
}

// The tutorial's own words bring a foreign program up, and a stranger gets its answer by the host.
func TestTutorialYourCluster(t *testing.T) {
	t.Parallel()
	expectShopComesUp(t, section(t, "docs/tutorials/your-cluster.md", "Try it without AWS"))
}

// So do README's.
func TestREADMEOwnService(t *testing.T) {
	t.Parallel()
	expectShopComesUp(t, section(t, "README.md", "Your own service"))
}

func expectShopComesUp(t *testing.T, text string) {
	t.Helper()
	commands := commandsOf(text)
	require.Len(t, commands, 3)
	var config string
	for line := range strings.Lines(text) {
		if text, indented := strings.CutPrefix(line, "    "); indented && !strings.HasPrefix(text, "bin/") {
			config += text
		}
	}
	first, _, found := strings.Cut(config, "  apigateway-ingress:target")
	require.True(t, found)
	require.Equal(t, 7, strings.Count(first, "\n"), "seven lines publish what exists")
	b := newShop(t, "config: {}\n")
	require.NoError(t, os.WriteFile(filepath.Join(b.root, "Pulumi.shop.yaml"), []byte(config), 0o600))
	b.linkBin(t)
	t.Cleanup(func() { b.run("destroy", "--stack", "shop") })
	for _, command := range commands {
		b.shell(command)
	}
}

// What exists is published by naming it: no manifest, no declared service, no VPC.
func TestPublishWhatExists(t *testing.T) {
	t.Parallel()
	b := newShop(t, publishedShop)
	o := b.run("up")
	require.Zero(t, o.code, o.out+o.errOut)
	expectTriesWork(t, b, o.out)
	page := b.run("call", "--unsigned", "/")
	require.Zero(t, page.code, page.errOut)
	require.Contains(t, page.out, "a foreign page")
	echo := b.run("call", "--unsigned", "/catalogue/1")
	require.Zero(t, echo.code, echo.errOut)
	require.Equal(t, "/catalogue/1", decode(t, echo.out)["uri"])
	status := b.run("status")
	require.Zero(t, status.code, status.out)
	require.Regexp(t, `ok +service sock-shop/front-end +1 of 1 endpoints ready\n`, status.out)
	require.Regexp(t, `ok +service sock-shop/catalogue +1 of 1 endpoints ready; a stand-in answers\n`, status.out)
	require.Zero(t, b.run("preview", "--expect-no-changes").code, "twice is a no-op")
}

// What the cluster does not have as the routes name it is refused in preview.
func TestPublishWhatDoesNotExist(t *testing.T) {
	t.Parallel()
	owner := newEnvironment(t, nil)
	owner.up()
	publish := func(services ...string) error {
		other := owner.beside(t, "existing-cluster")
		var published []map[string]any
		for _, service := range services {
			published = append(published, map[string]any{"service": service, "auth": "none"})
		}
		content, err := yaml.Marshal(map[string]any{"config": map[string]any{
			"aws:region": "us-east-1", "apigateway-ingress:target": "local", "apigateway-ingress:name": "guest",
			"apigateway-ingress:podRole":     "none",
			"apigateway-ingress:clusterName": owner.output("clusterName"), "apigateway-ingress:publish": published,
			"apigateway-ingress:nodePort": 30081,
		}})
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(other.root, "Pulumi.existing-cluster.yaml"), content, 0o600))
		other.open(nil)
		_, err = other.session.Stack.Preview(context.Background())
		return err
	}
	require.NoError(t, publish("bookservice:80"))
	require.ErrorContains(t, publish("bookservice:8080"), "service default/bookservice has 80 (http), not 8080")
	require.ErrorContains(t, publish("nobody:80"), "default/nobody")
	require.Equal(t, http.StatusOK, owner.get("/api/book/list").status, "the owner's routes are as they were")
	owner.destroy()
}

// shopOfHosts is what somebody else's system takes: seven lines, and the target.
const shopOfHosts = `config:
  aws:region: eu-west-1
  apigateway-ingress:target: local
  apigateway-ingress:clusterName: prod
  apigateway-ingress:hostedZoneId: Z0123456789
  apigateway-ingress:hosts: auto
  apigateway-ingress:publish:
    - {host: shop.example.com, service: "sock-shop/front-end:80", auth: none}
    - {host: help.example.com, service: "sock-shop/help:80", auth: none}
    - {host: example.org, service: "sock-shop/front-end:80", auth: none}
`

// Every host answers by its name, its own Service and no other; a host that goes takes its domain along.
func TestHostsOfASystem(t *testing.T) {
	t.Parallel()
	b := newShop(t, shopOfHosts)
	o := b.run("up")
	require.Zero(t, o.code, o.out+o.errOut)
	var outputs struct {
		APIEndpoint   string            `json:"apiEndpoint"`
		DomainURLs    map[string]string `json:"domainUrls"`
		DomainTargets map[string]string `json:"domainTargets"`
	}
	b.json(&outputs, "outputs")
	require.Equal(t, map[string]string{"*.example.com": "https://*.example.com", "example.org": "https://example.org"}, outputs.DomainURLs)
	require.Len(t, outputs.DomainTargets, 2)
	for host, service := range map[string]string{"shop.example.com": "front-end", "help.example.com": "help", "example.org": "front-end"} {
		called := b.run("call", "--unsigned", "--host", host, "/x")
		require.Zero(t, called.code, called.errOut)
		require.Equal(t, "simulated/sock-shop/"+service, decode(t, called.out)["standIn"], host)
		require.Equal(t, http.StatusOK, statusAt(t, outputs.APIEndpoint, host), "any client with that Host header")
	}
	require.NotEqual(t, http.StatusOK, statusAt(t, outputs.APIEndpoint, "other.example.net"))
	unknown := b.run("call", "--unsigned", "--host", "other.example.net", "/x")
	require.Equal(t, 2, unknown.code)
	require.Contains(t, unknown.errOut, "the stack has no domain for other.example.net")

	b.edit("Pulumi.local.yaml", "    - {host: example.org, service: \"sock-shop/front-end:80\", auth: none}\n", "")
	o = b.run("up")
	require.Zero(t, o.code, o.out+o.errOut)
	outputs.DomainURLs = nil
	b.json(&outputs, "outputs")
	require.Equal(t, map[string]string{"*.example.com": "https://*.example.com"}, outputs.DomainURLs)
	require.NotEqual(t, http.StatusOK, statusAt(t, outputs.APIEndpoint, "example.org"))
	o = b.run("destroy")
	require.Zero(t, o.code, o.out+o.errOut)
}

// statusAt asks for /x of a host at the root of where the API listens.
func statusAt(t *testing.T, endpoint, host string) int {
	t.Helper()
	at, err := url.Parse(endpoint)
	require.NoError(t, err)
	request, err := http.NewRequest(http.MethodGet, "http://"+at.Host+"/x", nil)
	require.NoError(t, err)
	request.Host = host
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return response.StatusCode
}

// expectTriesWork runs the calls that up says to try: they are about the stack's own routes.
func expectTriesWork(t *testing.T, b *binary, said string) {
	t.Helper()
	_, tries, found := strings.Cut(said, "Try:\n")
	require.True(t, found, said)
	calls := 0
	for _, line := range strings.Split(tries, "\n") {
		if _, arguments, isCall := strings.Cut(line, " call "); isCall {
			called := b.run(append([]string{"call"}, strings.Fields(arguments)...)...)
			require.Zero(t, called.code, "%s: %s", line, called.errOut)
			calls++
		}
	}
	require.Positive(t, calls, said)
}

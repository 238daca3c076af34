package integration

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const secondGateway = `config:
  aws:region: us-east-1
  apigateway-ingress:target: local
  apigateway-ingress:clusterName: CLUSTER
  apigateway-ingress:manifests: [examples/bookstore/ingress.yaml]
  apigateway-ingress:services:
    - {name: bookservice, image: "apigateway-ingress/books:dev", port: 80}
    - {name: authorservice, image: "apigateway-ingress/authors:dev", port: 80}
`

// A second gateway on a cluster is told before anything is made what is taken, all at once, and what to write instead.
func TestSecondGatewayOnACluster(t *testing.T) {
	t.Parallel()
	b := newBinary(t)
	var first update
	b.json(&first, "up")
	config := func(more string) {
		text := strings.ReplaceAll(secondGateway, "CLUSTER", strings.TrimSpace(b.run("outputs", "clusterName").out))
		require.NoError(t, os.WriteFile(filepath.Join(b.root, "Pulumi.second.yaml"), []byte(text+more), 0o600))
	}
	config("")
	for _, verb := range []string{"preview", "up"} {
		refused := b.run("--stack", "second", verb)
		require.Equal(t, 2, refused.code, refused.out+refused.errOut)
		for _, want := range []string{
			"namespace bookstore-proxy is in cluster", "another in the config key name",
			"namespace apigw-ingress is in cluster", "Set the config key podRole to none",
			"service default/bookservice is in cluster", "service default/authorservice is in cluster", "the config key namespace",
			"is taken by service bookstore-proxy/bookstore-proxy-30080: set the config key nodePort to a free one, such as 31000",
		} {
			require.Contains(t, refused.errOut, want)
		}
	}
	config("  apigateway-ingress:name: second\n  apigateway-ingress:podRole: none\n  apigateway-ingress:namespace: second\n" +
		"  apigateway-ingress:nodePort: 31000\n  apigateway-ingress:clientUser: true\n")
	up := b.run("--stack", "second", "up")
	require.Zero(t, up.code, up.out+up.errOut)
	require.Zero(t, b.run("--stack", "second", "call", "/api/book/list").code)
	require.Zero(t, b.run("--stack", "second", "preview", "--expect-no-changes").code)
	require.Zero(t, b.run("call", "/api/book/list").code, "the first gateway is as it was")
	require.Zero(t, b.run("--stack", "second", "destroy").code)
}

// A namespace that was there before is used, and is there afterward.
func TestExistingNamespaceIsUsed(t *testing.T) {
	t.Parallel()
	b := newBinary(t)
	config := func(more string) {
		require.NoError(t, os.WriteFile(filepath.Join(b.root, "Pulumi.local.yaml"), []byte(`config:
  aws:region: us-east-1
  apigateway-ingress:target: local
  apigateway-ingress:clusterName: prod
  apigateway-ingress:publish:
    - {service: "team/web:80", auth: none}
    - {service: "team/books:80", path: /api/book, auth: none}
  apigateway-ingress:services:
    - {name: books, namespace: team, image: "apigateway-ingress/books:dev", port: 80}
`+more), 0o600))
	}
	config("")
	refused := b.run("up")
	require.Equal(t, 2, refused.code, refused.out+refused.errOut)
	require.Contains(t, refused.errOut, "namespace team is in cluster prod already, and not this stack's: name it in the config key "+
		"existingNamespaces")
	for range 2 {
		config("  apigateway-ingress:existingNamespaces: [team]\n")
		up := b.run("up")
		require.Zero(t, up.code, up.out+up.errOut)
		require.Zero(t, b.run("call", "--unsigned", "/api/book/list").code)
		require.Zero(t, b.run("call", "--unsigned", "/").code, "what was in the namespace before")
		require.Zero(t, b.run("destroy").code)
	}
	config("  apigateway-ingress:existingNamespaces: [nobodys]\n")
	without := b.run("up")
	require.Equal(t, 2, without.code)
	require.Contains(t, without.errOut, "nobodys is the namespace of no service with an image")
}

// A VPC has one endpoint with the private names of a service. A second private gateway is told of it in preview.
func TestSecondPrivateGatewayInAVPC(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t, nil)
	e.setConfig("endpointType", "PRIVATE")
	e.setConfig("createVpcEndpoint", true)
	e.up()
	endpoint := e.output("vpcEndpointId")
	require.Regexp(t, "^vpce-", endpoint)
	path := filepath.Join(e.root, "Pulumi.shared-platform.yaml")
	other := e.beside(t, "shared-platform")
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	preview := func(more string) (string, error) {
		require.NoError(t, os.WriteFile(path, append(content, []byte(more)...), 0o600))
		other.open(nil)
		result, err := other.session.Stack.Preview(context.Background())
		return result.StdOut + result.StdErr, err
	}
	text, err := preview("  apigateway-ingress:endpointType: PRIVATE\n  apigateway-ingress:createVpcEndpoint: true\n")
	require.Error(t, err)
	require.Contains(t, text+err.Error(), "has the endpoint "+endpoint+" for execute-api already: name it in vpcEndpointIds instead of "+
		"createVpcEndpoint")
	_, err = preview("  apigateway-ingress:endpointType: PRIVATE\n  apigateway-ingress:vpcEndpointIds: [" + endpoint + "]\n")
	require.NoError(t, err)
	e.expectNoChanges()
	e.destroy()
}

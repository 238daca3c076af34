package pipelines

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A plan that preview saved fits the up that follows: that of a first deployment, that of a new route, and that of new
// resources with new names.
func TestPlans(t *testing.T) {
	t.Parallel()
	c := newCheckout(t)
	for _, change := range []func(){
		func() {},
		func() { c.edit("examples/bookstore/ingress.yaml", "path: /api/author", "path: /api/writer") },
		func() {
			c.edit("Pulumi.local.yaml", "target: local", "target: local\n  apigateway-ingress:alarms: true")
		},
	} {
		change()
		preview := c.run("preview", "--save-plan", "plan.json")
		require.Zero(t, preview.code, preview.errOut)
		up := c.run("up", "--plan", "plan.json")
		require.Zero(t, up.code, up.out+up.errOut)
	}
	missing := c.run("up", "--plan", "nothing.json")
	require.Equal(t, 2, missing.code, missing.errOut)
	other := newCheckout(t)
	content, err := os.ReadFile(filepath.Join(c.root, "plan.json"))
	require.NoError(t, err)
	other.write("plan.json", string(content))
	elsewhere := other.run("up", "--plan", "plan.json")
	require.Equal(t, 2, elsewhere.code, elsewhere.out+elsewhere.errOut)
	require.Contains(t, elsewhere.errOut, "was made with other secrets")
	c.testImportElsewhere()
	require.Zero(t, c.run("destroy").code)
}

// testImportElsewhere wants a deployment to say which passphrase it takes, and to be imported with that.
func (c *checkout) testImportElsewhere() {
	c.t.Helper()
	exported := c.run("export")
	require.Zero(c.t, exported.code, exported.errOut)
	passphrase, err := os.ReadFile(filepath.Join(c.root, ".apigw-ingress", "passphrase"))
	require.NoError(c.t, err)
	for _, with := range []bool{false, true} {
		other := newCheckout(c.t)
		other.write("deployment.json", exported.out)
		if !with {
			refused := other.run("import", "deployment.json")
			require.Equal(c.t, 2, refused.code, refused.errOut)
			require.Contains(c.t, refused.errOut, "copy it to "+filepath.Join(other.root, ".apigw-ingress", "passphrase"))
			continue
		}
		require.NoError(c.t, os.Mkdir(filepath.Join(other.root, ".apigw-ingress"), 0o700))
		other.write(filepath.Join(".apigw-ingress", "passphrase"), string(passphrase))
		imported := other.run("import", "deployment.json", "--json")
		require.Zero(c.t, imported.code, imported.errOut)
		require.True(c.t, json.Valid([]byte(imported.out)), imported.out)
		require.Contains(c.t, other.run("outputs").out, "apiEndpoint")
	}
}

package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever manifests are named and say, no verb prints a command for a terminal or for GitHub's runner.
func TestNothingOfManifestsCommandsTheRunner(t *testing.T) {
	t.Setenv("GITHUB_ACTIONS", "true")
	const hostile = "a\\n::error::forged\\u001b[2J\\u202e ##[error]forged"
	dir := t.TempDir()
	for name, text := range map[string]string{
		"name":     strings.Replace(goodIngress, "name: shop", `name: "`+hostile+`"`, 1),
		"class":    strings.Replace(goodIngress, "ingressClassName: apigateway", `ingressClassName: "`+hostile+`"`, 1),
		"path":     strings.Replace(goodIngress, "path: /shop", `path: "/`+hostile+`"`, 1),
		"host":     strings.Replace(goodIngress, "rules: [{", `rules: [{host: "`+hostile+`", `, 1),
		"service":  strings.Replace(goodIngress, "name: web", `name: "`+hostile+`"`, 1),
		"field":    strings.Replace(goodIngress, "rules:", `"`+hostile+`": 1, rules:`, 1),
		"version":  strings.Replace(goodIngress, "networking.k8s.io/v1", `"`+hostile+`"`, 1),
		"kind":     goodIngress + "---\napiVersion: v1\nkind: \"" + hostile + "\"\nmetadata: {name: a}\n",
		"grant":    "apiVersion: \"" + hostile + "\"\nkind: ReferenceGrant\nmetadata: {name: \"" + hostile + "\"}\n",
		"not YAML": "a: [\n::error::forged",
	} {
		file := filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".yaml")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		for _, args := range [][]string{{"routes", file}, {"migrate", file}, {"routes", "--nginx", file}} {
			_, out, errOut := try(t, args...)
			for line := range strings.Lines(out + errOut) {
				ours := strings.HasPrefix(line, "::error title=apigw-ingress (local)::")
				require.False(t, strings.HasPrefix(strings.TrimSpace(line), "::") && !ours, "%s %v: %q", name, args, line)
				require.NotContains(t, line, "\x1b", name)
				require.NotContains(t, line, "\u202e", name)
				if strings.HasPrefix(line, "error: ") || ours {
					require.NotContains(t, line, "##[", name)
				}
			}
		}
	}
}

package command

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A shell gets the words that fit, and after them what it may do besides.
func TestCompletion(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"Pulumi.yaml", "Pulumi.local.yaml", "Pulumi.production.yaml", "Pulumi.local.yaml.kept", "other.yaml"} {
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte("name: shop\nruntime: go\n"), 0o600))
	}
	for line, want := range map[string][]string{
		"--stack |":            {"local", "production"},
		"up --stack |":         {"local", "production"},
		"graph --format |":     {"dot", "mermaid", "svg"},
		"outputs |":            nil, // The stack is not up.
		"outputs one |":        nil,
		"logs --status 5|":     nil,
		"--project /none -s |": nil,
	} {
		var out, errOut bytes.Buffer
		args := strings.Fields(strings.TrimSuffix(line, "|"))
		word := ""
		if !strings.HasSuffix(line, " |") {
			word, args = args[len(args)-1], args[:len(args)-1]
		}
		code := Run("test", append([]string{"__complete", "--project", root}, append(args, word)...), strings.NewReader(""), &out, &errOut)
		require.Zero(t, code, "%s: %s", line, errOut.String())
		found := strings.Split(strings.TrimSpace(out.String()), "\n")
		require.ElementsMatch(t, want, found[:len(found)-1], line)
	}
}

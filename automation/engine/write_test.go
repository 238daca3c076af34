package engine

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A change of some keys leaves the others and the comments of the file as they are.
func TestWriteKeepsTheRest(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(root, "Pulumi.yaml"), []byte(
		"name: shop\nruntime: go\nconfig:\n  target: {type: string, default: aws}\n  generation: {type: integer, default: 1}\n  keep: "+
			"{type: boolean, default: false}\n"), 0o600))
	file := filepath.Join(root, "Pulumi.prod.yaml")
	require.NoError(t, os.WriteFile(file, []byte("config:\n  # the region of the shop\n  aws:region: eu-west-1\n  shop:generation: 3 # "+
		"the third\n"), 0o600))
	p, err := OpenProject(root, "prod")
	require.NoError(t, err)
	require.NoError(t, p.Write(map[string]any{"generation": 4, "keep": true}))
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(content), "# the region of the shop\n  aws:region: eu-west-1\n")
	p, err = OpenProject(root, "prod")
	require.NoError(t, err)
	generation, _ := p.Get("generation")
	require.Equal(t, "4", generation)
	require.True(t, p.Written("keep"))
	require.Contains(t, string(content), "shop:generation: 4")
	require.Contains(t, string(content), "shop:keep: true")
}

package docs

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/apigateway-ingress/apigateway-ingress/internal/variants"
	"github.com/apigateway-ingress/apigateway-ingress/stacks/deploy"
	"github.com/stretchr/testify/require"
)

// otherKeys are those that no change of one stack shows, and where it is said what becomes of them.
var otherKeys = map[string]string{
	"target":      "another stack's business: docs/reference/config.md",
	"localImages": "this machine alone", "localFunctions": "this machine alone",
	"platformStack": "refused as another cluster is", "clusterName": "refused: components/cluster", "kubeconfig": "how a cluster is reached",
	"existingNamespaces": "TestExistingNamespaceIsUsed",
}

// The page that `make changes` writes has a full row for each key and each field.
func TestChangesPageIsWhole(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(repository, "docs", "reference", "changes.md"))
	require.NoError(t, err)
	rows := map[string][]string{}
	for line := range strings.Lines(string(content)) {
		if cells := strings.Split(strings.TrimSpace(line), " | "); strings.HasPrefix(line, "| `") {
			rows[strings.Trim(cells[0], "|` ")] = cells
		}
	}
	all, err := variants.All()
	require.NoError(t, err)
	for _, v := range all {
		cells := rows[v.Key]
		require.Len(t, cells, 3, "%s: run `make changes GOLDEN=-update`", v.Key)
		for _, cell := range cells {
			require.NotEmpty(t, strings.Trim(cell, " |"), v.Key)
		}
	}
	for _, f := range settings.Fields(reflect.TypeFor[deploy.Config]()) {
		require.True(t, rows[f.Key] != nil || otherKeys[f.Key] != "", f.Key)
	}
}

// Package docs writes the reference pages from the sources, and fails when they are not what the sources say.
package docs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/internal/golden"
	"github.com/stretchr/testify/require"
)

const repository = "../.."

// The example for previewtest is a project of its own, with the same config.
func TestExampleProject(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(repository, "Pulumi.yaml"))
	require.NoError(t, err)
	golden.Equal(t, filepath.Join(repository, "examples", "previewtest", "Pulumi.yaml"),
		strings.Replace(string(content), "\nmain: stacks", "", 1))
}

func page(t *testing.T, name, text string) {
	t.Helper()
	golden.Equal(t, filepath.Join(repository, "docs", name), text)
}

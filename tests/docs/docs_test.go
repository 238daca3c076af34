// Package docs writes the reference pages from the sources, and fails when they are not what the sources say.
package docs

import (
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/internal/golden"
	"github.com/stretchr/testify/require"
)

const repository = "../.."

// Every component has a page with its settings and outputs, from its documentation in Go.
func TestComponentPages(t *testing.T) {
	for _, name := range []string{"platform", "network", "encryption", "cluster", "podrole", "workload", "proxy", "gateway", "location",
		"target"} {
		page(t, "components/"+name+".md", componentPage(t, name))
	}
}

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

func componentPage(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(repository, "components", name)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	files := token.NewFileSet()
	var parsed []*ast.File
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), ".go") && !strings.HasSuffix(entry.Name(), "_test.go") {
			file, err := parser.ParseFile(files, filepath.Join(dir, entry.Name()), nil, parser.ParseComments)
			require.NoError(t, err)
			parsed = append(parsed, file)
		}
	}
	described, err := doc.NewFromFiles(files, parsed, name)
	require.NoError(t, err)
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n", name, described.Markdown(described.Doc))
	for _, kind := range described.Types {
		table := fields(kind)
		if table == "" {
			continue
		}
		fmt.Fprintf(&b, "## %s\n\n%s\n| field | type | meaning |\n| --- | --- | --- |\n%s\n", kind.Name, described.Markdown(kind.Doc), table)
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// fields are the rows for a struct's exported fields. Fields that share a comment share a row.
func fields(kind *doc.Type) string {
	spec, ok := kind.Decl.Specs[0].(*ast.TypeSpec)
	if !ok {
		return ""
	}
	structure, ok := spec.Type.(*ast.StructType)
	if !ok {
		return ""
	}
	var b strings.Builder
	for _, field := range structure.Fields.List {
		var names []string
		for _, name := range field.Names {
			if name.IsExported() {
				names = append(names, "`"+name.Name+"`")
			}
		}
		if len(names) > 0 {
			fmt.Fprintf(&b, "| %s | `%s` | %s |\n", strings.Join(names, ", "), typeName(field.Type),
				strings.Join(strings.Fields(field.Doc.Text()), " "))
		}
	}
	return b.String()
}

func typeName(expression ast.Expr) string {
	switch e := expression.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return typeName(e.X) + "." + e.Sel.Name
	case *ast.StarExpr:
		return "*" + typeName(e.X)
	case *ast.ArrayType:
		return "[]" + typeName(e.Elt)
	case *ast.MapType:
		return "map[" + typeName(e.Key) + "]" + typeName(e.Value)
	}
	return "any"
}

package library

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const components = "../../components"

// The exported names, fields and signatures of the components as they were kept last are in testdata/api.txt. What is taken
// away or changed breaks programs and is named here; what is added is not kept before the next release: docs/reference/versioning.md.
func TestExportedAPIStays(t *testing.T) {
	const path = "testdata/api.txt"
	written, err := os.ReadFile(path)
	require.NoError(t, err)
	kept := strings.Split(strings.TrimSpace(string(written)), "\n")
	now := exported(t)
	if os.Getenv("KEEP_API") != "" {
		require.NoError(t, os.WriteFile(path, []byte(strings.Join(now, "\n")+"\n"), 0o600))
		return
	}
	require.Greater(t, len(kept), 500, "the file is not what it should be")
	for _, line := range kept {
		if !slices.Contains(now, line) {
			t.Errorf("breaking: %q is gone or changed; docs/reference/versioning.md says what to do", line)
		}
	}
}

// exported lists what programs can name, one line each, sorted.
func exported(t *testing.T) []string {
	t.Helper()
	var lines []string
	require.NoError(t, filepath.WalkDir(components, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		where := filepath.ToSlash(strings.TrimPrefix(filepath.Dir(path), "../../"))
		for _, declaration := range file.Decls {
			for _, line := range lists(declaration) {
				lines = append(lines, where+": "+line)
			}
		}
		return nil
	}))
	slices.Sort(lines)
	return lines
}

func lists(declaration ast.Decl) []string {
	if function, isFunction := declaration.(*ast.FuncDecl); isFunction {
		receiver := ""
		if function.Recv != nil {
			receiver = text(function.Recv.List[0].Type)
		}
		if !function.Name.IsExported() || receiver != "" && !ast.IsExported(strings.TrimPrefix(receiver, "*")) {
			return nil
		}
		return []string{fmt.Sprintf("func (%s) %s%s", receiver, function.Name.Name, strings.TrimPrefix(text(function.Type), "func"))}
	}
	var lines []string
	general := declaration.(*ast.GenDecl)
	for _, spec := range general.Specs {
		switch s := spec.(type) {
		case *ast.ValueSpec:
			for _, name := range s.Names {
				if name.IsExported() {
					lines = append(lines, general.Tok.String()+" "+name.Name)
				}
			}
		case *ast.TypeSpec:
			lines = append(lines, typeLines(s)...)
		}
	}
	return lines
}

func typeLines(spec *ast.TypeSpec) []string {
	if !spec.Name.IsExported() {
		return nil
	}
	structure, isStruct := spec.Type.(*ast.StructType)
	if !isStruct {
		return []string{"type " + spec.Name.Name + " " + text(spec.Type)}
	}
	lines := []string{"type " + spec.Name.Name + " struct"}
	for _, field := range structure.Fields.List {
		tag := ""
		if field.Tag != nil {
			tag = " " + regexp.MustCompile(`pulumi:"[^"]*"`).FindString(field.Tag.Value)
		}
		for _, name := range field.Names {
			if name.IsExported() {
				lines = append(lines, strings.TrimRight("field "+spec.Name.Name+"."+name.Name+" "+text(field.Type)+tag, " "))
			}
		}
		if len(field.Names) == 0 {
			lines = append(lines, "embeds "+spec.Name.Name+" "+text(field.Type))
		}
	}
	return lines
}

// text is an expression on one line.
func text(node any) string {
	var b strings.Builder
	_ = printer.Fprint(&b, token.NewFileSet(), node) // a strings.Builder takes everything
	return strings.Join(strings.Fields(b.String()), " ")
}

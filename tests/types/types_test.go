// Package types checks that what is known of each AWS resource type is known everywhere: a rule of the local target,
// the permissions to make one, its price, and a component that declares it.
package types

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/automation/permissions"
	"github.com/apigateway-ingress/apigateway-ingress/automation/report"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/awsrules"
	"github.com/stretchr/testify/require"
)

func TestEveryResourceTypeIsKnownEverywhere(t *testing.T) {
	declared := declaredTypes(t)
	for _, kind := range awsrules.Tokens() {
		require.Empty(t, report.Cost([]report.Step{{Type: kind}}).Unknown,
			"%s has no price: say in prices.json what it costs, or that it is free", kind)
		_, err := permissions.Stack{Resources: []permissions.Resource{{Type: kind}}}.Policies()
		require.NoError(t, err, "%s has no permissions: say in actions.json what it takes to make one", kind)
		require.True(t, declared[kind], "%s has a rule, and nothing declares one", kind)
		delete(declared, kind)
	}
	require.Empty(t, declared, "these types are declared, and the local target has no rule for them")
}

var (
	awsSDK    = "github.com/pulumi/pulumi-aws/sdk/v6/go/aws/"
	typeToken = regexp.MustCompile(`^aws:[a-z0-9]+/[a-zA-Z0-9]+:[A-Za-z0-9]+$`)
)

// declaredTypes are the types of AWS that components declare, and our stand-in for the component of pulumi-eks: by the
// SDK's constructors, or by a token.
func declaredTypes(t *testing.T) map[string]bool {
	t.Helper()
	types := map[string]bool{}
	for _, dir := range []string{"../../components", "../../internal/localcloud/ekscomponent"} {
		require.NoError(t, filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
				return err
			}
			source, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, source, 0)
			if err != nil {
				return err
			}
			addTypes(types, parsed)
			return nil
		}))
	}
	return types
}

func addTypes(types map[string]bool, file *ast.File) {
	modules := map[string]string{}
	for _, imported := range file.Imports {
		location, _ := strconv.Unquote(imported.Path.Value)
		if module, ok := strings.CutPrefix(location, awsSDK); ok {
			name := path.Base(location)
			if imported.Name != nil {
				name = imported.Name.Name
			}
			modules[name] = module
		}
	}
	ast.Inspect(file, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.SelectorExpr:
			pkg, isName := n.X.(*ast.Ident)
			if kind, made := strings.CutPrefix(n.Sel.Name, "New"); made && isName && modules[pkg.Name] != "" {
				types["aws:"+modules[pkg.Name]+"/"+strings.ToLower(kind[:1])+kind[1:]+":"+kind] = true
			}
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); err == nil && typeToken.MatchString(text) && !strings.Contains(text, "/get") {
				types[text] = true
			}
		}
		return true
	})
}

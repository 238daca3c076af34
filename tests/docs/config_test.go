package docs

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/cluster"
	"github.com/apigateway-ingress/apigateway-ingress/components/encryption"
	"github.com/apigateway-ingress/apigateway-ingress/components/gateway"
	"github.com/apigateway-ingress/apigateway-ingress/components/iamrole"
	"github.com/apigateway-ingress/apigateway-ingress/components/network"
	"github.com/apigateway-ingress/apigateway-ingress/components/origin"
	"github.com/apigateway-ingress/apigateway-ingress/components/platform"
	"github.com/apigateway-ingress/apigateway-ingress/components/podrole"
	"github.com/apigateway-ingress/apigateway-ingress/components/proxy"
	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/apigateway-ingress/apigateway-ingress/internal/golden"
	"github.com/apigateway-ingress/apigateway-ingress/stacks/deploy"
	"github.com/stretchr/testify/require"
)

const module = "github.com/apigateway-ingress/apigateway-ingress/"

// The schema in Pulumi.yaml is what the fields of deploy.Config say.
func TestConfigSchema(t *testing.T) {
	path := filepath.Join(repository, "Pulumi.yaml")
	written, err := os.ReadFile(path)
	require.NoError(t, err)
	head, _, found := strings.Cut(string(written), "\nconfig:\n")
	require.True(t, found)
	var b strings.Builder
	b.WriteString(head + "\nconfig:\n")
	descriptions := comments{}
	for _, f := range settings.Fields(reflect.TypeFor[deploy.Config]()) {
		fmt.Fprintf(&b, "  %s:\n", f.Key)
		if !settings.Mixed(f.Type) {
			fmt.Fprintf(&b, "    type: %s\n", settings.Kind(f.Type))
		}
		if item := settings.Item(f.Type); item != "" && !settings.Mixed(f.Type) {
			fmt.Fprintf(&b, "    items:\n      type: %s\n", item)
		}
		fmt.Fprintf(&b, "    default: %s\n", schemaDefault(f))
		if f.Secret {
			b.WriteString("    secret: true\n")
		}
		fmt.Fprintf(&b, "    description: %s\n", quoted(description(t, descriptions, f)))
	}
	golden.Equal(t, path, b.String())
}

// schemaDefault is what Pulumi.yaml declares: the default of the field, or the empty value of its kind. A default there
// would hide what an annotation or the profile says.
func schemaDefault(f settings.Field) string {
	kind := settings.Kind(f.Type)
	if f.Default == "" || f.Annotation != "" || f.Hardened != "" {
		return map[string]string{"string": `""`, "integer": "0", "boolean": "false", "array": "[]", "object": "{}"}[kind]
	}
	if kind == "string" {
		return quoted(f.Default)
	}
	return f.Default
}

// quoted is a YAML string. JSON is YAML, and is used where a plain scalar would be read as something else.
func quoted(text string) string {
	plain := regexp.MustCompile(`^[A-Za-z][A-Za-z0-9 ,.;()/'_-]*$`)
	if plain.MatchString(text) && !slices.Contains([]string{"true", "false", "yes", "no", "on", "off", "null", "OFF", "ON"}, text) {
		return text
	}
	encoded, err := json.Marshal(text)
	if err != nil {
		return text
	}
	return string(encoded)
}

// subject is a heading of the config page.
type subject struct {
	title string
	// owners are the structs of which the keys stand below it, unless another subject names them.
	owners []reflect.Type
	keys   []string
}

var subjects = []subject{
	{"Target", []reflect.Type{reflect.TypeFor[deploy.Machine]()}, nil},
	{"Routes and where they come from", []reflect.Type{reflect.TypeFor[deploy.Config](), reflect.TypeFor[platform.Args]()}, nil},
	{"Who may call, and from where", []reflect.Type{reflect.TypeFor[gateway.Access](), reflect.TypeFor[gateway.Endpoint]()},
		[]string{"authorizers"}},
	{"Domains and TLS", []reflect.Type{reflect.TypeFor[gateway.Domain](), reflect.TypeFor[gateway.Balancer]()},
		[]string{"domains", "hosts", "hostedZones"}},
	{"Stage, throttles and logs", []reflect.Type{reflect.TypeFor[gateway.Stage](), reflect.TypeFor[gateway.Throttle]()}, nil},
	{"Usage plans and answers of the API itself", []reflect.Type{reflect.TypeFor[gateway.Settings]()}, nil},
	{"Canary and rollback", []reflect.Type{reflect.TypeFor[gateway.Canary]()}, nil},
	{"Web ACL", []reflect.Type{reflect.TypeFor[gateway.WebACL]()}, nil},
	{"Alarms", []reflect.Type{reflect.TypeFor[gateway.Alarms]()}, nil},
	{"NGINX", []reflect.Type{reflect.TypeFor[proxy.Settings](), reflect.TypeFor[origin.Settings]()}, nil},
	{"Network", []reflect.Type{reflect.TypeFor[network.Settings](), reflect.TypeFor[network.VPC]()}, nil},
	{"Cluster", []reflect.Type{reflect.TypeFor[cluster.Settings]()},
		[]string{"clusterName", "kubeconfig", "platformStack", "nodeCount", "instanceType"}},
	{"Security of the whole stack", []reflect.Type{reflect.TypeFor[podrole.Settings](), reflect.TypeFor[iamrole.Settings](),
		reflect.TypeFor[encryption.Settings]()}, []string{"networkPolicies", "profile", "profileExceptions", "tags"}},
}

// of says whether a key stands below the subject.
func (s subject) of(f settings.Field) bool {
	named := func(s subject) bool { return slices.Contains(s.keys, f.Key) }
	return named(s) || slices.Contains(s.owners, f.Owner) && !slices.ContainsFunc(subjects, named)
}

// docs/reference/config.md lists every key by its subject, and the fields of those that are objects.
func TestConfigPage(t *testing.T) {
	descriptions := comments{}
	var b, objects strings.Builder
	b.WriteString("# Config of a stack\n\nKeys of `Pulumi.STACK.yaml`, under the project's name: `apigateway-ingress:KEY`. Besides " +
		"them a stack needs `aws:region`. " +
		"A key that is not here, and a value of another type, is an error. Where a manifest's annotation says something as well, the key " +
		"wins.\n")
	told := 0
	fields := settings.Fields(reflect.TypeFor[deploy.Config]())
	for _, subject := range subjects {
		fmt.Fprintf(&b, "\n## %s\n\n| key | type | default | meaning |\n| --- | --- | --- | --- |\n", subject.title)
		for _, f := range fields {
			if !subject.of(f) {
				continue
			}
			told++
			b.WriteString(row(t, descriptions, f))
			members := settings.Members(f.Type)
			if members == nil {
				continue
			}
			fmt.Fprintf(&objects, "\n### %s\n\n| field | type | default | meaning |\n| --- | --- | --- | --- |\n", f.Key)
			for _, member := range members {
				objects.WriteString(row(t, descriptions, member))
			}
		}
	}
	require.Equal(t, len(fields), told, "a key has no subject")
	page(t, "reference/config.md", b.String()+"\n## Objects\n"+objects.String())
}

func row(t *testing.T, descriptions comments, f settings.Field) string {
	t.Helper()
	kind := settings.Kind(f.Type)
	if item := settings.Item(f.Type); item != "" {
		kind += " of " + item + "s"
	}
	if settings.Mixed(f.Type) {
		kind = "array of strings and objects"
	}
	standard := f.Default
	if standard != "" {
		standard = "`" + strings.ReplaceAll(standard, `"`, "") + "`"
	}
	if f.Annotation != "" {
		standard = strings.TrimSuffix("annotation `"+f.Annotation+"`, "+standard, ", ")
	}
	switch {
	case !f.Optional:
		standard = "required"
	case standard == "" && kind == "boolean":
		standard = "`false`"
	}
	if f.Hardened != "" {
		standard = strings.TrimPrefix(standard+"; ", "; ") + "hardened `" + strings.ReplaceAll(f.Hardened, `"`, "") + "`"
	}
	return fmt.Sprintf("| `%s` | %s | %s | %s |\n", f.Key, kind, standard, description(t, descriptions, f))
}

// description is a field's doc comment, without the field's name at its beginning, and the values that it may have.
func description(t *testing.T, descriptions comments, f settings.Field) string {
	t.Helper()
	text := descriptions.of(t, f.Owner)[f.Name]
	require.NotEmpty(t, text, "%s has no comment", f.Path)
	text = regexp.MustCompile(`^`+f.Name+` (?:(?:is|are) )?(?:, )?`).ReplaceAllString(text, "")
	text = strings.ToUpper(text[:1]) + text[1:]
	if f.Enum != nil && settings.Kind(f.Type) == "string" {
		text += " One of " + strings.Join(f.Enum, ", ") + "."
	}
	return text
}

// comments are the doc comments of structs' fields, by the name of the struct.
type comments map[reflect.Type]map[string]string

func (c comments) of(t *testing.T, structure reflect.Type) map[string]string {
	t.Helper()
	if c[structure] != nil {
		return c[structure]
	}
	dir := filepath.Join(repository, strings.TrimPrefix(structure.PkgPath(), module))
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	found := map[string]string{}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		require.NoError(t, err)
		ast.Inspect(file, func(node ast.Node) bool {
			spec, isType := node.(*ast.TypeSpec)
			if !isType || spec.Name.Name != structure.Name() {
				return true
			}
			for _, field := range spec.Type.(*ast.StructType).Fields.List {
				for _, name := range field.Names {
					found[name.Name] = strings.Join(strings.Fields(field.Doc.Text()), " ")
				}
			}
			return false
		})
	}
	c[structure] = found
	return found
}

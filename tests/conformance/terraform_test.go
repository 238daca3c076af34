package conformance

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// providerVersion is the one that pulumi-aws 6.83 is built on.
const providerVersion = "5.100.0"

// The real AWS provider must find nothing wrong with what was deployed. It checks names, forms, values and
// combinations by itself; nothing is asked of AWS.
func TestTerraformProviderAccepts(t *testing.T) {
	wanted(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "provider.tf.json"), map[string]any{
		"terraform": map[string]any{"required_providers": map[string]any{"aws": map[string]any{"source": "hashicorp/aws",
			"version": providerVersion}}},
		"provider": map[string]any{"aws": map[string]any{
			"region": "us-east-1", "access_key": "none", "secret_key": "none",
			"skip_credentials_validation": true, "skip_requesting_account_id": true, "skip_metadata_api_check": true,
		}},
	})
	schemas := providerSchemas(t, dir)
	expectDiagnosis(t, dir)
	configuration, problems := map[string]map[string]any{}, []string{}
	for _, s := range graphs(t) {
		for i, r := range s.resources {
			if !r.Custom || !strings.HasPrefix(r.Type, "aws:") {
				continue
			}
			name, schema := schemas.find(r.Type)
			if schema == nil {
				problems = append(problems, r.Type+": the provider has no such resource")
				continue
			}
			c := &converter{place: s.name + " " + r.Type}
			converted := c.object(r.Inputs, schema)
			problems = append(problems, c.problems...)
			if configuration[name] == nil {
				configuration[name] = map[string]any{}
			}
			configuration[name][fmt.Sprintf("%s_%d", strings.ReplaceAll(s.name, "-", "_"), i)] = converted
		}
	}
	require.Empty(t, problems)
	write(t, filepath.Join(dir, "main.tf.json"), map[string]any{"resource": configuration})
	t.Logf("%d types of resources", len(configuration))
	expectNoDiagnostics(t, dir, "validate", "-json")
	terraform(t, dir, "plan", "-input=false", "-refresh=false", "-lock=false", "-no-color")
}

func write(t *testing.T, path string, value any) {
	t.Helper()
	encoded, err := json.MarshalIndent(value, "", " ")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, encoded, 0o600))
}

func terraform(t *testing.T, dir string, args ...string) []byte {
	t.Helper()
	out, problems, err := tryTerraform(dir, args...)
	require.NoError(t, err, "terraform %s\n%s%s", args[0], problems, out)
	return out
}

func tryTerraform(dir string, args ...string) ([]byte, string, error) {
	command := exec.Command("terraform", args...)
	command.Dir = dir
	command.Env = append(os.Environ(), "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1")
	if mirror := pluginMirror(); mirror != "" {
		rc := filepath.Join(dir, "terraform.rc")
		if err := os.WriteFile(rc, fmt.Appendf(nil, "provider_installation {\n  filesystem_mirror { path = %q }\n}\n", mirror),
			0o600); err != nil {
			return nil, "", err
		}
		command.Env = append(command.Env, "TF_CLI_CONFIG_FILE="+rc)
	}
	var problems strings.Builder
	command.Stderr = &problems
	out, err := command.Output()
	return out, problems.String(), err
}

// pluginMirror is a folder of providers on machines that cannot reach Terraform's registry.
func pluginMirror() string {
	found, err := filepath.Glob("/*/tf-plugins")
	if err != nil || len(found) == 0 {
		return ""
	}
	return found[0]
}

// expectDiagnosis makes sure that the provider does look at values.
func expectDiagnosis(t *testing.T, dir string) {
	t.Helper()
	wrong := filepath.Join(dir, "wrong.tf.json")
	write(t, wrong, map[string]any{"resource": map[string]any{"aws_lb": map[string]any{"wrong": map[string]any{"load_balancer_type": "tall"}}}})
	out, _, err := tryTerraform(dir, "validate", "-json")
	require.Error(t, err)
	require.Contains(t, string(out), "tall")
	require.NoError(t, os.Remove(wrong))
}

func expectNoDiagnostics(t *testing.T, dir string, args ...string) {
	t.Helper()
	out, _, _ := tryTerraform(dir, args...)
	var result struct {
		Valid       bool `json:"valid"`
		Diagnostics []struct {
			Severity, Summary, Detail, Address string
		} `json:"diagnostics"`
	}
	require.NoError(t, json.Unmarshal(out, &result), string(out))
	require.Empty(t, result.Diagnostics)
	require.True(t, result.Valid)
}

type schemas map[string]*block

type block struct {
	Attributes map[string]struct {
		Type     any
		Computed bool
		Optional bool
		Required bool
	}
	BlockTypes map[string]struct{ Block *block } `json:"block_types"`
}

// providerSchemas skips the test where Terraform or its provider cannot be had.
func providerSchemas(t *testing.T, dir string) schemas {
	t.Helper()
	if _, err := exec.LookPath("terraform"); err != nil {
		t.Skip("terraform is not on PATH: install it to run this check")
	}
	if _, problems, err := tryTerraform(dir, "init", "-input=false", "-no-color"); err != nil {
		if strings.Contains(problems, "could not connect") || strings.Contains(problems, "Failed to query available provider packages") {
			t.Skipf("the AWS provider %s cannot be installed here: %s", providerVersion, problems)
		}
		require.NoError(t, err, problems)
	}
	var all struct {
		Providers map[string]struct {
			Schemas map[string]struct{ Block *block } `json:"resource_schemas"`
		} `json:"provider_schemas"`
	}
	require.NoError(t, json.Unmarshal(terraform(t, dir, "providers", "schema", "-json"), &all))
	found := schemas{}
	for _, provider := range all.Providers {
		for name, s := range provider.Schemas {
			found[name] = s.Block
		}
	}
	return found
}

var (
	upper = regexp.MustCompile(`([a-z0-9])([A-Z])`)
	// modules are Terraform's names where they are not Pulumi's.
	modules = map[string]string{"apigateway": "api_gateway_", "ec2": "", "vpc": "vpc_", "lb": "lb_", "autoscaling": "autoscaling_"}
	renamed = map[string]string{"aws:lb/loadBalancer:LoadBalancer": "aws_lb",
		"aws:iam/openIdConnectProvider:OpenIdConnectProvider": "aws_iam_openid_connect_provider"}
)

func snake(name string) string { return strings.ToLower(upper.ReplaceAllString(name, "${1}_${2}")) }

func (s schemas) find(token string) (string, *block) {
	if name := renamed[token]; name != "" {
		return name, s[name]
	}
	module, rest, _ := strings.Cut(strings.TrimPrefix(token, "aws:"), "/")
	kind, _, _ := strings.Cut(rest, ":")
	prefix, known := modules[module]
	if !known {
		prefix = module + "_"
	}
	name := "aws_" + prefix + snake(kind)
	return name, s[name]
}

// converter turns Pulumi's inputs into Terraform's arguments: snake case, singular blocks, and lists where the
// bridge has made a single object or value of one.
type converter struct {
	place    string
	problems []string
}

// arguments that the bridge renamed.
var arguments = map[string][]string{
	"function": {"function_name"}, "restApi": {"rest_api_id", "api_id"}, "deployment": {"deployment_id"}, "targetArn": {"target_arns"},
	"name": {"name", "alarm_name"},
}

func (c *converter) object(inputs map[string]any, schema *block) map[string]any {
	result := map[string]any{}
	for key, value := range inputs {
		if strings.HasPrefix(key, "__") {
			continue
		}
		name := c.name(key, schema)
		switch attribute, isAttribute := schema.Attributes[name]; {
		case name == "":
			c.problems = append(c.problems, fmt.Sprintf("%s: %s: the provider has no such argument", c.place, key))
		case isAttribute:
			if attribute.Computed && !attribute.Optional {
				c.problems = append(c.problems, fmt.Sprintf("%s: %s: the provider decides it", c.place, key))
			}
			result[name] = listed(value, attribute.Type)
		default:
			result[name] = c.blocks(value, schema.BlockTypes[name].Block)
		}
	}
	for name, attribute := range schema.Attributes {
		if _, given := result[name]; attribute.Required && !given {
			c.problems = append(c.problems, fmt.Sprintf("%s: %s is required", c.place, name))
		}
	}
	return result
}

func (c *converter) blocks(value any, schema *block) any {
	if items, isList := value.([]any); isList {
		list := []any{}
		for _, item := range items {
			fields, _ := item.(map[string]any)
			list = append(list, c.object(fields, schema))
		}
		return list
	}
	fields, _ := value.(map[string]any)
	return []any{c.object(fields, schema)}
}

func (c *converter) name(key string, schema *block) string {
	base := snake(key)
	candidates := append(slices.Clone(arguments[key]), base, base+"_id", base+"s", strings.TrimSuffix(base, "s"),
		strings.TrimSuffix(base, "es"), strings.TrimSuffix(base, "ies")+"y")
	for _, candidate := range candidates {
		_, isAttribute := schema.Attributes[candidate]
		_, isBlock := schema.BlockTypes[candidate]
		if isAttribute || isBlock {
			return candidate
		}
	}
	return ""
}

// listed puts a value into a list where the attribute is one.
func listed(value, kind any) any {
	collection, _ := kind.([]any)
	_, isList := value.([]any)
	if len(collection) == 2 && (collection[0] == "list" || collection[0] == "set") && !isList {
		return []any{value}
	}
	return value
}

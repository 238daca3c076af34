package deploy

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// defaults are what Pulumi.yaml declares.
func defaults() map[string]string {
	return map[string]string{
		"name": "bookstore", "availabilityZones": "2", "nodeCount": "3", "nodePort": "30080", "logRetentionDays": "30",
		"manifests": `["examples/bookstore/ingress.yaml"]`, "clientUser": "true",
		"services": `[{"name":"bookservice","image":"b","port":80},{"name":"authorservice","image":"a","port":80}]`,
	}
}

func read(values map[string]string) (*Settings, error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return nil, err
	}
	return Read(func(key string) (string, bool) {
		value, ok := values[key]
		return value, ok
	}, root)
}

func TestDefaultsAreValid(t *testing.T) {
	settings, err := read(defaults())
	require.NoError(t, err)
	require.Equal(t, "bookstore", settings.Name)
	require.Len(t, settings.Platform.Services, 2)
	require.Equal(t, "examples/bookstore/ingress.yaml:1", settings.Platform.Ingresses[0].Source, "places are relative to the project")
}

func TestBadConfig(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.yaml")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	for _, c := range []struct{ key, value, want string }{
		{"manifests", `["missing.yaml"]`, "no such file"},
		{"manifests", `["` + empty + `"]`, "the manifest is empty"},
		{"manifests", `[]`, "no manifest is named"},
		{"services", `[{"name":"bookservice","image":"b","port":80,"replica":3}]`, `config services: unknown field "replica"`},
		{"services", `[{"name":"bookservice","image":"b","port":"http"}]`, "port must be a int, not a string"},
		{"services", `[]`, "service default/bookservice is not declared by the stack"},
		{"nodeCount", "three", `config nodeCount: "three" is not a whole number`},
		{"clientUser", "yes", `config clientUser: "yes" is not true or false`},
		{"clientArns", `["arn:aws:iam::1:user/x"]`, "is malformed"},
		{"availabilityZones", "1", "availabilityZones 1: choose 2 or 3"},
		{"name", "a-name-that-is-far-too-long", "has 27 characters"},
		{"podRole", "magic", `podRole "magic" is not known`},
	} {
		t.Run(c.key+" "+c.want, func(t *testing.T) {
			values := defaults()
			values[c.key] = c.value
			_, err := read(values)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestTwoProblemsAreBothReported(t *testing.T) {
	values := defaults()
	values["manifests"], values["nodeCount"] = `["missing.yaml"]`, "three"
	_, err := read(values)
	require.ErrorContains(t, err, "no such file")
	require.ErrorContains(t, err, "nodeCount")
}

// The config of every example is valid as it stands.
func TestExamplesAreValid(t *testing.T) {
	files, err := filepath.Glob("../../examples/*/Pulumi.*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		var settings struct{ Config map[string]any }
		require.NoError(t, yaml.Unmarshal(content, &settings))
		values := defaults()
		delete(values, "services")
		for key, value := range settings.Config {
			encoded, err := json.Marshal(value)
			require.NoError(t, err)
			text, isText := value.(string)
			if !isText {
				text = string(encoded)
			}
			values[strings.TrimPrefix(key, "apigateway-ingress:")] = text
		}
		_, err = read(values)
		require.NoError(t, err, file)
	}
}

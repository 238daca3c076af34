package deploy

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/componenttest"
	"github.com/apigateway-ingress/apigateway-ingress/components/platform"
	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/apigateway-ingress/apigateway-ingress/internal/variants"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

const bookstore = `[{"name":"bookservice","image":"b","port":80},{"name":"authorservice","image":"a","port":80}]`

func small() map[string]string {
	return map[string]string{"clientUser": "true", "services": bookstore, "aws:region": "us-east-1"}
}

func from(values map[string]string, secrets ...string) settings.Source {
	s := settings.Source{
		Get: func(key string) (string, bool) { value, ok := values[key]; return value, ok },
		Secret: func(key string) bool {
			return strings.Contains(" "+strings.Join(secrets, " ")+" ", " "+key+" ")
		},
	}
	for key := range values {
		if !strings.Contains(key, ":") {
			s.Keys = append(s.Keys, key)
		}
	}
	return s
}

func read(t *testing.T, values map[string]string, secrets ...string) (*Settings, error) {
	t.Helper()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	return ReadFrom(from(values, secrets...), root)
}

func TestDefaultsAreValid(t *testing.T) {
	s, err := read(t, small())
	require.NoError(t, err)
	require.Equal(t, "bookstore", s.Name)
	require.Len(t, s.Platform.Services, 2)
	require.Equal(t, "examples/bookstore/ingress.yaml:1", s.Platform.Manifests.Ingresses[0].Source, "places are relative to the project")
}

func TestBadConfig(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.yaml")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	for _, c := range []struct{ key, value, want string }{
		{"manifests", `["missing.yaml"]`, "no such file"},
		{"manifests", `["` + empty + `"]`, "there is no Ingress of class"},
		{"services", `[{"name":"bookservice","image":"b","port":80,"replica":3}]`,
			"config services[0]: replica is not known: did you mean replicas?"},
		{"services", `[{"name":"bookservice","image":"b","port":"http"}]`, `config services[0].port: "http" is not a whole number`},
		{"services", `[{"name":"bookservice","image":"b","port":80},{"name":"B","port":0}]`, `services[1].port is required`},
		{"services", `[{"name":"bookservice","image":"b","ports":[{"name":"http","port":80},{"name":"web","port":70000}]}]`,
			`services[0].ports[1].port 70000 is not from 1 to 65535`},
		{"services", `[{"name":"bookservice","image":"b","ports":[{"name":"admin","port":81}]}]`,
			"service default/bookservice has no port 80 (it has admin, 81)"},
		{"services", `[{"name":"bookservice","port":80,"replicas":3}]`,
			"services[0].image is missing: without one the Service bookservice exists already"},
		{"services", `[{"name":"bookservice","image":"b","port":80,"env":{"LEVEL":5}}]`,
			"config services[0].env.LEVEL: 5 is neither a text nor an object: quote it"},
		{"services", `[{"name":"bookservice","image":"b","port":80,"env":{"LEVEL":"debug","A":{"secret":"a","configMap":"b"}}}]`,
			"services[0].env[A].value, services[0].env[A].secret and services[0].env[A].configMap are different sources"},
		{"services", `[{"name":"bookservice","image":"b","port":80,"health":{"path":"ready"}}]`,
			`services[0].health.path "ready" does not begin with a slash`},
		{"services", `[{"name":"bookservice","image":"b","port":80,"autoscaling":{"min":3,"max":2}}]`,
			"services[0].autoscaling.max 2 is less than services[0].autoscaling.min 3"},
		{"services", `[]`, "service default/bookservice is not declared by the stack"},
		{"nodeCount", "three", `config nodeCount: "three" is not a whole number`},
		{"zzz", "3", "config zzz is not known: docs/reference/config.md lists all keys"},
		{"domains", `[{"name":"a.example.com","zzz":"Z1"}]`, "config domains[0]: zzz is not known: write one of name, "},
		{"nodeCounts", "3", "config nodeCounts is not known: did you mean nodeCount?"},
		{"clientUser", "yes", `config clientUser: "yes" is not true or false`},
		{"clientArns", `["arn:aws:iam::1:user/x"]`, "is malformed"},
		{"availabilityZones", "1", "availabilityZones 1 is not from 2 to 3"},
		{"name", "a-name-that-is-far-too-long", "has 27 characters"},
		{"podRole", "magic", `podRole "magic" is not known: write irsa`},
		{"publish", `[{"service": "front-end"}]`, `publish[0]: service "front-end" is not namespace/name:port`},
		{"publish", `[{"service": "shop/front-end:80", "auth": "x y"}]`, "ingress shop/publish-0"},
		{"kubeconfig", "Pulumi.yaml", "kubeconfig is for an existing cluster: name it in clusterName"},
		{"publicSubnetIds", `["subnet-1"]`, "vpcId is required"},
		{"tags", `{"stack":"mine"}`, "tags stack is one of the stack's own: write another one"},
		{"tags", `{"AWS:mine":"x"}`, `tags "AWS:mine": names that begin with aws: are AWS's own`},
		{"tags", `{"Name":"x"}`, "tags Name is each resource's own"},
		{"tags", `{"team":"` + strings.Repeat("x", 257) + `"}`, "and a value 256 at most"},
		{"aws:region", "", "no region is set: run `pulumi config set aws:region us-east-1`"},
		{"target", "moon", `target "moon" is not known: write aws or local`},
		{"domainName", "a.example.com", "domainName without a certificate: set certificateArn, or hostedZoneId"},
		{"domains", `[{"name":"a.example.com"}]`, "a.example.com: it has no certificate"},
		{"domains", `[{"name":"a.example.com","hostedZoneID":"Z1"}]`, "config domains[0]: hostedZoneID is not known: did you mean hostedZoneId?"},
		{"hosts", "all", `hosts "all" is not known: write declared, auto or each`},
		{"hostedZones", `[{"id":"Z1","name":"example.com"}]`, "hostedZones are for hosts auto or each"},
		{"logRetentionDays", "2", "logRetentionDays 2 is not a value"},
		{"nodeGroups", `[{"count":1,"min":3}]`, "nodeGroups[0]: min 3, count 1 and max 1"},
		{"usagePlans", `[{"name":"a","keys":[]}]`, "usagePlans[0].keys is empty"},
		{"existingNamespaces", `["team"]`, "existingNamespaces are those of an existing cluster: a new one has none"},
		{"existingNamespaces", `["default"]`, "existingNamespaces[0]: default is in every cluster: leave it out"},
	} {
		t.Run(c.key+" "+c.want, func(t *testing.T) {
			values := small()
			values[c.key] = c.value
			_, err := read(t, values)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestAllProblemsAreReportedTogether(t *testing.T) {
	values := small()
	values["manifests"], values["nodeCount"], values["stagename"] = `["missing.yaml"]`, "three", "x"
	_, err := read(t, values)
	for _, want := range []string{"no such file", "nodeCount", "stagename is not known: did you mean stageName?"} {
		require.ErrorContains(t, err, want)
	}
}

func TestSecretConfig(t *testing.T) {
	values := small()
	values["stageVariables"], values["stageName"] = `{"token":"s3cret"}`, "v1"
	_, err := read(t, values, "stageVariables", "stageName")
	require.EqualError(t, err, "config stageName is a secret, and decides what is made: it would stand in the state in plain text; set "+
		"it without --secret")
	s, err := read(t, values, "stageVariables")
	require.NoError(t, err)
	require.True(t, pulumi.IsSecret(s.Platform.Gateway.Stage.Variables.(pulumi.Output)))
}

// The config of every example is valid as it stands.
func TestExamplesAreValid(t *testing.T) {
	files, err := filepath.Glob("../../examples/*/Pulumi.*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		var stack struct{ Config map[string]any }
		require.NoError(t, yaml.Unmarshal(content, &stack))
		values := small()
		delete(values, "services")
		for key, value := range stack.Config {
			encoded, err := json.Marshal(value)
			require.NoError(t, err)
			text, isText := value.(string)
			if !isText {
				text = string(encoded)
			}
			values[strings.TrimPrefix(key, "apigateway-ingress:")] = text
		}
		root := "../.."
		if own := filepath.Dir(file); fileExists(filepath.Join(own, "Pulumi.yaml")) {
			root = own
		}
		_, err = ReadFrom(from(values), root)
		require.NoError(t, err, file)
	}
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// elsewhere are keys that do not reach the platform on mocks, and the tests that hold them.
var elsewhere = map[string]string{
	"target": "TestBadConfig, tests/integration", "localImages": "tests/integration", "localFunctions": "tests/integration",
	"platformStack": "tests/integration TestSharedPlatform", "clusterName": "tests/integration TestExistingCluster",
	"kubeconfig": "TestBadConfig", "existingNamespaces": "TestBadConfig, tests/integration TestExistingNamespaceIsUsed",
}

// A key that is declared and has no effect on what is declared, and is refused nowhere, cannot be: each one, and each field of
// one that is an object, is set to another value, and what the program declares must change, or be refused.
func TestEveryKeyHasAnEffect(t *testing.T) {
	all, err := variants.All()
	require.NoError(t, err)
	tried := map[string]bool{}
	for _, v := range all {
		tried[v.Key] = true
		t.Run(v.Key, func(t *testing.T) {
			values := small()
			for key, value := range v.With {
				values[key] = text(t, value)
			}
			key, _, _ := strings.Cut(v.Key, "[")
			if v.From != nil {
				values[key] = text(t, v.From)
			}
			before := declared(t, values)
			values[key] = text(t, v.To)
			require.NotEqual(t, before, declared(t, values), "%s=%s changes nothing", key, values[key])
		})
	}
	for _, f := range settings.Fields(reflect.TypeFor[Config]()) {
		require.True(t, tried[f.Key] || elsewhere[f.Key] != "", "internal/variants has no %s", f.Key)
		for _, member := range settings.Members(f.Type) {
			require.True(t, tried[f.Key+"[]."+member.Key], "internal/variants has no %s[].%s", f.Key, member.Key)
		}
	}
}

func text(t *testing.T, value any) string {
	t.Helper()
	text, err := variants.Text(value)
	require.NoError(t, err)
	return text
}

// declared is every resource that the program declares with a config, or what it says against the config.
func declared(t *testing.T, values map[string]string) string {
	t.Helper()
	s, err := read(t, values)
	if err != nil {
		return err.Error()
	}
	graph := &componenttest.Graph{}
	err = componenttest.TryRun(graph, func(ctx *pulumi.Context) error {
		_, err := platform.New(ctx, s.Name, &s.Platform)
		return err
	})
	require.NoError(t, err)
	var lines []string
	for line := range strings.Lines(graph.Everything(t)) {
		// Components record their inputs whether or not these have an effect.
		if !strings.HasPrefix(line, `{"Type":"apigateway-ingress:`) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// Who only checks cannot read what is encrypted: it is taken for good where it stays a secret, and refused elsewhere.
func TestHiddenConfig(t *testing.T) {
	const hidden = "[secret]"
	check := func(values map[string]string, secrets ...string) error {
		source := from(values, secrets...)
		source.Hidden = hidden
		_, err := ReadFrom(source, "../..")
		return err
	}
	values := small()
	values["stageVariables"], values["certificateArn"], values["alarmTopicArns"] = `{"token":"[secret]"}`, hidden, hidden
	values["domainName"], values["alarms"] = "api.example.com", "true"
	values["services"] = `[{"name":"bookservice","image":"[secret]","port":80},{"name":"authorservice","image":"a","port":80}]`
	require.NoError(t, check(values, "stageVariables", "certificateArn", "alarmTopicArns", "services"))
	for services, want := range map[string]string{
		hidden: "config services is encrypted as a whole",
		`[{"name":"bookservice","image":"b","port":"[secret]"},{"name":"authorservice","image":"a","port":80}]`: "config services[0].port is a secret",
	} {
		values = small()
		values["services"], values["nodeCount"] = services, hidden
		err := check(values, "services", "nodeCount")
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "config nodeCount is a secret, and decides what is made")
		require.NotContains(t, err.Error(), hidden)
	}
}

// As many tags as the config takes leave room for the stack's own and the components'.
func TestManyTagsLeaveRoomForTheStacksOwn(t *testing.T) {
	tags := map[string]string{}
	for i := range maxTags {
		tags[strconv.Itoa(i)] = "x"
	}
	values := small()
	values["tags"] = text(t, tags)
	require.Contains(t, declared(t, values), `"39":"x"`)
	tags["more"] = "x"
	values["tags"] = text(t, tags)
	require.Contains(t, declared(t, values), "tags: 41 are more than 40")
}

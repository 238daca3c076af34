package migrate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/manifest"
	"github.com/apigateway-ingress/apigateway-ingress/internal/golden"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

func plan(t *testing.T, file string, options Options) *Plan {
	t.Helper()
	set, err := manifest.Read([]string{file}, nil)
	require.NoError(t, err)
	planned, err := New(set, options)
	require.NoError(t, err)
	return planned
}

// Manifests after the public documentation of the controllers, each with the whole of what it comes to: report, config and
// Ingresses. What is written compiles.
func TestCorpus(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 10)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			options := Options{Public: true, Region: "eu-west-1", Cluster: "prod"}
			planned := plan(t, file, options)
			manifests, err := planned.Manifests()
			require.NoError(t, err)
			config := planned.StackConfig(options)
			require.NoError(t, yaml.Unmarshal(config, &map[string]any{}))
			golden.Equal(t, "testdata/"+name+".golden", planned.Report()+"\n--- Pulumi.prod.yaml\n"+string(config)+"\n--- "+ManifestsFile+"\n"+
				string(manifests))
			if len(planned.Ingresses) == 0 {
				return
			}
			read, err := ingress.Parse(ManifestsFile, manifests)
			require.NoError(t, err)
			_, err = ingress.Compile(read, ingress.Options{AnyService: true, Domains: planned.Hosts})
			if err != nil {
				// Ports by name take the stack's Services.
				require.ErrorContains(t, err, "is known by name only")
			}
		})
	}
}

// No route that was guarded becomes public, whatever is asked for; and nothing is public unless that is asked for.
func TestNothingBecomesPublicUnasked(t *testing.T) {
	const auth = ingress.AnnotationPrefix + "auth"
	files, err := filepath.Glob("testdata/*.yaml")
	require.NoError(t, err)
	public := 0
	for _, file := range files {
		for _, translated := range plan(t, file, Options{}).Ingresses {
			require.Empty(t, translated.Annotations[auth], "%s: %s", file, translated.Name)
		}
		for _, translated := range plan(t, file, Options{Public: true}).Ingresses {
			switch translated.Name {
			case "admin", "basic", "reports", "api-95":
				require.Empty(t, translated.Annotations[auth], "%s was guarded", translated.Name)
			default:
				require.Equal(t, "none", translated.Annotations[auth], translated.Name)
				public++
			}
		}
	}
	require.Positive(t, public)
}

// What a report prints from a manifest stays within its cell.
func TestReportCannotBeForged(t *testing.T) {
	report := plan(t, "testdata/hostile.yaml", Options{}).Report()
	require.Contains(t, report, "::error::forged")
	for line := range strings.SplitSeq(report, "\n") {
		require.False(t, strings.HasPrefix(line, "::"), line)
		require.NotContains(t, line, "\x1b")
		if strings.Contains(line, "forged") {
			require.Equal(t, 5, strings.Count(strings.ReplaceAll(line, `\|`, ""), "|"), line)
		}
	}
}

func TestBadManifests(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bad.yaml")
	require.NoError(t, os.WriteFile(file, []byte("apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: bad}\nspec: "+
		"{rulez: []}\n"), 0o600))
	set, err := manifest.Read([]string{file, "testdata/original.yaml"}, nil)
	require.NoError(t, err)
	planned, err := New(set, Options{})
	require.ErrorContains(t, err, `ingress default/bad: unknown field "spec.rulez"`)
	require.Len(t, planned.Ingresses, 1, "the others are planned all the same")
}

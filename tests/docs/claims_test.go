package docs

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/apigateway-ingress/apigateway-ingress/stacks/deploy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

const project = "apigateway-ingress:"

// heldPages are those whose statements name the tests that hold them.
var heldPages = []string{"docs/index.md", "docs/howto/", "docs/tutorials/", "docs/explanation/"}

// Every test that a page names exists, and every page that tells how something works names some.
func TestTestsInDocs(t *testing.T) {
	known := testNames(t)
	named := regexp.MustCompile("`([tT]est[A-Z]\\w+|Fuzz[A-Z]\\w+|Example\\w+)`")
	for _, page := range pages(t) {
		found := named.FindAllStringSubmatch(read(t, page), -1)
		for _, test := range found {
			assert.True(t, known[test[1]], "%s names %s, which does not exist", page, test[1])
		}
		if slices.ContainsFunc(heldPages, func(prefix string) bool { return strings.HasPrefix(page, prefix) }) {
			assert.NotEmpty(t, found, "%s names no test that holds what it says", page)
		}
	}
}

// Every config key and annotation that a page writes in full is one.
func TestKeysInDocs(t *testing.T) {
	keys, _ := configKeys()
	var annotations []string
	for _, a := range ingress.Annotations() {
		annotations = append(annotations, a.Name)
	}
	inConfig := regexp.MustCompile(`apigateway-ingress:([a-z][A-Za-z]*)`)
	inManifests := regexp.MustCompile(regexp.QuoteMeta(ingress.AnnotationPrefix) + `([a-z][a-z.-]*)`)
	for _, page := range pages(t) {
		for _, found := range inConfig.FindAllStringSubmatch(read(t, page), -1) {
			assert.Contains(t, keys, found[1], "%s names a config key", page)
		}
		for _, found := range inManifests.FindAllStringSubmatch(read(t, page), -1) {
			assert.Contains(t, annotations, found[1], "%s names an annotation", page)
		}
	}
}

// foreignWords look like names of this project's, and are somebody else's.
var foreignWords = strings.Fields(`
	ingress-nginx nginx-light aws-load-balancer-controller apigateway-ingress apigw-ingress kube-proxy helm-controller pod-role
	external-dns cert-manager secretsprovider restricted ingressClassName execute-api managed-by
`)

// Every name in camel case or with hyphens, in pages for users, is a config key, an annotation, an output or a field of a log.
func TestNamesInDocs(t *testing.T) {
	keys, members := configKeys()
	known := slices.Concat(keys, members, foreignWords, outputNames(), logFields(t))
	for _, a := range ingress.Annotations() {
		known = append(known, a.Name)
	}
	aName := regexp.MustCompile(`^[a-z]+(?:[A-Z][A-Za-z]*|-[a-z-]+[a-z])$`)
	for _, page := range pages(t) {
		if !strings.HasPrefix(page, "docs/howto/") && !strings.HasPrefix(page, "docs/tutorials/") && page != "docs/index.md" ||
			page == "docs/howto/migrate.md" || page == "docs/howto/controller.md" {
			continue
		}
		for _, span := range inBackticks.FindAllStringSubmatch(read(t, page), -1) {
			name, value, isSetting := strings.Cut(span[1], ": ")
			if aName.MatchString(name) {
				assert.Contains(t, known, name, "%s names `%s`", page, span[1])
			}
			if isSetting && slices.Contains(keys, name) {
				assert.NoError(t, readSnippet(t, "config:\n  "+project+name+": "+value+"\n", false), "%s says `%s`", page, span[1])
			}
		}
	}
}

func configKeys() (keys, members []string) {
	for _, f := range settings.Fields(reflect.TypeFor[deploy.Config]()) {
		keys = append(keys, f.Key)
		for _, member := range settings.Members(f.Type) {
			members = append(members, member.Key)
		}
	}
	return keys, members
}

// Every block of config is accepted: a whole one as it stands, a part of one in a stack that has what it needs.
func TestConfigBlocksInDocs(t *testing.T) {
	blocks := 0
	for _, page := range append(pages(t), "examples/bookstore/ingress.yaml") {
		for _, block := range codeBlocks(read(t, page)) {
			if !regexp.MustCompile(`(?m)^\s*apigateway-ingress:[a-zA-Z]+:`).MatchString(block) {
				continue
			}
			blocks++
			if !strings.Contains(block, "config:\n") {
				block = "config:\n" + regexp.MustCompile(`(?m)^`).ReplaceAllString(strings.TrimSpace(block), "  ")
			}
			assert.NoError(t, readSnippet(t, block, true), "%s:\n%s", page, block)
		}
	}
	require.Greater(t, blocks, 3)
}

// Every block of manifests and of annotations is accepted, with the authorizers that the documentation speaks of.
func TestManifestBlocksInDocs(t *testing.T) {
	authorizers := []route.Authorizer{
		{Name: "members", Type: route.AuthorizerCognito,
			UserPoolARNs: []string{"arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_Example"}},
		{Name: "gate", Type: route.AuthorizerToken, FunctionARN: "arn:aws:lambda:us-east-1:111122223333:function:gate"},
	}
	for _, page := range pages(t) {
		for _, block := range codeBlocks(read(t, page)) {
			if !strings.Contains(block, ingress.AnnotationPrefix) && !strings.Contains(block, "kind: Ingress\n") {
				continue
			}
			if !strings.Contains(block, "kind: Ingress") {
				block = ingressOf(t, page, block)
			}
			manifests, err := ingress.Parse(page, []byte(block))
			if !assert.NoError(t, err, block) {
				continue
			}
			_, err = ingress.Compile(manifests, ingress.Options{AnyService: true, Authorizers: authorizers,
				Domains: []string{"shop.example.com", "api.example.com"}})
			assert.NoError(t, err, "%s:\n%s", page, block)
		}
	}
}

// ingressOf is an Ingress with the annotations of a block.
func ingressOf(t *testing.T, page, block string) string {
	t.Helper()
	var annotations map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(block), &annotations), "%s:\n%s", page, block)
	text, err := yaml.Marshal(map[string]any{
		"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": map[string]any{"name": "books", "annotations": annotations},
		"spec": map[string]any{"ingressClassName": "apigateway", "defaultBackend": map[string]any{
			"service": map[string]any{"name": "bookservice", "port": map[string]any{"number": 80}}}},
	})
	require.NoError(t, err)
	return string(text)
}

// codeBlocks are the fenced and the indented blocks of a page, without their indentation.
func codeBlocks(page string) []string {
	var blocks []string
	var block strings.Builder
	fenced := false
	for line := range strings.SplitSeq(page+"\n", "\n") {
		text, indented := strings.CutPrefix(line, "    ")
		switch {
		case strings.HasPrefix(line, "```"):
			fenced = !fenced
		case fenced:
			block.WriteString(line + "\n")
			continue
		case indented:
			block.WriteString(text + "\n")
			continue
		}
		if block.Len() > 0 && (line != "" || strings.HasPrefix(line, "```")) {
			blocks = append(blocks, block.String())
			block.Reset()
		}
	}
	return blocks
}

// whatSnippetsNeed is what parts of a stack's config take for granted.
const whatSnippetsNeed = `aws:region: us-east-1
apigateway-ingress:services:
  - {name: bookservice, image: "registry.example.com/books:1.0", port: 80}
  - {name: authorservice, image: "registry.example.com/authors:1.0", port: 80}
`

// readSnippet reads the config of a stack as up does. Complete says that it is held to all rules, and not only to the types.
func readSnippet(t *testing.T, text string, complete bool) error {
	t.Helper()
	var stack map[string]map[string]any
	if err := yaml.Unmarshal([]byte(text), &stack); err != nil {
		return err
	}
	config := stack["config"]
	if config["aws:region"] == nil {
		var needed map[string]any
		require.NoError(t, yaml.Unmarshal([]byte(whatSnippetsNeed), &needed))
		for key, value := range needed {
			if _, given := config[key]; !given && config[project+"clusterName"] == nil || key == "aws:region" {
				config[key] = value
			}
		}
	}
	root := t.TempDir()
	written, err := yaml.Marshal(stack)
	require.NoError(t, err)
	schema, err := os.ReadFile(filepath.Join(repository, "Pulumi.yaml"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(root, "Pulumi.yaml"), schema, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(root, "Pulumi.docs.yaml"), written, 0o600))
	opened, err := engine.OpenProject(root, "docs")
	if err != nil || !complete {
		return err
	}
	_, err = deploy.ReadFrom(settings.Source{Get: opened.Get, Written: opened.Written}, repository)
	return err
}

package ingress

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	networkingv1 "k8s.io/api/networking/v1"
	networkingv1beta1 "k8s.io/api/networking/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// Ingress is one manifest in its networking.k8s.io/v1 form, with the place it came from.
type Ingress struct {
	networkingv1.Ingress
	// Source is the file and the document in it, counted from 1: "ingress.yaml:2", or "ingress.yaml:2.3" for
	// the third of a list.
	Source string
}

// Load reads Ingress manifests, YAML or JSON, one or many to a file. A path is a file, a
// directory (its *.yaml, *.yml and *.json), a glob, or "-" for stdin. Accepted versions are
// networking.k8s.io/v1 and the legacy extensions/v1beta1 and networking.k8s.io/v1beta1, which
// are converted. Fields that the API does not know are errors. All problems are reported together.
func Load(paths []string, stdin io.Reader) ([]Ingress, error) {
	var ingresses []Ingress
	var problems []error
	if len(paths) == 0 {
		return nil, errors.New("no manifest is named: give at least one file that holds an Ingress")
	}
	for _, path := range paths {
		files, err := expand(path)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		for _, file := range files {
			loaded, err := loadFile(file, stdin)
			ingresses = append(ingresses, loaded...)
			problems = append(problems, err)
		}
	}
	return ingresses, errors.Join(problems...)
}

func expand(path string) ([]string, error) {
	if path == "-" {
		return []string{path}, nil
	}
	if info, err := os.Stat(path); err == nil {
		if !info.IsDir() {
			return []string{path}, nil
		}
		return manifestsIn(path)
	}
	files, err := filepath.Glob(path)
	if err != nil {
		return nil, fmt.Errorf("manifest %q: %w", path, err)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("manifest %q: no such file; check the path, which is relative to the project's folder", path)
	}
	return files, nil
}

func manifestsIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("manifest folder %q: %w", dir, err)
	}
	var files []string
	for _, entry := range entries {
		switch filepath.Ext(entry.Name()) {
		case ".yaml", ".yml", ".json":
			files = append(files, filepath.Join(dir, entry.Name()))
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("manifest folder %q holds no .yaml, .yml or .json file", dir)
	}
	sort.Strings(files)
	return files, nil
}

func loadFile(path string, stdin io.Reader) ([]Ingress, error) {
	if path == "-" {
		content, err := io.ReadAll(stdin)
		if err != nil {
			return nil, fmt.Errorf("manifest from standard input: %w", err)
		}
		return Parse("-", content)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("manifest %q cannot be read: %w", path, err)
	}
	return Parse(path, content)
}

// Parse reads the Ingresses of one file's content; name is used in messages only.
func Parse(name string, content []byte) ([]Ingress, error) {
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
	var ingresses []Ingress
	var problems []error
	found := false
	for doc := 1; ; doc++ {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		source := fmt.Sprintf("%s:%d", name, doc)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", source, err))
			break
		}
		encoded, err := yaml.YAMLToJSONStrict(document)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: not a Kubernetes manifest: %w", source, err))
			continue
		}
		if string(encoded) == "null" {
			continue
		}
		found = true
		read, err := parseItems(encoded, source)
		ingresses = append(ingresses, read...)
		problems = append(problems, err)
	}
	if err := errors.Join(problems...); !found && err == nil {
		problems = append(problems, fmt.Errorf("%s: the manifest is empty: it must hold an Ingress", name))
	}
	return ingresses, errors.Join(problems...)
}

// parseItems reads a document, in JSON, that is an Ingress, or a list of them as kubectl prints it.
func parseItems(document []byte, source string) ([]Ingress, error) {
	var list struct {
		Kind  string            `json:"kind"`
		Items []json.RawMessage `json:"items"`
	}
	if err := json.Unmarshal(document, &list); err != nil {
		return nil, fmt.Errorf("%s: not a Kubernetes manifest: %w", source, err)
	}
	if list.Kind != "List" && list.Kind != "IngressList" {
		list.Items = []json.RawMessage{document}
	}
	var ingresses []Ingress
	var problems []error
	for i, item := range list.Items {
		place := source
		if len(list.Items) > 1 {
			place = fmt.Sprintf("%s.%d", source, i+1)
		}
		ingress, err := parseDocument(item)
		if err != nil {
			problems = append(problems, route.At(place, err))
			continue
		}
		ingresses = append(ingresses, Ingress{Ingress: *ingress, Source: place})
	}
	return ingresses, errors.Join(problems...)
}

func parseDocument(document []byte) (*networkingv1.Ingress, error) {
	var kind metav1.TypeMeta
	if err := json.Unmarshal(document, &kind); err != nil {
		return nil, fmt.Errorf("not a Kubernetes manifest: %w", err)
	}
	if kind.Kind != "Ingress" {
		return nil, fmt.Errorf("kind %q is not an Ingress: list only files that hold Ingress manifests", kind.Kind)
	}
	switch kind.APIVersion {
	case "networking.k8s.io/v1":
		ingress := new(networkingv1.Ingress)
		return ingress, decodeStrictly(document, ingress)
	case "extensions/v1beta1", "networking.k8s.io/v1beta1":
		legacy := new(networkingv1beta1.Ingress)
		err := decodeStrictly(document, legacy)
		return fromLegacy(legacy), err
	default:
		return nil, fmt.Errorf("ingress %s: apiVersion %q is not known: use networking.k8s.io/v1", nameOf(document), kind.APIVersion)
	}
}

// decodeStrictly reports every unknown and every repeated field.
func decodeStrictly(document []byte, into any) error {
	found, err := kjson.UnmarshalStrict(document, into)
	if err := errors.Join(append(found, err)...); err != nil {
		return route.At("ingress "+nameOf(document), err)
	}
	return nil
}

func nameOf(document []byte) string {
	var object metav1.PartialObjectMetadata
	if err := json.Unmarshal(document, &object); err != nil || object.Name == "" {
		return "without a name"
	}
	return namespaceOr(object.Namespace) + "/" + object.Name
}

func namespaceOr(namespace string) string {
	if namespace == "" {
		return metav1.NamespaceDefault
	}
	return namespace
}

// fromLegacy converts the v1beta1 form, which extensions and networking.k8s.io share.
func fromLegacy(legacy *networkingv1beta1.Ingress) *networkingv1.Ingress {
	ingress := &networkingv1.Ingress{ObjectMeta: legacy.ObjectMeta}
	ingress.Spec.IngressClassName = legacy.Spec.IngressClassName
	if legacy.Spec.Backend != nil {
		backend := legacyBackend(*legacy.Spec.Backend)
		ingress.Spec.DefaultBackend = &backend
	}
	for _, tls := range legacy.Spec.TLS {
		ingress.Spec.TLS = append(ingress.Spec.TLS, networkingv1.IngressTLS{Hosts: tls.Hosts, SecretName: tls.SecretName})
	}
	for _, rule := range legacy.Spec.Rules {
		converted := networkingv1.IngressRule{Host: rule.Host}
		if rule.HTTP != nil {
			converted.HTTP = new(networkingv1.HTTPIngressRuleValue)
			for _, path := range rule.HTTP.Paths {
				converted.HTTP.Paths = append(converted.HTTP.Paths, legacyPath(path))
			}
		}
		ingress.Spec.Rules = append(ingress.Spec.Rules, converted)
	}
	return ingress
}

func legacyPath(path networkingv1beta1.HTTPIngressPath) networkingv1.HTTPIngressPath {
	pathType := networkingv1.PathTypeImplementationSpecific
	if path.PathType != nil {
		pathType = networkingv1.PathType(*path.PathType)
	}
	return networkingv1.HTTPIngressPath{Path: path.Path, PathType: &pathType, Backend: legacyBackend(path.Backend)}
}

func legacyBackend(backend networkingv1beta1.IngressBackend) networkingv1.IngressBackend {
	if backend.Resource != nil {
		return networkingv1.IngressBackend{Resource: backend.Resource}
	}
	port := networkingv1.ServiceBackendPort{Name: backend.ServicePort.StrVal, Number: backend.ServicePort.IntVal}
	return networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: backend.ServiceName, Port: port}}
}

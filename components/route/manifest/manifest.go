// Package manifest reads Kubernetes objects from wherever people have them: files, folders, patterns, standard input,
// kustomizations, and what `helm template` or `kubectl get -o yaml` prints. It takes objects of every kind, judges none, and
// says what it could not read and what it passed over. It knows no Pulumi.
package manifest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	yamlv3 "gopkg.in/yaml.v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// Object is one Kubernetes object of any kind.
type Object struct {
	// Source is the file and the document in it, counted from 1: "shop.yaml:2", or "shop.yaml:2.3" for the third of a list.
	Source string
	// APIVersion, Kind, Namespace and Name are the object's own; Namespace and Name may be empty.
	APIVersion, Kind, Namespace, Name string
	// JSON is the object as it was written.
	JSON []byte
	// Malformed is what strict readers of YAML refuse, a key that is there twice for example. It matters to those only who
	// use the object.
	Malformed error
}

// Set is everything that some sources hold.
type Set struct {
	Objects []Object
	// Notices are for people: what was passed over, and what to do about it.
	Notices []string
}

// Kinds counts the objects by kind, as text: "2 Deployment, 1 Service". Kinds that are left out are not counted.
func (s Set) Kinds(without ...string) string {
	counts := map[string]int{}
	for _, object := range s.Objects {
		if !slices.Contains(without, object.Kind) {
			counts[object.Kind]++
		}
	}
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[kind], kind))
	}
	return strings.Join(parts, ", ")
}

// Parse reads the objects of one file's content; name is used in messages only. Documents without a kind are passed over with
// a notice: values of a chart, for example. Content that is no YAML is an error.
func Parse(name string, content []byte) (Set, error) {
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
	var set Set
	var problems []error
	for document := 1; ; document++ {
		text, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		source := fmt.Sprintf("%s:%d", name, document)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", source, err))
			break
		}
		encoded, err := yaml.YAMLToJSON(text)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: not YAML: %w%s", source, err, templateHint(text)))
			continue
		}
		if string(encoded) == "null" {
			continue
		}
		malformed := checkStrictly(text)
		problems = append(problems, set.add(source, encoded, malformed))
	}
	return set, errors.Join(problems...)
}

// checkStrictly reports keys that are there twice. The first reader takes a key for one that overrides a merge key, which is
// what merge keys are for, and the second does not know all that the first refuses.
func checkStrictly(text []byte) error {
	_, malformed := yaml.YAMLToJSONStrict(text)
	var content any
	if malformed != nil && bytes.Contains(text, []byte("<<:")) {
		return yamlv3.Unmarshal(text, &content)
	}
	return malformed
}

// goTemplate is the beginning of an action of Go's templates, of which charts are made.
var goTemplate = regexp.MustCompile(`\{\{-?\s*[.a-z]`)

func templateHint(text []byte) string {
	if !goTemplate.Match(text) {
		return ""
	}
	return "; it is a template of a Helm chart: render it with `helm template NAME CHART`, and give what that prints"
}

// add takes a document over, and the items of a list each by itself.
func (s *Set) add(source string, document []byte, malformed error) error {
	var head struct {
		metav1.TypeMeta `json:",inline"`
		Metadata        struct {
			Namespace string `json:"namespace"`
			Name      string `json:"name"`
		} `json:"metadata"`
		Items *[]json.RawMessage `json:"items"`
	}
	if err := json.Unmarshal(document, &head); err != nil {
		// A list or a text, or a manifest whose head is of the wrong types.
		if !strings.HasPrefix(string(document), "{") || !bytes.Contains(document, []byte(`"kind"`)) {
			s.notice("%s: passed over: it is no Kubernetes object", source)
			return nil
		}
		return fmt.Errorf("%s: its apiVersion, kind, name or namespace is not text: %w", source, err)
	}
	switch {
	case head.Kind == "" || head.APIVersion == "":
		s.notice("%s: passed over: it is no Kubernetes object, for it has no apiVersion and kind", source)
		return nil
	case strings.HasSuffix(head.Kind, "List") && head.Items != nil:
		return s.addItems(source, head.TypeMeta, *head.Items, malformed)
	}
	s.Objects = append(s.Objects, Object{
		Source: source, APIVersion: head.APIVersion, Kind: head.Kind, Namespace: head.Metadata.Namespace, Name: head.Metadata.Name,
		JSON: document, Malformed: malformed,
	})
	return nil
}

// addItems takes a list apart. The items of a typed list, an IngressList for example, need not say their kind.
func (s *Set) addItems(source string, list metav1.TypeMeta, items []json.RawMessage, malformed error) error {
	var problems []error
	for i, item := range items {
		fields := map[string]any{}
		if err := json.Unmarshal(item, &fields); err != nil {
			problems = append(problems, fmt.Errorf("%s.%d: an item of the list is not an object", source, i+1))
			continue
		}
		if kind := strings.TrimSuffix(list.Kind, "List"); kind != "" && fields["kind"] == nil {
			fields["apiVersion"], fields["kind"] = list.APIVersion, kind
			completed, err := json.Marshal(fields)
			if err != nil {
				return err
			}
			item = completed
		}
		problems = append(problems, s.add(fmt.Sprintf("%s.%d", source, i+1), item, malformed))
	}
	return errors.Join(problems...)
}

func (s *Set) notice(format string, args ...any) {
	s.Notices = append(s.Notices, fmt.Sprintf(format, args...))
}

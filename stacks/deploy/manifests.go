package deploy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/route/manifest"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/printable"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Manifest is where manifests are, and for whom they may speak. A text stands for the path alone.
type Manifest struct {
	// Path is a file, a folder, a pattern or a kustomization.
	Path string `pulumi:"path" short:"true"`
	// Namespace is the only one of which the objects there may be, and that of those which name none. Without it they may be
	// of any.
	Namespace string `pulumi:"namespace,optional"`
}

// objects are those of all manifests, those of bound sources as far as they keep to their namespace. Sources without a
// namespace are read together, so that a file which is met twice is read once.
func (s *Settings) objects(root string) (manifest.Set, error) {
	var free []string
	var all manifest.Set
	var problems []error
	for i, m := range s.Manifests {
		place := fmt.Sprintf("config manifests[%d]", i)
		switch found := validation.IsDNS1123Label(m.Namespace); {
		case m.Path == "":
			problems = append(problems, fmt.Errorf("%s: path is empty: name a file or a folder", place))
		case m.Namespace == "":
			free = append(free, m.Path)
		case len(found) > 0:
			problems = append(problems, fmt.Errorf("%s: namespace %q is not valid: %s", place, m.Namespace, found[0]))
		default:
			set, err := manifest.Read(within(root, []string{m.Path}), strings.NewReader(""))
			problems = append(problems, err, set.Bind(m.Namespace))
			all.Join(set)
		}
	}
	if len(free) > 0 {
		set, err := manifest.Read(within(root, free), strings.NewReader(""))
		problems = append(problems, err)
		all.Join(set)
	}
	problems = slices.DeleteFunc(problems, func(err error) bool { return err == nil })
	return all, printable.Error(errors.Join(problems...))
}

// Files are the paths of what the config names: files, folders and patterns. Relative ones are below root.
func (s *Settings) Files(root string) []string {
	var paths []string
	for _, m := range s.Manifests {
		paths = append(paths, m.Path)
	}
	paths = append(paths, s.OpenAPI...)
	if s.Kubeconfig != "" {
		paths = append(paths, s.Kubeconfig)
	}
	return within(root, paths)
}

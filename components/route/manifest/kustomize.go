package manifest

import (
	"fmt"
	"slices"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

func isKustomization(name string) bool {
	return slices.Contains(konfig.RecognizedKustomizationFileNames(), name)
}

// kustomize renders a kustomization as `kubectl kustomize` does: files from below its folder only, and no plugins.
func (r *reader) kustomize(dir string) {
	rendered, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		r.fail(fmt.Errorf("kustomization %q: %w", dir, err))
		return
	}
	content, err := rendered.AsYaml()
	if err != nil {
		r.fail(fmt.Errorf("kustomization %q: %w", dir, err))
		return
	}
	r.parse(dir, content)
}

package deploy

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

// writtenKeys tells the keys that a stack's file sets from those that have their defaults: the engine hands on both alike.
// Without a file there are none.
func writtenKeys(root, project, stack string) (func(key string) bool, error) {
	name := filepath.Join(root, "Pulumi."+stack+".yaml")
	content, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var file struct {
		Config map[string]any `json:"config"`
	}
	if err := yaml.Unmarshal(content, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return func(key string) bool {
		_, set := file.Config[project+":"+key]
		return set
	}, nil
}

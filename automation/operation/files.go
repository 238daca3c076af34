package operation

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/bmatcuk/doublestar/v4"
	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/yaml"
)

// files are what a stack is made of.
type files struct {
	// stack is the stack's file, of which only the config counts: the engine itself writes into it.
	stack string
	// single are files by path, and folders those of which everything counts.
	single, folders []string
	programs        []string
}

func projectFileOf(p *engine.Project) string { return filepath.Join(p.Root, "Pulumi.yaml") }

// add takes files, folders and patterns. A link leads to what is watched, too.
func (f *files) add(paths ...string) {
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case err == nil && info.IsDir():
			f.folder(path)
		case err != nil && strings.ContainsAny(path, "*?[{"):
			base, _ := doublestar.SplitPattern(filepath.ToSlash(path))
			f.folder(base)
		default:
			f.single = append(f.single, path)
			if real, err := filepath.EvalSymlinks(path); err == nil && real != path {
				f.single = append(f.single, real)
			}
			if slices.Contains(konfig.RecognizedKustomizationFileNames(), filepath.Base(path)) {
				f.folder(filepath.Dir(path))
			}
		}
	}
}

// folder adds a folder, and the folders to which a kustomization in it refers.
func (f *files) folder(path string) {
	path = filepath.Clean(path)
	if slices.Contains(f.folders, path) {
		return
	}
	f.folders = append(f.folders, path)
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		var names struct{ Resources, Bases, Components []string }
		content, err := os.ReadFile(filepath.Join(path, name))
		if err != nil || yaml.Unmarshal(content, &names) != nil {
			continue // It is none, or reading the manifests says what is wrong with it.
		}
		for _, other := range slices.Concat(names.Resources, names.Bases, names.Components) {
			if info, err := os.Stat(filepath.Join(path, other)); err == nil && info.IsDir() {
				f.folder(filepath.Join(path, other))
			}
		}
	}
}

// names are for people.
func (f files) names(root string) []string {
	var names []string
	for _, path := range slices.Concat(f.single, f.folders, f.programs) {
		if inside, err := filepath.Rel(root, path); err == nil && !strings.HasPrefix(inside, "..") {
			path = cmp.Or(inside, ".")
		}
		names = append(names, path)
	}
	return slices.Compact(names)
}

// digest changes when what one of the files says does.
func (f files) digest() string {
	sum := sha256.New()
	take := func(path string) {
		content, err := os.ReadFile(path)
		if path == f.stack {
			content = configOnly(content)
		}
		fmt.Fprintf(sum, "%s %v %d\n%s\n", path, err == nil, len(content), content)
	}
	for _, path := range f.single {
		take(path)
	}
	for _, folder := range f.folders {
		// What cannot be read is as good as not there, until the manifests are read.
		_ = walk(folder, func(path string, entry fs.DirEntry) {
			if ext := filepath.Ext(path); !entry.IsDir() && (ext == ".yaml" || ext == ".yml" || ext == ".json") {
				take(path)
			}
		})
	}
	fmt.Fprint(sum, versionOf(f.programs))
	return hex.EncodeToString(sum.Sum(nil))
}

// configOnly leaves out what the engine writes into a stack's file.
func configOnly(content []byte) []byte {
	var settings struct {
		Config map[string]any `json:"config"`
	}
	if yaml.Unmarshal(content, &settings) != nil {
		return content
	}
	encoded, err := json.Marshal(settings.Config)
	if err != nil {
		return content
	}
	return encoded
}

// walk visits everything below a folder but what is hidden.
func walk(folder string, visit func(path string, entry fs.DirEntry)) error {
	return filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil //nolint:nilerr // it went away meanwhile
		case path != folder && strings.HasPrefix(entry.Name(), ".") && entry.IsDir():
			return fs.SkipDir
		case strings.HasPrefix(entry.Name(), "."):
			return nil
		}
		visit(path, entry)
		return nil
	})
}

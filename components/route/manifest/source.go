package manifest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Stdin is the path that stands for standard input.
const Stdin = "-"

// Read reads objects from paths, each of which is
//
//   - a file of YAML or JSON, with one or many objects, also in lists;
//   - a folder, whose files are read, and those of the folders below it; one with a kustomization is rendered instead;
//   - a pattern such as deploy/**/*.yaml;
//   - "-" for standard input.
//
// A folder below a named one that holds a kustomization or a chart is passed over with a notice that says how to get at it:
// its files are the parts of objects, not objects. All problems are reported together, with whatever could be read.
func Read(paths []string, stdin io.Reader) (Set, error) {
	r := &reader{seen: map[string]bool{}}
	if len(paths) == 0 {
		return r.set, errors.New("no manifest is named: give a file, a folder, or - for standard input")
	}
	for _, path := range paths {
		r.path(path, stdin)
	}
	return r.set, errors.Join(r.problems...)
}

type reader struct {
	set      Set
	problems []error
	// seen are the files that were read: patterns and folders may overlap.
	seen map[string]bool
}

func (r *reader) fail(err error) {
	if err != nil {
		r.problems = append(r.problems, err)
	}
}

func (r *reader) path(path string, stdin io.Reader) {
	if path == Stdin {
		content, err := io.ReadAll(stdin)
		if err != nil {
			r.fail(fmt.Errorf("standard input: %w", err))
			return
		}
		r.parse(Stdin, content)
		return
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		r.folder(path)
	case err == nil && isKustomization(filepath.Base(path)):
		r.kustomize(filepath.Dir(path))
	case err == nil:
		r.file(path)
	default:
		r.pattern(path, err)
	}
}

func (r *reader) pattern(pattern string, missing error) {
	files, err := doublestar.FilepathGlob(pattern, doublestar.WithFilesOnly())
	switch {
	case err != nil:
		r.fail(fmt.Errorf("manifest %q: %w", pattern, err))
	case len(files) == 0 && !strings.ContainsAny(pattern, "*?[{"):
		r.fail(fmt.Errorf("manifest %q: %w; check the path, which is relative to the project's folder", pattern, reason(missing)))
	case len(files) == 0:
		r.fail(fmt.Errorf("manifest %q: no file matches the pattern", pattern))
	}
	slices.Sort(files)
	for _, file := range files {
		r.file(file)
	}
}

// reason leaves the path out of an error of the file system: it is named already.
func reason(err error) error {
	var onPath *fs.PathError
	if errors.As(err, &onPath) {
		return onPath.Err
	}
	return err
}

func (r *reader) file(path string) {
	clean := filepath.Clean(path)
	if r.seen[clean] {
		return
	}
	r.seen[clean] = true
	content, err := os.ReadFile(path)
	if err != nil {
		r.fail(fmt.Errorf("manifest %q: %w", path, reason(err)))
		return
	}
	r.parse(path, content)
}

func (r *reader) parse(name string, content []byte) {
	set, err := Parse(name, content)
	if len(set.Objects) == 0 && len(set.Notices) == 0 && err == nil {
		set.notice("%s: it is empty", name)
	}
	r.set.Join(set)
	r.fail(err)
}

// folder reads a folder that was named: as a kustomization if it is one.
func (r *reader) folder(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		r.fail(fmt.Errorf("manifest folder %q: %w", dir, reason(err)))
		return
	}
	if slices.ContainsFunc(entries, func(e os.DirEntry) bool { return isKustomization(e.Name()) }) {
		r.kustomize(dir)
		return
	}
	if slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == chartFile }) {
		r.fail(fmt.Errorf("manifest folder %q is a Helm chart: render it with `helm template NAME %s`, and give what that prints", dir, dir))
		return
	}
	found, before := 0, len(r.set.Notices)
	err = filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == dir:
		case strings.HasPrefix(entry.Name(), ".") && entry.IsDir():
			return filepath.SkipDir
		case entry.IsDir():
			return r.partsOf(path)
		case isManifest(path):
			found++
			r.file(path)
		}
		return nil
	})
	if err != nil {
		r.fail(fmt.Errorf("manifest folder %q: %w", dir, reason(err)))
	} else if found == 0 && len(r.set.Notices) == before {
		r.fail(fmt.Errorf("manifest folder %q holds no .yaml, .yml or .json file", dir))
	}
}

const chartFile = "Chart.yaml"

// partsOf passes over a folder whose files are parts of objects.
func (r *reader) partsOf(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		switch {
		case isKustomization(entry.Name()):
			r.set.notice("%s: passed over: it is a kustomization; name the folder itself to have it rendered", dir)
			return filepath.SkipDir
		case entry.Name() == chartFile:
			r.set.notice("%s: passed over: it is a Helm chart; render it with `helm template NAME %s`, and give what that prints", dir, dir)
			return filepath.SkipDir
		}
	}
	return nil
}

func isManifest(path string) bool {
	switch filepath.Ext(path) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

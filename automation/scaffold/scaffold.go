// Package scaffold makes a project that the apigw-ingress binary works with, and nothing else: its settings with the typed
// schema of its config, a stack for this machine and one for AWS, and manifests.
package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
)

//go:embed files
var files embed.FS

// Options say what the project is to hold.
type Options struct {
	// Manifests is a folder or file of one's own manifests, relative to the project; empty makes a service that greets.
	Manifests string
	// CI adds a workflow for GitHub.
	CI bool
}

// ErrExists says that a file of the project is there already. Nothing was written then.
var ErrExists = errors.New("nothing is overwritten")

// hello are the files of the service that greets.
const helloManifest = "manifests/hello.yaml"

// Files are the project's, by their paths relative to its folder.
func Files(o Options) (map[string][]byte, error) {
	written := map[string][]byte{}
	for source, target := range map[string]string{
		"Pulumi.yaml": "Pulumi.yaml", "Pulumi.local.yaml": "Pulumi.local.yaml", "Pulumi.dev.yaml": "Pulumi.dev.yaml",
		helloManifest: helloManifest, "gitignore": ".gitignore", "deploy.yml": ".github/workflows/deploy.yml",
	} {
		if source == "deploy.yml" && !o.CI || source == helloManifest && o.Manifests != "" {
			continue
		}
		content, err := files.ReadFile("files/" + source)
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(source, "Pulumi.") && source != "Pulumi.yaml" {
			if content, err = fill(source, content, o); err != nil {
				return nil, err
			}
		}
		written[target] = content
	}
	return written, nil
}

func fill(name string, content []byte, o Options) ([]byte, error) {
	parsed, err := template.New(name).Parse(string(content))
	if err != nil {
		return nil, err
	}
	var filled bytes.Buffer
	if err := parsed.Execute(&filled, o); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return filled.Bytes(), nil
}

// Write makes the project in dir, which may exist, and returns the files that it wrote. If one of them is there, or the folder
// has a project of any kind, nothing is written.
func Write(dir string, o Options) ([]string, error) {
	made, err := Files(o)
	if err != nil {
		return nil, err
	}
	names := slices.Sorted(maps.Keys(made))
	var problems []error
	for _, name := range append([]string{"Pulumi.yml"}, names...) {
		_, err := os.Lstat(filepath.Join(dir, name))
		switch {
		case err == nil:
			problems = append(problems, fmt.Errorf("%s exists: %w", filepath.Join(dir, name), ErrExists))
		case !errors.Is(err, fs.ErrNotExist):
			problems = append(problems, err)
		}
	}
	if o.Manifests != "" {
		if _, err := os.Stat(filepath.Join(dir, o.Manifests)); err != nil {
			problems = append(problems, fmt.Errorf("manifests: %w", err))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, made[name], 0o600); err != nil {
			return nil, err
		}
	}
	return names, nil
}

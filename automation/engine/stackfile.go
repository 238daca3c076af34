package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/apigateway-ingress/apigateway-ingress/internal/wholefile"
	"github.com/pulumi/pulumi/sdk/v3/go/common/encoding"
	"gopkg.in/yaml.v3"
)

// settingsFile is a project's or a stack's file. Its values are nodes, which keep the text that they have: read and written
// as values, 0123 would be another number and a version another version.
type settingsFile struct{ mapping *yaml.Node }

func emptySettings() *settingsFile {
	return &settingsFile{&yaml.Node{Kind: yaml.MappingNode}}
}

func readSettings(path string) (*settingsFile, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(content, &document); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if document.Kind == 0 {
		return emptySettings(), nil
	}
	if document.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s: it must map keys to values", path)
	}
	return &settingsFile{document.Content[0]}, nil
}

func (f *settingsFile) write(path string) error {
	content, err := encoding.YAML.Marshal(f.mapping)
	if err != nil {
		return err
	}
	return wholefile.Write(path, content)
}

// get is a key's value; nil where the key is not there.
func (f *settingsFile) get(key string) *yaml.Node {
	for i := 0; i+1 < len(f.mapping.Content); i += 2 {
		if f.mapping.Content[i].Value == key {
			return f.mapping.Content[i+1]
		}
	}
	return nil
}

// text is a key's value as it is written; empty where the key is not there.
func (f *settingsFile) text(key string) string {
	if value := f.get(key); value != nil {
		return value.Value
	}
	return ""
}

func (f *settingsFile) set(key string, value *yaml.Node) {
	f.remove(key)
	f.mapping.Content = append(f.mapping.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, value)
}

func (f *settingsFile) remove(key string) {
	for i := 0; i+1 < len(f.mapping.Content); i += 2 {
		if f.mapping.Content[i].Value == key {
			f.mapping.Content = slices.Delete(f.mapping.Content, i, i+2)
			return
		}
	}
}

// encryption are the keys that say how the secrets in a stack's file are encrypted.
var encryption = []string{"encryptionsalt", "secretsprovider", "encryptedkey"}

// copySettings keeps from an earlier copy how its secrets are encrypted, and leaves the named keys out.
func copySettings(from, to string, without ...string) error {
	settings, err := readSettings(from)
	if err != nil {
		return err
	}
	kept, err := readSettings(to)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, key := range encryption {
		// A salt of the project's own encrypted the secrets that stand beside it.
		if kept != nil && kept.get(key) != nil && settings.get(key) == nil {
			settings.set(key, kept.get(key))
		}
	}
	for _, key := range without {
		settings.remove(key)
	}
	return settings.write(to)
}

// FileOf is the file of a stack's config, where the CLI has it, or else one that CopyConfig could not write there.
func (p *Project) FileOf(stack string) string {
	path := filepath.Join(p.Root, p.configDir, stackFileName(stack))
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) || p.spareDir == "" {
		return path
	}
	spare := filepath.Join(p.spareDir, stackFileName(stack))
	if _, err := os.Stat(spare); err != nil {
		return path
	}
	return spare
}

// stackFileName is that of a stack, without its organization: https://www.pulumi.com/docs/iac/concepts/projects/stack-settings-file/
func stackFileName(stack string) string {
	return "Pulumi." + stack[strings.LastIndexByte(stack, '/')+1:] + ".yaml"
}

// CopyConfig writes the project's stack file as another stack's, with some keys of the project changed. What encrypts secrets
// goes along where there are any; a copy without has a key of its own. That of a local stack is in the state directory where the
// project's folder cannot be written to.
func (p *Project) CopyConfig(to string, changes map[string]any) error {
	file, err := readSettings(p.FileOf(p.Stack))
	if err != nil {
		return err
	}
	if len(p.secret) == 0 {
		file.remove("encryptionsalt")
		file.remove("encryptedkey")
	} else if file.get("encryptionsalt") == nil && file.get("encryptedkey") == nil {
		return fmt.Errorf("%s has secrets that no other stack can decrypt: let a passphrase or a key of yours encrypt them, "+
			"with `pulumi stack change-secrets-provider`", filepath.Base(p.FileOf(p.Stack)))
	}
	config := emptySettings()
	if given := file.get("config"); given != nil && given.Kind == yaml.MappingNode {
		config.mapping = given
	}
	for key, value := range changes {
		var encoded yaml.Node
		if err := encoded.Encode(value); err != nil {
			return err
		}
		// The project's own keys may stand without its name.
		config.remove(key)
		config.set(p.Name+":"+key, &encoded)
	}
	file.set("config", config.mapping)
	err = file.write(filepath.Join(p.Root, p.configDir, stackFileName(to)))
	if p.Target != Local || p.spareDir == "" || !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EROFS) {
		return err
	}
	// The CLI reads a copy of a local stack's config in any case.
	if err := os.MkdirAll(p.spareDir, 0o700); err != nil {
		return err
	}
	return file.write(filepath.Join(p.spareDir, stackFileName(to)))
}

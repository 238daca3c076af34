package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/route/spelling"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
)

// Target is where a stack runs.
type Target string

// The targets there are.
const (
	AWS   Target = "aws"
	Local Target = "local"
)

const projectFile = "Pulumi.yaml"

// Project is a folder with a Pulumi.yaml, and one stack's config in it.
type Project struct {
	Root  string
	Stack string
	// Name is the project's name, the namespace of its config.
	Name   string
	Target Target
	// Images maps container images, and Functions Lambda functions, to programs of this machine, for the local target.
	Images, Functions map[string][]string
	// SecretsProvider encrypts the stack's secrets, as its settings name it: awskms://alias/x?region=r, or empty for the
	// backend's own.
	SecretsProvider string
	// EncryptionSalt goes with the passphrase that encrypts the stack's secrets, where one does.
	EncryptionSalt string

	// Invalid are the problems of the config, unless they leave the target unknown: a stack with them can be destroyed.
	Invalid error

	// spareDir has the configs of stacks that were made where the project's folder could not be written to; empty for none.
	spareDir string
	// configDir is the folder of the stacks' files below Root, as the project's stackConfigDir has it.
	configDir string
	values    map[string]string
	// written are the keys of the project that the stack's file sets, and secret those of any namespace that it encrypts, or a
	// part of them.
	written, secret map[string]bool
}

// Hidden stands for values that the stack's file has encrypted: who only looks needs no key.
const Hidden = "[secret]"

// FindRoot is the nearest folder, from dir upwards, that holds a Pulumi.yaml.
func FindRoot(dir string) (string, error) {
	start, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for root := start; ; root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, projectFile)); err == nil {
			return root, nil
		}
		if root == filepath.Dir(root) {
			return "", fmt.Errorf("no %s in %s or above: run the command in a project's folder, or name it with --project", projectFile, start)
		}
	}
}

// OpenProject reads a project and a stack's config, and checks the config against the project's schema. Problems of the config
// alone are in the project's Invalid, together.
func OpenProject(root, stack string) (*Project, error) { return OpenProjectIn(root, stack, "") }

// OpenProjectIn is OpenProject with a state directory, for stacks of a project whose folder cannot be written to.
func OpenProjectIn(root, stack, stateDir string) (*Project, error) {
	if err := checkStackName(stack); err != nil {
		return nil, err
	}
	project, err := workspace.LoadProject(filepath.Join(root, projectFile))
	if err != nil {
		return nil, err
	}
	p := &Project{Root: root, Stack: stack, Name: string(project.Name), configDir: project.StackConfigDir,
		values: map[string]string{}, written: map[string]bool{}, secret: map[string]bool{}}
	if stateDir != "" {
		p.spareDir = filepath.Join(stateDir, "configs")
	}
	name := p.FileOf(stack)
	if _, err := os.Stat(name); err != nil {
		return nil, p.missingConfig()
	}
	quiet := diag.DefaultSink(io.Discard, io.Discard, diag.FormatOptions{Color: colors.Never})
	settings, err := workspace.LoadProjectStack(quiet, project, name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	file, err := readSettings(name)
	if err != nil {
		return nil, err
	}
	p.SecretsProvider, p.EncryptionSalt = settings.SecretsProvider, settings.EncryptionSalt
	if written := file.get("config"); written != nil {
		p.Invalid = ambiguous(filepath.Base(name), "", written)
	}
	p.Invalid = errors.Join(p.Invalid, p.readValues(project, settings.Config))
	return p, p.readTarget()
}

// Get finds a key of the project's config, or one of another namespace such as aws:region, for deploy.Read.
func (p *Project) Get(key string) (string, bool) {
	value, ok := p.values[key]
	return value, ok
}

// Written says whether the stack's file sets a key of the project.
func (p *Project) Written(key string) bool { return p.written[key] }

// Secret says whether the stack's file encrypts a key, or a part of its value.
func (p *Project) Secret(key string) bool { return p.secret[key] }

func (p *Project) hides(key string, secret bool) {
	if secret {
		p.secret[key] = true
	}
}

// neededPlain are keys that matter to others than the program.
var neededPlain = []string{"target", "localImages", "localFunctions", "aws:region", "aws:profile"}

func (p *Project) readValues(project *workspace.Project, set config.Map) error {
	decrypted, err := set.Decrypt(config.NewBlindingDecrypter())
	if err != nil {
		return err
	}
	var problems []error
	for key, value := range decrypted {
		secret := set[key].Secure()
		if key.Namespace() != p.Name {
			p.values[key.String()] = value
			p.hides(key.String(), secret)
			continue
		}
		declared, known := project.Config[key.Name()]
		if !known {
			problems = append(problems, fmt.Errorf("config %s is not known%s", key.Name(), suggestion(key.Name(), project.Config)))
			continue
		}
		p.values[key.Name()], p.written[key.Name()] = value, true
		p.hides(key.Name(), secret)
		if !secret {
			// What the value is, the program sees.
			problems = append(problems, checkType(key.Name(), declared, value))
		}
	}
	for _, key := range neededPlain {
		if p.secret[key] {
			problems = append(problems, fmt.Errorf("config %s is a secret, and needed before secrets can be read: set it without --secret", key))
		}
	}
	for name, declared := range project.Config {
		if _, isSet := p.values[name]; isSet || declared.Default == nil {
			continue
		}
		text, err := asConfig(declared.Default)
		if err != nil {
			problems = append(problems, fmt.Errorf("default of config %s: %w", name, err))
		}
		p.values[name] = text
	}
	return errors.Join(problems...)
}

func checkType(name string, declared workspace.ProjectConfigType, text string) error {
	if !declared.IsExplicitlyTyped() {
		return nil
	}
	var value any = text
	if declared.TypeName() != "string" {
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			value = text
		}
		if number, ok := value.(float64); ok && number == float64(int(number)) {
			value = int(number)
		}
	}
	if !workspace.ValidateConfigValue(declared.TypeName(), declared.Items, value) {
		return fmt.Errorf("config %s: %s is not of type %s", name, text, workspace.InferFullTypeName(declared.TypeName(), declared.Items))
	}
	return nil
}

// asConfig is the form in which Pulumi hands values to programs.
func asConfig(value any) (string, error) {
	if text, ok := value.(string); ok {
		return text, nil
	}
	encoded, err := json.Marshal(value)
	return string(encoded), err
}

func (p *Project) readTarget() error {
	p.Target = Target(p.values["target"])
	if p.Target != AWS && p.Target != Local {
		return fmt.Errorf("config target: %q is not known: write aws or local", p.Target)
	}
	if p.Target == Local && strings.Contains(p.Stack, "/") {
		return fmt.Errorf("stack %q: on the local target there are no organizations: write %s", p.Stack, p.Stack[strings.LastIndexByte(p.Stack,
			'/')+1:])
	}
	return errors.Join(p.readCommands("localImages", &p.Images), p.readCommands("localFunctions", &p.Functions))
}

func (p *Project) readCommands(key string, into *map[string][]string) error {
	text := p.values[key]
	if text == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("config %s: it must map names to commands, each a list of strings: %w", key, err)
	}
	return nil
}

func suggestion(name string, known map[string]workspace.ProjectConfigType) string {
	if near := spelling.Nearest(name, slices.Sorted(maps.Keys(known))); near != "" {
		return ": did you mean " + near + "?"
	}
	return ": Pulumi.yaml lists all keys"
}

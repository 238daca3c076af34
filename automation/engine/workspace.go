package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Session is a stack with the CLI that drives it.
type Session struct {
	Command *Command
	Project *Project
	// Stack is for what changes nothing, and for callers who want the Automation API's results.
	Stack auto.Stack
	// Updates is the same stack for operations whose events are followed: their results have no outputs and no summary.
	Updates auto.Stack

	stateDir string
}

// ErrNoStack says that a stack was never brought up.
var ErrNoStack = errors.New("the stack does not exist")

// ErrBackend says that the backend, or what encrypts secrets for it, cannot be used as it is set up.
var ErrBackend = errors.New("the Pulumi backend cannot be used")

// Open finds a stack, or makes it when create is set. providers are the ports of attached providers, none for AWS.
func Open(ctx context.Context, p *Project, stateDir string, providers map[string]int, create bool, program pulumi.RunFunc) (*Session,
	error) {
	workspace, command, err := openWorkspace(ctx, p, stateDir, providers, auto.Program(shallow(program)))
	if err != nil {
		return nil, err
	}
	session := &Session{Command: command, Project: p, stateDir: stateDir}
	session.Stack, err = session.find(ctx, workspace, create)
	if errors.Is(err, ErrNoStack) || auto.IsConcurrentUpdateError(err) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBackend, err)
	}
	session.Updates, err = auto.SelectStack(ctx, p.Stack, followed{known{workspace}, command})
	return session, err
}

// openWorkspace finds the CLI and sets it up for the project's target.
func openWorkspace(ctx context.Context, p *Project, stateDir string, providers map[string]int,
	options ...auto.LocalWorkspaceOption) (auto.Workspace, *Command, error) {
	command, err := FindCommand(ctx, stateDir)
	if err != nil {
		return nil, nil, err
	}
	dir := p.Root
	env := map[string]string{"PULUMI_SKIP_UPDATE_CHECK": "true"}
	switch p.Target {
	case Local:
		if dir, err = prepareLocal(p, stateDir); err != nil {
			return nil, nil, err
		}
		if err := removeStaleLocks(ctx, stateDir, p.Name, p.Stack); err != nil {
			return nil, nil, err
		}
		if err := repairCheckpoint(stateDir, p.Name, p.Stack); err != nil {
			return nil, nil, err
		}
		command.environment = localEnvironment
		for key, value := range LocalEnvironment(stateDir, providers) {
			env[key] = value
		}
	case AWS:
		if err := checkAWSEnvironment(); err != nil {
			return nil, nil, err
		}
		command.environment = awsEnvironment
		if attached := os.Getenv(TestProvidersVariable); attached != "" {
			env[attachedVariable] = attached
		}
		if p.SecretsProvider != "" {
			options = append(options, auto.SecretsProvider(p.SecretsProvider))
		}
	}
	workspace, err := auto.NewLocalWorkspace(ctx, append(options, auto.Pulumi(command), auto.WorkDir(dir), auto.EnvVars(env))...)
	return workspace, command, err
}

// Stacks are the names of a project's stacks, with their tags.
func Stacks(ctx context.Context, p *Project, stateDir string) (map[string]map[string]string, error) {
	workspace, _, err := openWorkspace(ctx, p, stateDir, nil)
	if err != nil {
		return nil, err
	}
	stacks, err := workspace.ListStacks(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBackend, err)
	}
	found := map[string]map[string]string{}
	for _, s := range stacks {
		if found[s.Name], err = workspace.ListTags(ctx, s.Name); err != nil {
			return nil, fmt.Errorf("tags of stack %s: %w", s.Name, err)
		}
	}
	return found, nil
}

// find selects the stack, or makes it when create is set.
func (s *Session) find(ctx context.Context, workspace auto.Workspace, create bool) (auto.Stack, error) {
	name := s.Project.Stack
	var stack auto.Stack
	exists, err := s.hasCheckpoint()
	switch {
	case err != nil:
		return stack, err
	case exists:
		return auto.SelectStack(ctx, name, known{workspace})
	case s.Project.Target == AWS:
		stack, err = auto.SelectStack(ctx, name, workspace)
		if !auto.IsSelectStack404Error(err) {
			return stack, err
		}
	}
	if !create {
		return stack, fmt.Errorf("%w: run `apigw-ingress up --stack %s`", ErrNoStack, name)
	}
	return auto.NewStack(ctx, name, workspace)
}

// hasCheckpoint says whether a stack of the local target exists, without asking the CLI.
func (s *Session) hasCheckpoint() (bool, error) {
	if s.Project.Target != Local {
		return false, nil
	}
	_, err := os.Stat(checkpointPath(s.stateDir, s.Project.Name, s.Project.Stack))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// LocalEnvironment is what the CLI needs for a stack of the local target.
func LocalEnvironment(stateDir string, providers map[string]int) map[string]string {
	env := map[string]string{
		// Without metadata=skip the backend writes a checksum beside each file, over the whole state for each resource.
		"PULUMI_BACKEND_URL":                          "file://" + filepath.Join(stateDir, "backend") + "?metadata=skip",
		"PULUMI_HOME":                                 filepath.Join(stateDir, "home"),
		"PULUMI_CONFIG_PASSPHRASE_FILE":               filepath.Join(stateDir, "passphrase"),
		"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
		"PULUMI_SKIP_UPDATE_CHECK":                    "true",
		// The state is read from its file, too.
		"PULUMI_DIY_BACKEND_GZIP": "false",
		"PULUMI_DIY_BACKEND_ZSTD": "false",
	}
	var attached []string
	for _, name := range []string{"aws", "eks", "kubernetes", "random", "time"} {
		if port := providers[name]; port != 0 {
			attached = append(attached, fmt.Sprintf("%s:%d", name, port))
		}
	}
	if len(attached) > 0 {
		env["PULUMI_DEBUG_PROVIDERS"] = strings.Join(attached, ",")
	}
	return env
}

// Export is the stack's deployment as JSON with secrets encrypted. The Automation API's own would decrypt them.
func (s *Session) Export(ctx context.Context) (json.RawMessage, error) {
	out, errOut, _, err := s.run(ctx, "stack", "export")
	if err != nil {
		return nil, fmt.Errorf("export stack %s: %w: %s", s.Stack.Name(), err, strings.TrimSpace(errOut))
	}
	return json.RawMessage(out), nil
}

// run starts the CLI for the stack.
func (s *Session) run(ctx context.Context, args ...string) (out, errOut string, code int, err error) {
	workspace := s.Stack.Workspace()
	var env []string
	for key, value := range workspace.GetEnvVars() {
		env = append(env, key+"="+value)
	}
	return s.Command.Run(ctx, workspace.WorkDir(), nil, nil, nil, env, append(args, "--stack", s.Stack.Name())...)
}

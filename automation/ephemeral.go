package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/stacks/deploy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/spf13/cobra"
)

// Tags of an ephemeral stack: when it was made, and when it may be destroyed by gc. Times are RFC 3339.
const (
	createdTag = "apigw-ingress:created"
	expiresTag = "apigw-ingress:expires"
)

type ephemeralFlags struct {
	keepOnFailure bool
	ttl           time.Duration
}

func (a *app) ephemeralCommand() *cobra.Command {
	var flags ephemeralFlags
	command := &cobra.Command{
		Use:   "ephemeral -- COMMAND [ARGUMENT]...",
		Short: "Bring up a stack of its own, run a command against it, and destroy it",
		Long: `ephemeral makes a new stack with the config of --stack, brings it up, runs COMMAND, and destroys and removes the
stack whatever happened. It exits with COMMAND's code. The stack's outputs are in COMMAND's environment:
APIGW_API_ENDPOINT, APIGW_REGION, APIGW_CLIENT_ACCESS_KEY_ID, APIGW_CLIENT_SECRET_ACCESS_KEY and so on, with
APIGW_STACK for the stack's name. On a shared platform (platformStack) its services get a namespace of their own. A stack that a lost machine leaves behind goes with gc after its time to live.`,
		Example: `  apigw-ingress ephemeral -- go test ./e2e
  apigw-ingress --stack preview ephemeral --ttl 2h --keep-on-failure -- ./smoke-test.sh`,
		Args: usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return a.ephemeral(cmd.Context(), args, flags) },
	}
	command.Flags().BoolVar(&flags.keepOnFailure, "keep-on-failure", false, "leave the stack when COMMAND fails, to look at it")
	command.Flags().DurationVar(&flags.ttl, "ttl", 4*time.Hour, "time after which gc may destroy the stack")
	return command
}

func (a *app) ephemeral(ctx context.Context, command []string, flags ephemeralFlags) error {
	base, err := a.validProject()
	if err != nil {
		return err
	}
	stack := *a
	// What COMMAND prints is the only thing on standard output.
	stack.json, stack.out = false, a.errOut
	if stack.stack, err = a.copyConfig(base); err != nil {
		return err
	}
	configFile := filepath.Join(base.Root, "Pulumi."+stack.stack+".yaml")
	return errors.Join(stack.live(ctx, a, command, configFile, flags), removeConfig(configFile))
}

// removeConfig takes away the config of a stack that is gone, or was renamed with it.
func removeConfig(path string) error {
	if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// live brings the stack up, runs the command as the caller, and destroys the stack.
func (a *app) live(ctx context.Context, caller *app, command []string, configFile string, flags ephemeralFlags) error {
	outputs, err := a.upEphemeral(ctx, flags.ttl)
	if err == nil {
		fmt.Fprintf(a.errOut, "\nStack %s is up; running %s\n", a.stack, strings.Join(command, " "))
		err = caller.runCommand(ctx, command, a.stack, outputs)
	}
	if err != nil && flags.keepOnFailure {
		kept := configFile + ".kept"
		renameErr := os.Rename(configFile, kept)
		return errors.Join(err, renameErr, fmt.Errorf("stack %s is kept: its config is %s; rename it to Pulumi.%s.yaml to work on the stack, or let gc destroy it", a.stack, kept, a.stack))
	}
	if destroyErr := a.destroy(ctx, destroyFlags{yes: true, remove: true}); destroyErr != nil {
		return errors.Join(err, fmt.Errorf("stack %s is not gone: %w", a.stack, destroyErr))
	}
	return err
}

// copyConfig writes the config of a new stack with a name of its own, and returns the name.
func (a *app) copyConfig(base *engine.Project) (string, error) {
	random := make([]byte, 4)
	_, _ = rand.Read(random) // never fails: https://pkg.go.dev/crypto/rand#Read
	id := hex.EncodeToString(random)
	changes := map[string]any{base.Name + ":name": "e" + id}
	if shared, _ := base.Get("platformStack"); shared != "" {
		port, err := rand.Int(rand.Reader, big.NewInt(lastNodePort-firstNodePort))
		if err != nil {
			return "", err
		}
		changes[base.Name+":nodePort"] = firstNodePort + port.Int64()
		if own, err := ownServices(base); err != nil {
			return "", err
		} else if own {
			// Kubernetes would hand another stack's Services over to this one, which then deletes them.
			changes[base.Name+":namespace"] = "e" + id
		}
	}
	name := a.stack + "-" + id
	return name, engine.CopyConfig(base.Root, a.stack, name, changes)
}

// ownServices says whether a stack makes the services that it publishes. A copy of one that makes some and finds others
// in the cluster would find nothing in a namespace of its own.
func ownServices(base *engine.Project) (bool, error) {
	settings, err := deploy.Read(base.Get, base.Root)
	if err != nil {
		return false, withCode(exitUsage, err)
	}
	var made, found []string
	for _, service := range settings.Platform.Services {
		if service.Image != "" {
			made = append(made, service.Name)
		} else {
			found = append(found, service.Name)
		}
	}
	if len(made) > 0 && len(found) > 0 {
		return false, withCode(exitUsage, fmt.Errorf("a second stack on this cluster would share %s: give them stacks of their own and no image here, or give %s an image as well",
			strings.Join(made, ", "), strings.Join(found, ", ")))
	}
	return len(made) > 0, nil
}

// Node ports for stacks that share a cluster: those that people choose are lower.
const (
	firstNodePort = 31000
	lastNodePort  = 32767
)

func (a *app) upEphemeral(ctx context.Context, ttl time.Duration) (auto.OutputMap, error) {
	project, err := a.validProject()
	if err != nil {
		return nil, err
	}
	session, err := a.session(ctx, project, true)
	if err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	for tag, at := range map[string]time.Time{createdTag: now, expiresTag: now.Add(ttl)} {
		if err := session.Stack.SetTag(ctx, tag, at.Format(time.RFC3339)); err != nil {
			return nil, fmt.Errorf("tag of stack %s: %w", a.stack, err)
		}
	}
	if err := a.up(ctx, "", operationFlags{}); err != nil {
		return nil, err
	}
	return session.Outputs(ctx)
}

var wordStart = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// runCommand leaves signals to the command, and goes on after it.
func (a *app) runCommand(ctx context.Context, command []string, stack string, outputs auto.OutputMap) error {
	process := exec.CommandContext(ctx, command[0], command[1:]...)
	process.Stdin, process.Stdout, process.Stderr = a.in, a.out, a.errOut
	process.Env = append(os.Environ(), "APIGW_STACK="+stack)
	for name, output := range outputs {
		if text, ok := output.Value.(string); ok {
			process.Env = append(process.Env, "APIGW_"+strings.ToUpper(wordStart.ReplaceAllString(name, "${1}_${2}"))+"="+text)
		}
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	err := process.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return withCode(max(exit.ExitCode(), exitFailure), fmt.Errorf("%s: %w", command[0], err))
	}
	return err
}

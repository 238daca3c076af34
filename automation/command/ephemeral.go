package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

func ephemeralCommand(s *shared) *cobra.Command {
	var o operation.EphemeralOptions
	command := &cobra.Command{
		Use:   "ephemeral -- COMMAND [ARGUMENT]...",
		Short: "Bring up a stack of its own, run a command against it, and destroy it",
		Long: `ephemeral makes a new stack with the config of --stack, brings it up, runs COMMAND, and destroys and removes the
stack whatever happened. It exits with COMMAND's code. The stack's outputs are in COMMAND's environment:
APIGW_API_ENDPOINT, APIGW_REGION, APIGW_CLIENT_ACCESS_KEY_ID, APIGW_CLIENT_SECRET_ACCESS_KEY and so on, with
APIGW_STACK for the stack's name. On a shared platform (platformStack) its services get a namespace of their own. A stack
that a lost machine leaves behind goes with gc after its time to live.`,
		Example: `  apigw-ingress ephemeral -- go test ./e2e
  apigw-ingress --stack preview ephemeral --ttl 2h --keep-on-failure -- ./smoke-test.sh
  apigw-ingress ephemeral --name "$GITHUB_HEAD_REF" -- go test ./e2e`,
		Args: usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return s.ephemeral(cmd.Context(), args, o) },
	}
	command.Flags().StringVar(&o.Name, "name", "", "what the stack is called after, such as a branch, in place of --stack; chance adds an end")
	command.Flags().BoolVar(&o.KeepOnFailure, "keep-on-failure", false, "leave the stack when COMMAND fails, to look at it")
	command.Flags().DurationVar(&o.TimeToLive, "ttl", 4*time.Hour, "time after which gc may destroy the stack")
	return command
}

func (s *shared) ephemeral(ctx context.Context, command []string, o operation.EphemeralOptions) error {
	if _, err := exec.LookPath(command[0]); err != nil {
		return usage(err)
	}
	// What COMMAND prints is the only thing on standard output.
	quiet := *s
	quiet.json, quiet.out, quiet.stdout = false, s.errOut, s.errOut
	ctx, giveUp, done := interruptible(ctx)
	defer done()
	o.Options = quiet.follow(pastTense)
	o.GiveUp = giveUp
	return operation.Ephemeral(ctx, o, func(ctx context.Context, stack *operation.EphemeralStack) error {
		fmt.Fprintf(s.errOut, "\nStack %s is up; running %s\n", stack.Options.Stack, strings.Join(command, " "))
		return s.runCommand(ctx, command, stack.Options.Stack, stack.Outputs)
	})
}

var wordStart = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// runCommand hands the signal that ends ctx on to the command, and waits for its end.
func (s *shared) runCommand(ctx context.Context, command []string, stack string, outputs auto.OutputMap) error {
	process := exec.CommandContext(ctx, command[0], command[1:]...)
	process.Stdin, process.Stdout, process.Stderr = s.in, s.stdout, s.errOut
	process.Env = append(os.Environ(), "APIGW_STACK="+stack)
	for name, output := range outputs {
		if text, ok := output.Value.(string); ok {
			process.Env = append(process.Env, "APIGW_"+strings.ToUpper(wordStart.ReplaceAllString(name, "${1}_${2}"))+"="+text)
		}
	}
	process.Cancel = func() error {
		received := signaled{syscall.SIGTERM}
		errors.As(context.Cause(ctx), &received)
		if received.Signal == os.Interrupt && inForeground() {
			// The terminal has sent it to the command, too.
			return nil
		}
		return process.Process.Signal(received.Signal)
	}
	err := process.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	code := exit.ExitCode()
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		// As a shell has it.
		code = 128 + int(status.Signal())
	}
	return &exited{code, fmt.Errorf("%s: %w", command[0], err)}
}

// inForeground says whether this process and what it starts get the terminal's signals.
func inForeground() bool {
	group, err := unix.IoctlGetInt(int(os.Stdin.Fd()), unix.TIOCGPGRP) //nolint:gosec // a descriptor fits an int
	return err == nil && group == unix.Getpgrp()
}

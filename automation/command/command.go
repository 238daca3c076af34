// Package command is apigw-ingress as people and pipelines see it: verbs, flags, what is printed, and exit codes. What the
// verbs do is in package operation.
package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/spf13/cobra"
)

// shared is what all verbs share: where they read and write, and the flags before the verb.
type shared struct {
	in          io.Reader
	out, errOut io.Writer
	// stdout is what out writes to, for those who want a file.
	stdout io.Writer

	version string

	stack      string
	projectDir string
	stateDir   string
	json       bool
}

const stateDirVariable = "APIGW_INGRESS_STATE_DIR"

// Run runs the verb that args name, and returns the exit code. version is the program's.
func Run(version string, args []string, in io.Reader, out, errOut io.Writer) int {
	defer survivePipes()()
	checked := &checkedWriter{Writer: out}
	s := &shared{in: in, out: checked, stdout: out, errOut: errOut, version: version}
	root := s.rootCommand()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(checked)
	root.SetErr(errOut)
	err := root.Execute()
	if err == nil && checked.err != nil {
		err = fmt.Errorf("standard output: %w", checked.err)
	}
	if err != nil {
		fmt.Fprintf(errOut, "error: %s\n", strings.ReplaceAll(plain(strings.TrimSpace(err.Error())), "\n", "\n  "))
		s.annotate(err)
	}
	return exitCode(err)
}

// checkedWriter remembers that something could not be written.
type checkedWriter struct {
	io.Writer
	err error
}

func (w *checkedWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if w.err == nil {
		w.err = err
	}
	return n, err
}

func (s *shared) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "apigw-ingress",
		Short: "Amazon API Gateway as the ingress of an EKS cluster",
		Long: `apigw-ingress publishes Kubernetes services through Amazon API Gateway:

  client --SigV4--> REST API + stage --VPC link--> NLB --NodePort--> NGINX --> services

The same program comes up on AWS and, with the stack's target local, on this machine.

` + exitCodesHelp(),
		Example: `  apigw-ingress up                        bring up the stack local
  apigw-ingress call /api/book/list       send it a signed request
  apigw-ingress --stack dev preview       see what would change in AWS
  apigw-ingress destroy                   take everything down`,
		SilenceUsage: true,
		// A letter too many, too few or in another place.
		SuggestionsMinimumDistance: 2,
		SilenceErrors:              true,
		Args:                       usageArgs(cobra.NoArgs),
		RunE:                       func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	flags := root.PersistentFlags()
	flags.StringVarP(&s.stack, "stack", "s", operation.DefaultStack(), "stack to work on; $PULUMI_STACK names another one than local")
	flags.StringVar(&s.projectDir, "project", ".", "folder of the project, or one below it")
	flags.StringVar(&s.stateDir, "state-dir", os.Getenv(stateDirVariable),
		"where the local target keeps its state (default .apigw-ingress in the project's folder, or $"+stateDirVariable+")")
	flags.BoolVar(&s.json, "json", false, "print JSON and nothing else: one document, or for operations one event a line and the result last")
	completeFlag(root, "stack", s.stackNames)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage(fmt.Errorf("%w\nrun `%s --help`", err, cmd.CommandPath()))
	})
	for _, verb := range []func(*shared) *cobra.Command{
		upCommand, devCommand, previewCommand, destroyCommand, refreshCommand, driftCommand, outputsCommand, exportCommand, importCommand,
		callCommand, rotateCommand, routesCommand, iamCommand, graphCommand, costCommand, logsCommand, explainCommand, doctorCommand,
		envCommand, checkCommand,
		controllerCommand, unlockCommand, ephemeralCommand, gcCommand, statusCommand, versionCommand, migrateCommand, initCommand,
	} {
		root.AddCommand(verb(s))
	}
	return root
}

// usageArgs gives a wrong number of arguments, or an unknown verb, the exit code for usage.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usage(fmt.Errorf("%w%s\nrun `%s --help`", err, suggestion(cmd, args), cmd.CommandPath()))
		}
		return nil
	}
}

// suggestion names the verb that may have been meant.
func suggestion(cmd *cobra.Command, args []string) string {
	if len(args) == 0 || cmd.HasParent() {
		return ""
	}
	if meant := cmd.SuggestionsFor(args[0]); len(meant) > 0 {
		return ": did you mean " + strings.Join(meant, " or ") + "?"
	}
	return ""
}

// options are for operations that only look: they tell of nothing but warnings.
func (s *shared) options() operation.Options {
	return operation.Options{
		Project: s.projectDir, Stack: s.stack, StateDir: s.stateDir, Program: program(), Errors: s.errOut,
		OnEvent: func(e operation.Event) {
			if notice, ok := e.(operation.Notice); ok {
				s.notice(notice)
			}
		},
	}
}

func (s *shared) notice(n operation.Notice) {
	n.Text = plain(n.Text)
	if n.Warning {
		fmt.Fprintf(s.errOut, "warning: %s\n", n.Text)
		return
	}
	fmt.Fprintln(s.errOut, n.Text)
}

// program is how the user can call this program again.
func program() string {
	if name := os.Args[0]; strings.Contains(name, string(filepath.Separator)) {
		return name
	}
	return "apigw-ingress"
}

// self is program with the stack.
func (s *shared) self() string {
	if s.stack == operation.DefaultStack() {
		return program()
	}
	return program() + " --stack " + s.stack
}

func (s *shared) printf(format string, args ...any) { fmt.Fprintf(s.out, format, args...) }

func (s *shared) printJSON(value any) error {
	encoder := json.NewEncoder(s.out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// print prints a value for machines, or what text prints for people.
func (s *shared) print(value any, text func()) error {
	if s.json {
		return s.printJSON(value)
	}
	text()
	return nil
}

// annotate tells GitHub of errors, which shows them beside the run and the pull request.
func (s *shared) annotate(err error) {
	if os.Getenv("GITHUB_ACTIONS") != "true" {
		return
	}
	// https://docs.github.com/actions/reference/workflow-commands-for-github-actions
	text := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	fmt.Fprintf(s.errOut, "::error title=apigw-ingress (%s)::%s\n", property.Replace(s.stack),
		text.Replace(plain(strings.TrimSpace(err.Error()))))
}

// verb is the usual form of a verb without arguments.
func verb(run func(context.Context) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error { return run(cmd.Context()) }
}

// fileOrInput reads the file that args name, or standard input.
func (s *shared) fileOrInput(args []string) ([]byte, error) {
	if len(args) == 0 || args[0] == "-" {
		return io.ReadAll(s.in)
	}
	content, err := os.ReadFile(args[0])
	return content, usage(err)
}

// join keeps a problem with printing beside the error of what was printed.
func join(printing, err error) error {
	if printing == nil {
		return err
	}
	return errors.Join(err, printing)
}

// warnf tells people of something that keeps nothing from going on.
func (s *shared) warnf(format string, args ...any) {
	s.notice(operation.Notice{Warning: true, Text: fmt.Sprintf(format, args...)})
}

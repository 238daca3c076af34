package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/daemon"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/supervisor"
	"github.com/apigateway-ingress/apigateway-ingress/stacks/deploy"
	"github.com/spf13/cobra"
)

// app is what the verbs share: the common flags and where to write.
type app struct {
	in          io.Reader
	out, errOut io.Writer

	stack      string
	projectDir string
	stateDir   string
	json       bool

	// projectName is known once the project is open.
	projectName string
}

// settleTimeout is how long an update waits for what an earlier one deployed.
const settleTimeout = 10 * time.Second

const stateDirVariable = "APIGW_INGRESS_STATE_DIR"

func run(args []string, in io.Reader, out, errOut io.Writer) int {
	a := &app{in: in, out: out, errOut: errOut}
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.Execute()
	if err != nil {
		fmt.Fprintf(errOut, "error: %s\n", strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "\n  "))
		a.annotate(err)
	}
	return exitCode(err)
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "apigw-ingress",
		Short: "Amazon API Gateway as the ingress of an EKS cluster",
		Long: `apigw-ingress publishes Kubernetes services through Amazon API Gateway:

  client --SigV4--> REST API + stage --VPC link--> NLB --NodePort--> NGINX --> services

The same program comes up on AWS and, with the stack's target local, on this machine.

` + exitCodesHelp,
		Example: `  apigw-ingress up                        bring up the stack local
  apigw-ingress call /api/book/list       send it a signed request
  apigw-ingress --stack dev preview       see what would change in AWS
  apigw-ingress destroy                   take everything down`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          usageArgs(cobra.NoArgs),
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	flags := root.PersistentFlags()
	flags.StringVarP(&a.stack, "stack", "s", "local", "stack to work on")
	flags.StringVar(&a.projectDir, "project", ".", "folder of the project, or one below it")
	flags.StringVar(&a.stateDir, "state-dir", os.Getenv(stateDirVariable), "where the local target keeps its state (default .apigw-ingress in the project's folder, or $"+stateDirVariable+")")
	flags.BoolVar(&a.json, "json", false, "print JSON and nothing else: one document, or for operations one event a line and the result last")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return withCode(exitUsage, fmt.Errorf("%w\nrun `%s --help`", err, cmd.CommandPath()))
	})
	root.AddCommand(a.upCommand(), a.previewCommand(), a.destroyCommand(), a.refreshCommand(), a.driftCommand(), a.outputsCommand(),
		a.exportCommand(), a.importCommand(), a.callCommand(), a.routesCommand(), a.iamCommand(), a.graphCommand(), a.costCommand(), a.logsCommand(), a.doctorCommand(), a.envCommand(), a.checkCommand(), a.unlockCommand(), a.ephemeralCommand(), a.gcCommand(), a.statusCommand(), a.versionCommand(), a.localCloudCommand())
	return root
}

// usageArgs gives a wrong number of arguments, or an unknown verb, the exit code for usage.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return withCode(exitUsage, fmt.Errorf("%w\nrun `%s --help`", err, cmd.CommandPath()))
		}
		return nil
	}
}

// openProject reads the project and its stack's config. Whatever is wrong with them is a matter of usage.
func (a *app) openProject() (*engine.Project, error) {
	root, err := engine.FindRoot(a.projectDir)
	if err != nil {
		return nil, withCode(exitUsage, err)
	}
	if a.stateDir == "" {
		a.stateDir = filepath.Join(root, ".apigw-ingress")
	}
	if a.stateDir, err = filepath.Abs(a.stateDir); err != nil {
		return nil, withCode(exitUsage, err)
	}
	project, err := engine.OpenProject(root, a.stack)
	if project != nil {
		a.projectName = project.Name
	}
	return project, withCode(exitUsage, err)
}

// validProject is openProject for verbs that run the program: its config is checked as a whole before anything starts.
func (a *app) validProject() (*engine.Project, error) {
	project, err := a.openProject()
	if project == nil || project.Root == "" {
		return nil, err
	}
	_, configErr := deploy.Read(project.Get, project.Root)
	if problems := errors.Join(err, configErr); problems != nil {
		return nil, withCode(exitUsage, fmt.Errorf("stack %s cannot be brought up:\n%w", a.stack, problems))
	}
	return project, nil
}

// session opens the stack; the local cloud is started for a local one.
func (a *app) session(ctx context.Context, project *engine.Project, create bool) (*engine.Session, error) {
	var providers map[string]int
	if project.Target == engine.Local {
		status, err := a.ensureLocalCloud(ctx, project)
		if err != nil {
			return nil, withCode(exitPrerequisite, err)
		}
		providers = status.Providers
	}
	session, err := engine.Open(ctx, project, a.stateDir, providers, create, deploy.In(project.Root))
	return session, a.explainBackend(err)
}

// explainBackend keeps the engine's own words of an error of the backend, and says where help is.
func (a *app) explainBackend(err error) error {
	if !errors.Is(err, engine.ErrBackend) {
		return err
	}
	return withCode(exitPrerequisite, fmt.Errorf("%w: %s\nrun `%s doctor`", engine.ErrBackend, firstCause(err), a.commandName()))
}

// readSession opens the stack for verbs that only look at its state.
func (a *app) readSession(ctx context.Context) (*engine.Session, error) {
	project, err := a.openProject()
	if err != nil {
		return nil, err
	}
	session, err := engine.Open(ctx, project, a.stateDir, nil, false, deploy.In(project.Root))
	return session, a.explainBackend(err)
}

func (a *app) ensureLocalCloud(ctx context.Context, project *engine.Project) (daemon.Status, error) {
	client, err := daemon.NewClient(a.stateDir)
	if err != nil {
		return daemon.Status{}, err
	}
	self, build, err := identifySelf()
	if err != nil {
		return daemon.Status{}, err
	}
	if err := os.MkdirAll(a.stateDir, 0o700); err != nil {
		return daemon.Status{}, err
	}
	status, err := client.Ensure(ctx, build, self, "localcloud", "--state-dir", a.stateDir)
	if err != nil {
		return status, err
	}
	if err := client.AddPrograms(ctx, daemon.Programs{Images: images(self, project), Functions: project.Functions}); err != nil {
		return status, err
	}
	// After a restart what was deployed starts anew. What cannot start is the next update's to mend.
	if err := client.AwaitSettled(ctx, settleTimeout); err != nil {
		fmt.Fprintf(a.errOut, "warning: %s\n", err)
	}
	return status, nil
}

// images are the sample services beside this program, and what the stack's config maps.
func images(self string, project *engine.Project) map[string]supervisor.Image {
	table := map[string]supervisor.Image{}
	for _, service := range []string{"books", "authors"} {
		table["apigateway-ingress/"+service] = supervisor.Image{
			Command: []string{filepath.Join(filepath.Dir(self), service), "-addr", "${POD_IP}:${PORT}"},
		}
	}
	for repository, command := range project.Images {
		table[repository] = supervisor.Image{Command: command}
	}
	return table
}

// identifySelf finds this program, and tells one build of it from another.
func identifySelf() (path, build string, err error) {
	if path, err = os.Executable(); err != nil {
		return "", "", err
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", "", err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %s", path, info.Size(), info.ModTime()))
	return path, hex.EncodeToString(sum[:8]), nil
}

// interruptible lets the first signal ask the engine to stop, and the second give up. The engine's own
// context never ends: it would be killed in the middle of an operation.
func (a *app) interruptible(command *engine.Command, w *watcher) (done func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	finished := make(chan struct{})
	go func() {
		for first := true; ; first = false {
			select {
			case <-finished:
				return
			case <-signals:
			}
			if !first {
				fmt.Fprintf(a.errOut, "Giving up. These may be left over; the next `%s up` or `destroy` mends what it can:\n%s", a.commandName(), indented(w.going()))
				command.Kill()
				os.Exit(exitCancelled)
			}
			fmt.Fprintf(a.errOut, "Stopping when the operations in flight have ended; once more gives up at once.\n%s", indented(w.going()))
			command.Interrupt()
		}
	}()
	return func() {
		signal.Stop(signals)
		close(finished)
	}
}

func indented(lines []string) string {
	var b strings.Builder
	for _, line := range lines {
		b.WriteString("  " + line + "\n")
	}
	return b.String()
}

// classify gives an engine's error the code of its class.
func classify(err error, command *engine.Command) error {
	switch {
	case err == nil:
		return nil
	case command.Interrupted():
		return withCode(exitCancelled, errors.New("cancelled: run the same command again to go on"))
	case exitCode(err) != exitFailure:
		return err
	}
	return withCode(exitUpdate, fmt.Errorf("the update failed: %s\nwhat is in the stack is consistent: mend the cause and run the same command again", firstCause(err)))
}

// firstCause is the engine's own message out of all that the Automation API adds.
func firstCause(err error) string {
	var causes []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		line = strings.TrimPrefix(strings.TrimSpace(line), "stderr: ")
		if cause, ok := strings.CutPrefix(line, "error: "); ok && !strings.HasPrefix(cause, "update failed") {
			causes = append(causes, cause)
		}
	}
	if len(causes) == 0 {
		return err.Error()
	}
	return strings.Join(causes, "\n")
}

func (a *app) printJSON(value any) error {
	encoder := json.NewEncoder(a.out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// printJSONLine is for results after events, one a line.
func (a *app) printJSONLine(value any) error { return json.NewEncoder(a.out).Encode(value) }

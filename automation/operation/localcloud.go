package operation

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/automation/policypack"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/daemon"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/supervisor"
)

// settleTimeout is how long an operation waits for what an earlier one deployed.
const settleTimeout = 10 * time.Second

// localCloudVerb is the argument by which a program is told to serve a local cloud.
const localCloudVerb = "localcloud"

// ServeHelper serves the local cloud, or judges by the policies, when args, which are a process's with its program, ask for
// that; served is false for all others. What it has to say goes to out.
func ServeHelper(args []string, out io.Writer) (served bool, err error) {
	switch {
	case filepath.Base(args[0]) == policypack.PluginName:
		return true, policypack.Serve(out)
	case len(args) > 1 && args[1] == localCloudVerb:
		return true, serveLocalCloud(args[2:], out)
	}
	return false, nil
}

func serveLocalCloud(args []string, out io.Writer) error {
	flags := flag.NewFlagSet(localCloudVerb, flag.ContinueOnError)
	dir := flags.String("state-dir", "", "folder of the local cloud's state")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *dir == "" {
		return errors.New("localcloud: --state-dir is missing")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	build, err := buildOf(self)
	if err != nil {
		return err
	}
	path, err := filepath.Abs(*dir)
	if err != nil {
		return err
	}
	return daemon.Serve(ctx, path, build, slog.New(slog.NewJSONHandler(out, nil)))
}

// executable is the program for processes of their own.
func (s *site) executable() (string, error) {
	if s.Executable != "" {
		return filepath.Abs(s.Executable)
	}
	return os.Executable()
}

// buildOf tells one build of a program from another.
func buildOf(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(path + " " + info.ModTime().String()))
	return hex.EncodeToString(sum[:8]), nil
}

// ensureLocalCloud starts the local cloud when it is not running.
func (s *site) ensureLocalCloud(ctx context.Context) (daemon.Status, error) {
	client, err := daemon.NewClient(s.StateDir)
	if err != nil {
		return daemon.Status{}, err
	}
	program, err := s.executable()
	if err != nil {
		return daemon.Status{}, err
	}
	build, err := buildOf(program)
	if err != nil {
		return daemon.Status{}, err
	}
	if err := os.MkdirAll(s.StateDir, 0o700); err != nil {
		return daemon.Status{}, err
	}
	status, err := client.Ensure(ctx, build, program, localCloudVerb, "--state-dir", s.StateDir)
	if err != nil {
		return status, err
	}
	if err := client.AddPrograms(ctx, daemon.Programs{Images: images(program, s.project), Functions: s.project.Functions}); err != nil {
		return status, err
	}
	// After a restart what was deployed starts anew. What cannot start is the next update's to mend.
	if err := client.AwaitSettled(ctx, settleTimeout); err != nil {
		s.warn(err)
	}
	return status, nil
}

// images are the sample services beside the program, and what the stack's config maps.
func images(program string, project *engine.Project) map[string]supervisor.Image {
	table := map[string]supervisor.Image{}
	for _, service := range []string{"books", "authors"} {
		table["apigateway-ingress/"+service] = supervisor.Image{
			Command: []string{filepath.Join(filepath.Dir(program), service), "-addr", "${POD_IP}:${PORT}"},
		}
	}
	for repository, command := range project.Images {
		table[repository] = supervisor.Image{Command: command}
	}
	return table
}

// stopIdleCloud ends the local cloud when no stack has anything in it.
func (s *site) stopIdleCloud(ctx context.Context) error {
	if s.project.Target != engine.Local {
		return nil
	}
	client, err := daemon.NewClient(s.StateDir)
	if err != nil {
		return err
	}
	status, running, err := client.Status(ctx)
	if err != nil || !running || status.Objects > 0 {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return client.Stop(ctx)
}

// Environment is what the official pulumi CLI needs to work on a stack of the local target, whose cloud is started when it
// is not running. For a stack on AWS it is empty: pulumi needs nothing there.
func Environment(ctx context.Context, o Options) (map[string]string, error) {
	s, err := open(o)
	if err != nil || s.project.Target != engine.Local {
		return map[string]string{}, err
	}
	status, err := s.ensureLocalCloud(ctx)
	if err != nil {
		return nil, fail(Prerequisite, err)
	}
	if err := errors.Join(engine.CheckSalt(s.project, s.StateDir), engine.PrepareState(s.StateDir)); err != nil {
		return nil, fail(Prerequisite, err)
	}
	values := engine.LocalEnvironment(s.StateDir, status.Providers)
	// The official CLI fetches the language plugin for Go by itself.
	delete(values, "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION")
	return values, nil
}

package operation

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/automation/policypack"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/daemon"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/supervisor"
	"github.com/apigateway-ingress/apigateway-ingress/sample-services/httpservice"
	"github.com/apigateway-ingress/apigateway-ingress/sample-services/samples"
)

// settleTimeout is how long an operation waits for what an earlier one deployed.
const settleTimeout = 10 * time.Second

// localCloudVerb is the argument by which a program is told to serve a local cloud.
const localCloudVerb = "localcloud"

// sampleVerb is the argument by which a program is told to be a sample service, which is named next.
const sampleVerb = "sample"

// ServeHelper serves the local cloud or a sample service, or judges by the policies, when args, which are a process's with its
// program, ask for that; served is false for all others. What it has to say goes to out.
func ServeHelper(args []string, out io.Writer) (served bool, err error) {
	switch {
	case filepath.Base(args[0]) == policypack.PluginName:
		return true, policypack.Serve(out)
	case len(args) > 1 && args[1] == localCloudVerb:
		return true, serveLocalCloud(args[2:], out)
	case len(args) > 2 && args[1] == sampleVerb && samples.Services[args[2]] != nil:
		if code := httpservice.Main(args[2], args[3:], samples.Services[args[2]]); code != 0 {
			return true, fmt.Errorf("sample service %s ended with %d", args[2], code)
		}
		return true, nil
	}
	return false, nil
}

// serveLocalCloud takes the state directory and the build as which to serve it.
func serveLocalCloud(args []string, out io.Writer) error {
	if len(args) != 2 {
		return errors.New("localcloud: the arguments are a state directory and a build")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	closeInherited()
	return daemon.Serve(ctx, args[0], args[1], slog.New(slog.NewJSONHandler(out, nil)))
}

// executable is the program for processes of their own.
func (s *site) executable() (string, error) {
	if s.Executable != "" {
		return filepath.Abs(s.Executable)
	}
	return os.Executable()
}

// useLocalCloud starts the local cloud when it is not running. It runs at least until the use of it is released.
func (s *site) useLocalCloud(ctx context.Context) (*daemon.Use, error) {
	client, err := daemon.NewClient(s.StateDir)
	if err != nil {
		return nil, err
	}
	program, err := s.executable()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(s.StateDir, 0o700); err != nil {
		return nil, err
	}
	build, err := engine.BuildOf(program, s.StateDir)
	if err != nil {
		return nil, err
	}
	use, err := client.Use(ctx, daemon.Program{Command: []string{program, localCloudVerb, s.StateDir}, Build: build})
	if err != nil {
		return nil, err
	}
	if err := client.AddPrograms(ctx, daemon.Programs{Images: images(program, s.project), Functions: s.project.Functions}); err != nil {
		return nil, errors.Join(err, use.Release(ctx, false))
	}
	if wanted := simulated(s.project, s.Manifests); wanted.Cluster != "" {
		if err := client.Simulate(ctx, wanted); err != nil {
			return nil, errors.Join(err, use.Release(ctx, false))
		}
	}
	// After a restart what was deployed starts anew. What cannot start is the next update's to mend.
	if err := client.AwaitSettled(ctx, settleTimeout); err != nil {
		s.warn(err)
	}
	return use, nil
}

// images are the sample services, which the program serves itself, and what the stack's config maps.
func images(program string, project *engine.Project) map[string]supervisor.Image {
	table := map[string]supervisor.Image{}
	for name := range samples.Services {
		table["apigateway-ingress/"+name] = supervisor.Image{Command: []string{program, sampleVerb, name, "-addr", "${POD_IP}:${PORT}"}}
	}
	for repository, command := range project.Images {
		table[repository] = supervisor.Image{Command: within(project.Root, command), Path: os.Getenv("PATH"),
			Version: versionOf(programFiles(project.Root, command))}
	}
	return table
}

// programFiles are the files that a command names by their paths: a program, a script, its settings. What is found by PATH is
// the system's.
func programFiles(root string, command []string) []string {
	var paths []string
	for i, path := range within(root, command) {
		named := strings.ContainsRune(command[i], filepath.Separator) || path == filepath.Join(root, command[i])
		if info, err := os.Stat(path); named && err == nil && info.Mode().IsRegular() {
			paths = append(paths, path)
		}
	}
	return paths
}

// versionOf tells apart what files hold, by when they were written. It is empty for no files.
func versionOf(paths []string) string {
	if len(paths) == 0 {
		return ""
	}
	sum := sha256.New()
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil {
			fmt.Fprintln(sum, path, info.Size(), info.ModTime().UnixNano())
		}
	}
	return hex.EncodeToString(sum.Sum(nil))[:10]
}

// simulated is the cluster that a stack's config takes for existing, with the Services that its routes name. It is empty for a
// stack that makes its own, and for a config that is not valid, which is said elsewhere.
func simulated(project *engine.Project, manifests *ingress.Manifests) localcloud.Simulated {
	settings, err := readConfig(project, manifests)
	if err != nil || settings.ClusterName == "" {
		return localcloud.Simulated{}
	}
	table, err := settings.Routes()
	if err != nil {
		return localcloud.Simulated{}
	}
	wanted := localcloud.Simulated{Region: settings.Region, Cluster: settings.ClusterName,
		Namespaces: settings.Platform.ExistingNamespaces}
	made := map[string]bool{}
	for _, service := range settings.Platform.Services {
		made[cmp.Or(service.Namespace, "default")+"/"+service.Name] = service.Image != nil
	}
	// Backends are sorted, so that the ports of a Service follow each other.
	for _, backend := range table.Backends() {
		if backend.Missing || made[backend.Namespace+"/"+backend.Service] {
			continue
		}
		last := len(wanted.Services) - 1
		if last < 0 || wanted.Services[last].Namespace != backend.Namespace || wanted.Services[last].Name != backend.Service {
			wanted.Services = append(wanted.Services, localcloud.SimulatedService{Namespace: backend.Namespace, Name: backend.Service})
			last++
		}
		wanted.Services[last].Ports = append(wanted.Services[last].Ports, localcloud.SimulatedPort{Number: backend.Port})
	}
	return wanted
}

// within finds a command's program on the PATH of whoever runs this one, and files of the project that are among its
// arguments: the command runs elsewhere, in the folder of its pod.
func within(root string, command []string) []string {
	found := slices.Clone(command)
	for i, argument := range found {
		path := filepath.Join(root, argument)
		if _, err := os.Stat(path); err == nil && argument != "" && !filepath.IsAbs(argument) && !strings.HasPrefix(argument, "-") {
			found[i] = path
		} else if program, err := exec.LookPath(argument); i == 0 && err == nil {
			found[i] = program
		}
	}
	return found
}

// Environment is what the official pulumi CLI needs to work on a stack of the local target, whose cloud is started when it
// is not running. For a stack on AWS it is empty: pulumi needs nothing there.
func Environment(ctx context.Context, o Options) (map[string]string, error) {
	s, err := open(o)
	if err != nil || s.project.Target != engine.Local {
		return map[string]string{}, err
	}
	use, err := s.useLocalCloud(ctx)
	if err != nil {
		return nil, fail(Prerequisite, err)
	}
	// Whoever asks wants to use it next.
	if err := use.Release(ctx, true); err != nil {
		return nil, err
	}
	if err := errors.Join(engine.CheckSalt(s.project, s.StateDir), engine.PrepareState(s.StateDir)); err != nil {
		return nil, fail(Prerequisite, err)
	}
	values := engine.LocalEnvironment(s.StateDir, use.Status.Providers)
	// The official CLI fetches the language plugin for Go by itself.
	delete(values, "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION")
	return values, nil
}

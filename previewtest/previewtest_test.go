package previewtest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/stretchr/testify/require"
)

const (
	repository = ".."
	// The inner tests are those that the outer ones run, in a process of their own, on a project.
	innerVariable   = "PREVIEWTEST_INNER"
	projectVariable = "PREVIEWTEST_INNER_PROJECT"
)

// TestMain lets every test find the CLI that was built here, unless another is named.
func TestMain(m *testing.M) {
	if built, err := filepath.Abs(filepath.Join(repository, "bin", "pulumi")); err == nil && os.Getenv(engine.CLIVariable) == "" {
		if _, err := os.Stat(built); err == nil {
			_ = os.Setenv(engine.CLIVariable, built)
		}
	}
	os.Exit(m.Run())
}

// TestInner is how tests of users end.
func TestInner(t *testing.T) {
	kind := os.Getenv(innerVariable)
	if kind == "" {
		t.Skip("the other tests run it in a process of its own")
	}
	o := Options{Project: os.Getenv(projectVariable), Executable: os.Getenv("PREVIEWTEST_INNER_EXECUTABLE"), DestroyTime: 90 * time.Second}
	switch kind {
	case "parallel":
		for i := range 2 {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				use(t, Up(t, o))
			})
		}
	case "passing":
		use(t, Up(t, o))
	case "failing":
		use(t, Up(t, o))
		t.Error("this is the test's own failure")
	case "panicking":
		use(t, Up(t, o))
		panic("this is the test's own panic")
	case "waiting":
		use(t, Up(t, o))
		require.NoError(t, os.WriteFile(filepath.Join(o.Project, "waiting"), nil, 0o600))
		select {}
	}
}

func use(t *testing.T, s *Stack) {
	response, err := s.Client().Get(s.Endpoint + "/api/book/list")
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, string(body))
	unsigned, err := http.Get(s.Endpoint + "/api/book/list")
	require.NoError(t, err)
	require.NoError(t, unsigned.Body.Close())
	require.Equal(t, http.StatusForbidden, unsigned.StatusCode)
	require.NotEmpty(t, Output[string](t, s, "clientSecretAccessKey"))
}

// world is a project for inner tests.
type world struct {
	t    *testing.T
	root string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t, t.TempDir()}
	for _, name := range []string{"Pulumi.yaml", "Pulumi.local.yaml", "examples/bookstore/ingress.yaml"} {
		content, err := os.ReadFile(filepath.Join(repository, name))
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(w.root, name)), 0o750))
		require.NoError(t, os.WriteFile(filepath.Join(w.root, name), content, 0o600))
	}
	return w
}

// inner prepares an inner test. With own it needs no program but the test's own and the services.
func (w *world) inner(kind string, own bool, timeout time.Duration) (*exec.Cmd, *bytes.Buffer) {
	w.t.Helper()
	self, err := os.Executable()
	require.NoError(w.t, err)
	command := exec.Command(self, "-test.run=^TestInner$", "-test.v", "-test.timeout="+timeout.String())
	command.Env = append(os.Environ(), innerVariable+"="+kind, projectVariable+"="+w.root)
	bin, err := filepath.Abs(filepath.Join(repository, "bin"))
	require.NoError(w.t, err)
	if !own {
		command.Env = append(command.Env, "PREVIEWTEST_INNER_EXECUTABLE="+filepath.Join(bin, "apigw-ingress"))
	} else {
		path := filepath.Join(w.root, "Pulumi.local.yaml")
		content, err := os.ReadFile(path)
		require.NoError(w.t, err)
		images := map[string][]string{}
		for _, service := range []string{"books", "authors"} {
			images["apigateway-ingress/"+service] = []string{filepath.Join(bin, service), "-addr", "${POD_IP}:${PORT}"}
		}
		encoded, err := json.Marshal(images)
		require.NoError(w.t, err)
		text := strings.Replace(string(content), "config:\n", "config:\n  apigateway-ingress:localImages: "+string(encoded)+"\n", 1)
		require.NoError(w.t, os.WriteFile(path, []byte(text), 0o600))
	}
	out := &bytes.Buffer{}
	command.Stdout, command.Stderr = out, out
	return command, out
}

func (w *world) stacks() []string {
	w.t.Helper()
	found, err := filepath.Glob(filepath.Join(w.root, ".apigw-ingress", "backend", ".pulumi", "stacks", "*", "*.json"))
	require.NoError(w.t, err)
	return found
}

func (w *world) nothingLeft(log string) {
	w.t.Helper()
	require.Empty(w.t, w.stacks(), log)
	configs, err := filepath.Glob(filepath.Join(w.root, "Pulumi.*.yaml*"))
	require.NoError(w.t, err)
	require.Equal(w.t, []string{filepath.Join(w.root, "Pulumi.local.yaml")}, configs, log)
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	require.NoError(w.t, err)
	for _, link := range links {
		if cwd, err := os.Readlink(link); err == nil && strings.HasPrefix(cwd, w.root+"/") {
			w.t.Fatalf("%s works in the project: %s", link, log)
		}
	}
}

func (w *world) binary(args ...string) string {
	w.t.Helper()
	program, err := filepath.Abs(filepath.Join(repository, "bin", "apigw-ingress"))
	require.NoError(w.t, err)
	out, err := exec.Command(program, append([]string{"--project", w.root}, args...)...).CombinedOutput()
	require.NoError(w.t, err, string(out))
	return string(out)
}

// innerDeadline leaves time for the stack on a machine that is busy with other tests; only what hangs needs it all.
const innerDeadline = 5 * time.Minute

// However a test ends, its stack goes, and its log says what helps.
func TestStacksGo(t *testing.T) {
	for kind, c := range map[string]struct {
		passes, own bool
		timeout     time.Duration
		log         []string
	}{
		"passing":  {true, true, innerDeadline, []string{"is up after"}},
		"parallel": {true, false, innerDeadline, []string{"is up after"}},
		"failing": {false, false, innerDeadline, []string{"the test's own failure", "load balancer port 30080", "proxy pods", "its logs end with",
			"bookservice", `"status":"200"`}},
		"panicking": {false, false, innerDeadline, []string{"the test's own panic", "load balancer port 30080"}},
		"waiting":   {false, false, 3 * time.Minute, []string{"the test's deadline is near", "test timed out after 3m0s"}},
	} {
		t.Run(kind, func(t *testing.T) {
			w := newWorld(t)
			command, out := w.inner(kind, c.own, c.timeout)
			err := command.Run()
			require.Equal(t, c.passes, err == nil, out.String())
			for _, want := range c.log {
				require.Contains(t, out.String(), want)
			}
			w.nothingLeft(out.String())
		})
	}
}

// A signal takes the stacks down before the process ends of it.
func TestSignalTakesStacksDown(t *testing.T) {
	w := newWorld(t)
	command, out := w.inner("waiting", false, innerDeadline)
	require.NoError(t, command.Start())
	require.Eventually(t, func() bool { _, err := os.Stat(filepath.Join(w.root, "waiting")); return err == nil }, 2*time.Minute,
		10*time.Millisecond)
	require.NoError(t, command.Process.Signal(os.Interrupt))
	require.ErrorContains(t, command.Wait(), "interrupt")
	w.nothingLeft(out.String())
}

// What a killed process leaves, the next gc collects.
func TestKilledProcessIsCollected(t *testing.T) {
	w := newWorld(t)
	command, out := w.inner("waiting", false, innerDeadline)
	require.NoError(t, command.Start())
	require.Eventually(t, func() bool { _, err := os.Stat(filepath.Join(w.root, "waiting")); return err == nil }, 2*time.Minute,
		10*time.Millisecond)
	require.NoError(t, command.Process.Signal(syscall.SIGKILL))
	require.Error(t, command.Wait())
	require.Len(t, w.stacks(), 1)
	require.Contains(t, w.binary("gc"), "1 ephemeral stacks were over")
	w.nothingLeft(out.String())
}

// With PREVIEWTEST_KEEP=1 a failed test leaves its stack, and the log says how to look at it.
func TestKeep(t *testing.T) {
	w := newWorld(t)
	command, out := w.inner("failing", false, innerDeadline)
	command.Env = append(command.Env, KeepVariable+"=1")
	require.Error(t, command.Run())
	require.Contains(t, out.String(), "is kept: its config is ")
	require.Len(t, w.stacks(), 1)
	name := strings.TrimSuffix(filepath.Base(w.stacks()[0]), ".json")
	require.NoError(t, os.Rename(filepath.Join(w.root, "Pulumi."+name+".yaml.kept"), filepath.Join(w.root, "Pulumi."+name+".yaml")))
	require.Contains(t, w.binary("--stack", name, "call", "/api/book/list"), `"books"`)
	require.Contains(t, w.binary("gc", "--older-than", "1ns"), "1 ephemeral stacks were over")
	w.nothingLeft(out.String())
}

// The example is a module of its own, and needs nothing but what is on PATH. It runs in a copy, because others read the examples
// meanwhile.
func TestExample(t *testing.T) {
	whole, err := filepath.Abs(repository)
	require.NoError(t, err)
	w := &world{t, t.TempDir()}
	require.NoError(t, os.CopyFS(w.root, os.DirFS(filepath.Join(whole, "examples", "previewtest"))))
	for _, args := range [][]string{
		{"mod", "edit", "-replace", "github.com/apigateway-ingress/apigateway-ingress=" + whole}, {"test", "-count", "1", "./..."},
	} {
		command := exec.Command("go", args...)
		command.Dir = w.root
		command.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+string(os.PathListSeparator)+filepath.Join(whole, "bin"))
		out, err := command.CombinedOutput()
		require.NoError(t, err, string(out))
	}
	require.Empty(t, w.stacks())
}

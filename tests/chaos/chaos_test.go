// Package chaos kills processes at any moment and wants the next command to mend what they left.
package chaos

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
	"github.com/stretchr/testify/require"
)

const repository = "../.."

// pointsVariable is the number of kill points for each victim and operation. Without it the test is short.
const pointsVariable = "CHAOS_POINTS"

// The victims: the binary, the engine that it drives, and the local cloud.
var victims = []string{"binary", "engine", "cloud"}

// The operations in which they are killed, and about how long each takes.
var operations = []struct {
	name  string
	takes time.Duration
}{{"up", 3 * time.Second}, {"update", 2500 * time.Millisecond}, {"destroy", 1500 * time.Millisecond}}

// Whatever is killed and whenever, the next up finishes; nothing exists twice, and nothing is forgotten.
func TestRecovery(t *testing.T) {
	points, short := 10, os.Getenv(pointsVariable) == ""
	if !short {
		var err error
		points, err = strconv.Atoi(os.Getenv(pointsVariable))
		require.NoError(t, err)
	}
	for v, victim := range victims {
		for o, operation := range operations {
			for point := range points {
				// The short run takes each victim and each operation once, in the middle.
				if short && (o != v || point != points/2) {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/%d", victim, operation.name, point), func(t *testing.T) {
					w := newWorld(t)
					after := operation.takes * time.Duration(point+1) / time.Duration(points+1)
					w.killDuring(victim, operation.name, after)
					w.recovers()
				})
			}
		}
	}
}

type world struct {
	t            *testing.T
	root, binary string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, root: t.TempDir()}
	var err error
	w.binary, err = filepath.Abs(filepath.Join(repository, "bin", "apigw-ingress"))
	require.NoError(t, err)
	require.NoError(t, os.CopyFS(filepath.Join(w.root, "examples", "bookstore"), os.DirFS(filepath.Join(repository, "examples", "bookstore"))))
	for _, name := range []string{"Pulumi.yaml", "Pulumi.local.yaml"} {
		content, err := os.ReadFile(filepath.Join(repository, name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(w.root, name), content, 0o600))
	}
	t.Cleanup(func() {
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(w.state(), "logs", "cloud.log"))
			t.Logf("the local cloud's log:\n%s", log)
		}
		for _, pid := range processesIn(w.root) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	return w
}

func (w *world) state() string { return filepath.Join(w.root, ".apigw-ingress") }

func (w *world) command(args ...string) *exec.Cmd {
	command := exec.Command(w.binary, args...)
	command.Dir = w.root
	return command
}

// run wants a command to succeed.
func (w *world) run(args ...string) string {
	w.t.Helper()
	out, err := w.command(args...).CombinedOutput()
	require.NoError(w.t, err, "%v\n%s", args, out)
	return string(out)
}

// killDuring starts an operation and kills the victim after a while.
func (w *world) killDuring(victim, operation string, after time.Duration) {
	w.t.Helper()
	verb := "up"
	switch operation {
	case "update":
		w.run("up", "--json")
		w.addRoute()
	case "destroy":
		w.run("up", "--json")
		verb = "destroy"
	}
	command := w.command(verb, "--json")
	require.NoError(w.t, command.Start())
	time.Sleep(after)
	w.kill(victim, command.Process.Pid)
	// How it ends is as it may; it was killed.
	_ = command.Wait()
}

// addRoute changes definition, deployment, proxy and services.
func (w *world) addRoute() {
	w.t.Helper()
	path := filepath.Join(w.root, "examples/bookstore/ingress.yaml")
	content, err := os.ReadFile(path)
	require.NoError(w.t, err)
	changed := strings.Replace(string(content), "path: /api/author", "path: /api/v2/author", 1)
	require.NotEqual(w.t, changed, string(content))
	require.NoError(w.t, os.WriteFile(path, []byte(changed), 0o600))
}

func (w *world) kill(victim string, binary int) {
	w.t.Helper()
	for _, pid := range processesIn(w.root) {
		arguments, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err != nil {
			continue
		}
		line := strings.ReplaceAll(string(arguments), "\x00", " ")
		isCloud, isEngine := strings.Contains(line, " localcloud "), strings.Contains(line, "--non-interactive")
		if victim == "binary" && pid == binary || victim == "engine" && isEngine || victim == "cloud" && isCloud {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// processesIn are the processes that work in a folder.
func processesIn(dir string) []int {
	links, _ := filepath.Glob("/proc/[0-9]*/cwd")
	var pids []int
	for _, link := range links {
		cwd, err := os.Readlink(link)
		pid, numberErr := strconv.Atoi(strings.Split(link, "/")[2])
		if err == nil && numberErr == nil && (cwd == dir || strings.HasPrefix(cwd, dir+"/")) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// recovers: up finishes, state and cloud agree, requests are answered, and destroy leaves nothing.
func (w *world) recovers() {
	w.t.Helper()
	w.run("up", "--json")
	w.agree()
	require.Contains(w.t, w.run("call", "-i", "/api/book/list"), " 200 OK")
	w.run("preview", "--expect-no-changes")
	w.run("destroy", "--json")
	require.Eventually(w.t, func() bool { return len(processesIn(w.root)) == 0 }, time.Minute, 20*time.Millisecond, "no process is left")
	objects, err := store.Open(w.state())
	require.NoError(w.t, err)
	require.Empty(w.t, objects.Find(func(o *store.Object) bool { return o.URN != "" }), "nothing is forgotten")
	require.NoError(w.t, objects.Close())
}

// agree: every resource exists once, and nothing else does.
func (w *world) agree() {
	w.t.Helper()
	var exported struct{ Deployment engine.State }
	require.NoError(w.t, json.Unmarshal([]byte(w.run("export")), &exported))
	require.Empty(w.t, exported.Deployment.Pending)
	known := map[string]bool{}
	for _, r := range exported.Deployment.Resources {
		require.False(w.t, r.Delete, "%s waits for its deletion", r.URN)
		// A secret of the program's own and a wait are nowhere but in the state.
		if r.Custom && !strings.HasPrefix(r.Type, "pulumi:") && !strings.HasPrefix(r.Type, "time:") && !strings.HasPrefix(r.Type, "random:") {
			known[r.URN+" "+r.ID] = true
		}
	}
	require.NotEmpty(w.t, known)
	for key := range w.objects() {
		require.True(w.t, known[key] || strings.Contains(key, "apigateway/deployment:Deployment"), "%s is in no state", key)
		delete(known, key)
	}
	require.Empty(w.t, known, "not in the cloud")
}

// objects are those that a stack made, from a copy of the local cloud's journal.
func (w *world) objects() map[string]bool {
	w.t.Helper()
	content, err := os.ReadFile(filepath.Join(w.state(), "cloud.jsonl"))
	require.NoError(w.t, err)
	dir := w.t.TempDir()
	require.NoError(w.t, os.WriteFile(filepath.Join(dir, "cloud.jsonl"), content, 0o600))
	objects, err := store.Open(dir)
	require.NoError(w.t, err)
	defer objects.Close()
	found := map[string]bool{}
	for _, o := range objects.Find(func(o *store.Object) bool { return o.URN != "" }) {
		found[o.URN+" "+o.ID] = true
	}
	return found
}

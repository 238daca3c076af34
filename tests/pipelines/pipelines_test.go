// Package pipelines walks how the binary is ended, and where it runs, in pipelines.
package pipelines

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const repository = "../.."

// patience is how long a busy machine may take, and moment how long it takes to look again.
const (
	patience = 5 * time.Minute
	moment   = 2 * time.Millisecond
)

// everythingVariable asks for the whole matrix. Without it the tests take one moment and one signal of each kind.
const everythingVariable = "PIPELINES"

func everything() bool { return os.Getenv(everythingVariable) != "" }

// checkout is a copy of the project, as a runner has it.
type checkout struct {
	t            *testing.T
	root, binary string
}

func newCheckout(t *testing.T) *checkout {
	t.Helper()
	binary, err := filepath.Abs(filepath.Join(repository, "bin", "apigw-ingress"))
	require.NoError(t, err)
	require.FileExists(t, binary, "run `make build`")
	c := &checkout{t: t, root: t.TempDir(), binary: binary}
	require.NoError(t, os.CopyFS(filepath.Join(c.root, "examples", "bookstore"),
		os.DirFS(filepath.Join(repository, "examples", "bookstore"))))
	require.NoError(t, os.MkdirAll(filepath.Join(c.root, "stacks"), 0o750))
	for _, name := range []string{"Pulumi.yaml", "Pulumi.local.yaml"} {
		content, err := os.ReadFile(filepath.Join(repository, name))
		require.NoError(t, err)
		c.write(name, string(content))
	}
	t.Cleanup(func() {
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(c.root, ".apigw-ingress", "logs", "cloud.log"))
			t.Logf("the local cloud's log:\n%s", log)
		}
		for _, pid := range c.processes() {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	return c
}

func (c *checkout) write(name, text string) {
	c.t.Helper()
	require.NoError(c.t, os.WriteFile(filepath.Join(c.root, name), []byte(text), 0o600))
}

func (c *checkout) edit(name, old, new string) {
	c.t.Helper()
	content, err := os.ReadFile(filepath.Join(c.root, name))
	require.NoError(c.t, err)
	require.Contains(c.t, string(content), old)
	c.write(name, strings.ReplaceAll(string(content), old, new))
}

// command prepares a program in the checkout. The binary is called apigw-ingress on its PATH.
func (c *checkout) command(name string, args ...string) *exec.Cmd {
	command := exec.Command(name, args...)
	command.Dir = c.root
	command.Env = append(os.Environ(), "PATH="+filepath.Dir(c.binary)+string(os.PathListSeparator)+os.Getenv("PATH"))
	return command
}

type outcome struct {
	code        int
	out, errOut string
}

func finish(t *testing.T, command *exec.Cmd) outcome {
	t.Helper()
	var out, errOut bytes.Buffer
	command.Stdout, command.Stderr = &out, &errOut
	err := command.Run()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return outcome{command.ProcessState.ExitCode(), out.String(), errOut.String()}
}

func (c *checkout) run(args ...string) outcome {
	c.t.Helper()
	return finish(c.t, c.command(c.binary, args...))
}

// processes are those that work in the checkout.
func (c *checkout) processes() (pids []int) {
	links, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, link := range links {
		if cwd, err := os.Readlink(link); err == nil && (cwd == c.root || strings.HasPrefix(cwd, c.root+"/")) {
			pid, _ := strconv.Atoi(strings.Split(link, "/")[2])
			pids = append(pids, pid)
		}
	}
	return pids
}

// nothingLeft wants a collected checkout to have no stack, no config and no process of an ephemeral stack.
func (c *checkout) nothingLeft() {
	c.t.Helper()
	collected := c.run("gc", "--json")
	require.Zero(c.t, collected.code, collected.errOut)
	configs, err := filepath.Glob(filepath.Join(c.root, "Pulumi.*.yaml*"))
	require.NoError(c.t, err)
	require.Equal(c.t, []string{filepath.Join(c.root, "Pulumi.local.yaml")}, configs, collected.errOut)
	stacks, err := filepath.Glob(filepath.Join(c.root, ".apigw-ingress", "backend", ".pulumi", "stacks", "*", "*.json"))
	require.NoError(c.t, err)
	require.Empty(c.t, stacks, collected.errOut)
	require.Eventually(c.t, func() bool { return len(c.processes()) == 0 }, time.Minute, 20*time.Millisecond, "processes stay")
}

// ephemeralMoments are when an ephemeral stack is ended, each by what its output or its state says then.
var ephemeralMoments = []struct {
	name string
	// at says that the moment has come.
	at func(c *checkout, errOut string) bool
}{
	{"at the start", func(*checkout, string) bool { return true }},
	{"while up begins", func(c *checkout, _ string) bool { return c.exists(".apigw-ingress/cloud.jsonl") }},
	{"during up", func(_ *checkout, errOut string) bool { return strings.Contains(errOut, "RouteTable") }},
	{"late in up", func(_ *checkout, errOut string) bool { return strings.Contains(errOut, "deployment:Deployment") }},
	{"during the command", func(c *checkout, _ string) bool { return c.exists("command") }},
	{"during destroy", func(_ *checkout, errOut string) bool { return strings.Contains(errOut, "deleted ") }},
}

func (c *checkout) exists(name string) bool {
	_, err := os.Stat(filepath.Join(c.root, name))
	return err == nil
}

// Whatever ends `ephemeral` and whenever: the command hears of it, and the stack goes, at the latest with the next gc.
func TestEphemeralIsEnded(t *testing.T) {
	t.Parallel()
	signals := []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGKILL}
	for m, moment := range ephemeralMoments {
		for s, signal := range signals {
			if !everything() && (m+s)%len(signals) != 0 {
				continue
			}
			t.Run(moment.name+"/"+signal.String(), func(t *testing.T) {
				t.Parallel()
				c := newCheckout(t)
				c.write("stderr", "")
				log, err := os.OpenFile(filepath.Join(c.root, "stderr"), os.O_WRONLY, 0)
				require.NoError(t, err)
				defer log.Close()
				script := `trap 'echo heard >> heard; exit 1' INT TERM HUP; echo > command; i=0; while [ $i -lt 300 ]; do sleep 0.05; i=$((i+1)); done`
				if moment.name == "during destroy" {
					script = "true"
				}
				command := c.command(c.binary, "ephemeral", "--", "sh", "-c", script)
				command.Stderr = log
				require.NoError(t, command.Start())
				errOut := func() string {
					content, _ := os.ReadFile(filepath.Join(c.root, "stderr"))
					return string(content)
				}
				t.Cleanup(func() {
					if t.Failed() {
						t.Log(errOut())
					}
				})
				require.Eventually(t, func() bool { return moment.at(c, errOut()) }, 2*time.Minute, 2*time.Millisecond)
				require.NoError(t, command.Process.Signal(signal))
				_ = command.Wait()
				require.NotZero(t, command.ProcessState.ExitCode(), errOut())
				if moment.name == "during the command" && signal != syscall.SIGKILL {
					require.True(t, c.exists("heard"), "the command was told")
					require.Empty(t, c.processes(), "the stack is gone at once: %s", errOut())
				}
				c.nothingLeft()
			})
		}
	}
}

// GitHub ends a step with INT, 7.5 s later TERM, 2.5 s later KILL, sent to the step's shell alone:
// https://docs.github.com/actions/how-tos/manage-workflow-runs/cancel-a-workflow-run
func TestStepIsCancelledOnGitHub(t *testing.T) {
	t.Parallel()
	c := newCheckout(t)
	c.write("step.sh", "exec apigw-ingress ephemeral --ttl 2h -- sh -c 'echo > command; sleep 30'\n")
	step := c.command("bash", "-e", filepath.Join(c.root, "step.sh"))
	require.NoError(t, step.Start())
	require.Eventually(t, func() bool { return c.exists("command") }, 2*time.Minute, 10*time.Millisecond)
	ended := make(chan error, 1)
	go func() { ended <- step.Wait() }()
	for _, next := range []struct {
		signal syscall.Signal
		after  time.Duration
	}{{syscall.SIGINT, 7500 * time.Millisecond}, {syscall.SIGTERM, 2500 * time.Millisecond}, {syscall.SIGKILL, 0}} {
		_ = step.Process.Signal(next.signal)
		select {
		case err := <-ended:
			require.Error(t, err)
			require.NotEqual(t, syscall.SIGKILL, next.signal, "it was quicker than GitHub's patience")
			c.nothingLeft()
			return
		case <-time.After(next.after):
		}
	}
	<-ended
	c.nothingLeft()
}

// A stack on AWS never comes up on this machine because of what `env` has put into the shell.
func TestProductionRefusesTheLocalTarget(t *testing.T) {
	t.Parallel()
	c := newCheckout(t)
	c.edit("Pulumi.local.yaml", "target: local", "target: local")
	content, err := os.ReadFile(filepath.Join(c.root, "Pulumi.local.yaml"))
	require.NoError(t, err)
	c.write("Pulumi.production.yaml", strings.ReplaceAll(string(content), "target: local", "target: aws"))
	var environment map[string]string
	env := c.run("env", "--json")
	require.NoError(t, json.Unmarshal([]byte(env.out), &environment))
	for name, value := range environment {
		for _, verb := range []string{"up", "preview", "destroy --yes"} {
			if !everything() && verb != "up" {
				continue
			}
			command := c.command(c.binary, append([]string{"--stack", "production"}, strings.Fields(verb)...)...)
			command.Env = append(command.Env, name+"="+value, "PULUMI_BACKEND_URL="+environment["PULUMI_BACKEND_URL"])
			o := finish(t, command)
			require.Equal(t, 7, o.code, "%s with %s: %s%s", verb, name, o.out, o.errOut)
			require.Contains(t, o.errOut, "nothing was done")
		}
	}
	stacks, err := filepath.Glob(filepath.Join(c.root, ".apigw-ingress", "backend", ".pulumi", "stacks", "*", "*.json"))
	require.NoError(t, err)
	require.Empty(t, stacks)
}

// A local stack has one passphrase, whatever the environment says.
func TestLocalStackIgnoresTheEnvironment(t *testing.T) {
	t.Parallel()
	c := newCheckout(t)
	verbs := []string{"up", "call /api/book/list", "preview --expect-no-changes", "destroy"}
	for i, verb := range verbs {
		command := c.command(c.binary, strings.Fields(verb)...)
		for name, value := range map[string]string{
			"PULUMI_CONFIG_PASSPHRASE": []string{"",
				"another"}[i%2], "PULUMI_STACK": "local", "AWS_PROFILE": "missing", "AWS_REGION": "eu-central-1",
			"PULUMI_BACKEND_URL": "s3://nowhere", "PULUMI_ACCESS_TOKEN": "token", "PULUMI_DEBUG_PROVIDERS": "aws:1",
		} {
			command.Env = append(command.Env, name+"="+value)
		}
		o := finish(t, command)
		require.Zero(t, o.code, "%s: %s", verb, o.errOut)
	}
}

// What a caller left open is not held by the processes that stay.
func TestDescriptorsAreNotInherited(t *testing.T) {
	t.Parallel()
	c := newCheckout(t)
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	up := c.command("flock", filepath.Join(c.root, "lock"), c.binary, "up")
	up.ExtraFiles = []*os.File{writer}
	o := finish(t, up)
	require.Zero(t, o.code, o.errOut)
	require.NoError(t, writer.Close())
	require.NoError(t, reader.SetReadDeadline(time.Now().Add(10*time.Second)))
	_, err = reader.Read(make([]byte, 1))
	require.ErrorContains(t, err, "EOF")
	require.Zero(t, finish(t, c.command("flock", "--nonblock", filepath.Join(c.root, "lock"), "true")).code, "the lock is free")
	require.Zero(t, c.run("destroy").code)
}

// A reader that goes away stops nothing that has begun.
func TestClosedPipe(t *testing.T) {
	t.Parallel()
	c := newCheckout(t)
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, reader.Close())
	up := c.command(c.binary, "up", "--json")
	up.Stdout, up.Stderr = writer, nil
	require.NoError(t, up.Start())
	require.NoError(t, writer.Close())
	_ = up.Wait()
	require.Equal(t, 1, up.ProcessState.ExitCode(), "it did not print what it did")
	require.Zero(t, c.run("preview", "--expect-no-changes").code, "and did it")
	require.Zero(t, c.run("destroy").code)
}

// Any number of stacks at once in one checkout, each of them alone with its own.
func TestParallelEphemerals(t *testing.T) {
	t.Parallel()
	c := newCheckout(t)
	count := 3
	if everything() {
		count = 9
	}
	outcomes := make(chan outcome, count)
	for i := range count {
		go func() {
			outcomes <- finish(t, c.command(c.binary, "ephemeral", "--", "sh", "-c",
				fmt.Sprintf("apigw-ingress --stack $APIGW_STACK call /api/book/list > out%d", i)))
		}()
	}
	for range count {
		o := <-outcomes
		require.Zero(t, o.code, o.errOut)
	}
	c.nothingLeft()
}

// When another program has the endpoint's port, no verb takes it for the API.
func TestPortIsTaken(t *testing.T) {
	t.Parallel()
	c := newCheckout(t)
	up := c.run("up")
	require.Zero(t, up.code, up.errOut)
	endpoint, err := url.Parse(strings.TrimSpace(c.run("outputs", "apiEndpoint").out))
	require.NoError(t, err)
	var status struct{ LocalCloud struct{ PID int } }
	require.NoError(t, json.Unmarshal([]byte(c.run("status", "--json").out), &status))
	require.NoError(t, syscall.Kill(status.LocalCloud.PID, syscall.SIGKILL))
	var listener net.Listener
	require.Eventually(t, func() bool {
		listener, err = net.Listen("tcp", endpoint.Host)
		return err == nil
	}, time.Minute, 10*time.Millisecond)
	foreign := 0
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		foreign++
		fmt.Fprint(w, "welcome")
	})}
	go func() { _ = server.Serve(listener) }()
	for _, verb := range []string{"up", "status", "call /api/book/list"} {
		o := c.run(strings.Fields(verb)...)
		require.Equal(t, 8, o.code, "%s: %s%s", verb, o.out, o.errOut)
		require.Contains(t, o.out+o.errOut, endpoint.Host, verb)
	}
	require.Zero(t, foreign, "nothing signed was sent to it")
	require.NoError(t, server.Close())
	require.Eventually(t, func() bool { return c.run("status").code == 0 }, time.Minute, 100*time.Millisecond)
	require.Zero(t, c.run("call", "/api/book/list").code)
	require.Zero(t, c.run("destroy").code)
}

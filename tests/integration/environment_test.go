// Package integration runs the whole program with the real engine on the local target.
package integration

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/supervisor"
	"github.com/apigateway-ingress/apigateway-ingress/stacks/deploy"
	"github.com/apigateway-ingress/apigateway-ingress/tests/rawhttp"
	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// repository is the folder of the project, relative to this package.
const repository = "../.."

// services are what this test's program serves by a verb and its arguments.
var services = map[string]func(args []string) error{
	misbehave:    func(args []string) error { return serveMisbehavior(args[0]) },
	says:         func(args []string) error { return serveSaying(args[0], args[1]) },
	rawhttp.Verb: func(args []string) error { return rawhttp.Serve(args[0], rawAnswers) },
	twoPorts:     func(args []string) error { return serveTwoPorts(args[0], args[1]) },
}

// TestMain lets every test find the CLI that was built here, unless another is named.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && services[os.Args[1]] != nil {
		fmt.Fprintln(os.Stderr, services[os.Args[1]](os.Args[2:]))
		os.Exit(1)
	}
	built, err := filepath.Abs(filepath.Join(repository, "bin", "pulumi"))
	if err == nil && os.Getenv(engine.CLIVariable) == "" {
		if _, err = os.Stat(built); err == nil {
			err = os.Setenv(engine.CLIVariable, built)
		} else if errors.Is(err, os.ErrNotExist) {
			// Then the one on PATH is new enough.
			err = nil
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// environment is a project, a stack in it, and a local cloud within this process.
type environment struct {
	t       *testing.T
	root    string
	state   string
	latency float64
	// stack is local when it is empty.
	stack   string
	cloud   *localcloud.Cloud
	session *engine.Session
	// known are the outputs, once somebody asked for them.
	known auto.OutputMap
}

// newEnvironment copies the project, so that a test can change it, and starts a local cloud.
// wrap may change the program; nil leaves it as it is.
func newEnvironment(t *testing.T, wrap func(pulumi.RunFunc) pulumi.RunFunc) *environment {
	t.Helper()
	return newSlowEnvironment(t, 0, wrap)
}

// newSlowEnvironment takes a part of the time that AWS needs.
func newSlowEnvironment(t *testing.T, latency float64, wrap func(pulumi.RunFunc) pulumi.RunFunc) *environment {
	t.Helper()
	e := &environment{latency: latency, t: t, root: t.TempDir(), state: t.TempDir()}
	require.NoError(t, os.CopyFS(filepath.Join(e.root, "examples"), os.DirFS(filepath.Join(repository, "examples"))))
	for _, name := range []string{"Pulumi.yaml", "Pulumi.local.yaml"} {
		content, err := os.ReadFile(filepath.Join(repository, name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(e.root, name), content, 0o600))
	}
	e.startCloud()
	t.Cleanup(func() { require.NoError(t, e.cloud.Close()) })
	e.open(wrap)
	return e
}

func bin(t testing.TB, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(repository, "bin", name))
	require.NoError(t, err)
	require.FileExists(t, path, "run `make build bin/stacks`")
	return path
}

func (e *environment) startCloud() {
	e.t.Helper()
	var err error
	e.cloud, err = localcloud.Open(localcloud.Options{Dir: e.state, LatencyScale: e.latency, Log: slog.New(slog.DiscardHandler)})
	require.NoError(e.t, err)
	images := map[string]supervisor.Image{}
	for _, service := range []string{"books", "authors"} {
		images["apigateway-ingress/"+service] = supervisor.Image{Command: []string{bin(e.t, service), "-addr", "${POD_IP}:${PORT}"}}
	}
	require.NoError(e.t, e.cloud.AddImages(images))
}

func (e *environment) open(wrap func(pulumi.RunFunc) pulumi.RunFunc) {
	e.t.Helper()
	project, err := engine.OpenProject(e.root, cmp.Or(e.stack, "local"))
	require.NoError(e.t, err)
	program := deploy.In(e.root)
	if wrap != nil {
		program = wrap(program)
	}
	e.session, err = engine.Open(context.Background(), project, e.state, e.cloud.ProviderPorts(), true, program)
	require.NoError(e.t, err)
}

func (e *environment) up(options ...optup.Option) map[string]int {
	e.t.Helper()
	stream := make(chan events.EngineEvent, 100)
	changes := map[string]int{}
	var following sync.WaitGroup
	following.Go(func() {
		for event := range stream {
			if event.SummaryEvent != nil {
				for op, n := range event.SummaryEvent.ResourceChanges {
					changes[string(op)] = n
				}
			}
		}
	})
	_, err := e.session.Updates.Up(context.Background(), append(options, optup.EventStreams(stream))...)
	require.NoError(e.t, err)
	// The engine closes it.
	following.Wait()
	e.known = nil
	return changes
}

func (e *environment) expectNoChanges() {
	e.t.Helper()
	_, err := e.session.Stack.Preview(context.Background(), optpreview.ExpectNoChanges())
	require.NoError(e.t, err)
}

func (e *environment) destroy() {
	e.t.Helper()
	_, err := e.session.Updates.Destroy(context.Background(), optdestroy.SuppressProgress())
	require.NoError(e.t, err)
	require.Zero(e.t, e.cloud.Objects(), "destroy leaves nothing")
	require.Eventually(e.t, func() bool { return len(e.cloud.Pods()) == 0 }, time.Minute, 10*time.Millisecond, "no pod stays")
}

func (e *environment) outputs() auto.OutputMap {
	e.t.Helper()
	if e.known == nil {
		var err error
		e.known, err = e.session.Outputs(context.Background())
		require.NoError(e.t, err)
	}
	return e.known
}

func (e *environment) output(name string) string {
	value, _ := e.outputs()[name].Value.(string)
	return value
}

// setConfig changes the stack's config; nil takes a key out.
func (e *environment) setConfig(key string, value any) {
	e.t.Helper()
	path := filepath.Join(e.root, "Pulumi.local.yaml")
	content, err := os.ReadFile(path)
	require.NoError(e.t, err)
	var settings map[string]map[string]any
	require.NoError(e.t, yaml.Unmarshal(content, &settings))
	settings["config"]["apigateway-ingress:"+key] = value
	if value == nil {
		delete(settings["config"], "apigateway-ingress:"+key)
	}
	content, err = yaml.Marshal(settings)
	require.NoError(e.t, err)
	require.NoError(e.t, os.WriteFile(path, content, 0o600))
	e.open(nil)
}

// editManifest replaces text in the Ingress.
func (e *environment) editManifest(old, new string) {
	e.t.Helper()
	path := filepath.Join(e.root, "examples/bookstore/ingress.yaml")
	content, err := os.ReadFile(path)
	require.NoError(e.t, err)
	require.Contains(e.t, string(content), old)
	require.NoError(e.t, os.WriteFile(path, []byte(strings.ReplaceAll(string(content), old, new)), 0o600))
}

// expectPodRole wants the platform's service account, and no other, to get the role.
func (e *environment) expectPodRole() {
	e.t.Helper()
	cluster, role := e.output("clusterName"), e.output("podRoleArn")
	require.NoError(e.t, e.cloud.CanAssume(cluster, "apigw-ingress", "apigw-ingress", role))
	require.Error(e.t, e.cloud.CanAssume(cluster, "default", "bookservice", role))
	for _, r := range e.cloud.PodRoles() {
		require.Empty(e.t, r.Refused)
	}
}

// said is what an answer says, apart from its headers.
type said struct {
	status int
	body   string
	reason string
}

type answer struct {
	said
	header http.Header
}

// call sends a request with the stack's key, or another one.
func (e *environment) call(path string, credentials *aws.Credentials) answer {
	e.t.Helper()
	return e.request(http.MethodGet, e.output("apiEndpoint")+path, "", nil, credentials)
}

// send is a request below the stage, signed with the stack's key or not at all.
func (e *environment) send(method, path, body string, headers map[string]string, signed bool) answer {
	e.t.Helper()
	return e.sendTo(method, e.output("apiEndpoint")+path, body, headers, signed)
}

func (e *environment) sendTo(method, url, body string, headers map[string]string, signed bool) answer {
	e.t.Helper()
	var credentials *aws.Credentials
	if signed {
		credentials = e.key()
	}
	return e.request(method, url, body, headers, credentials)
}

func (e *environment) request(method, url, body string, headers map[string]string, credentials *aws.Credentials) answer {
	e.t.Helper()
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	require.NoError(e.t, err)
	for name, value := range headers {
		if name == "Host" {
			request.Host = value
			continue
		}
		request.Header.Set(name, value)
	}
	if credentials != nil {
		e.sign(request, body, *credentials)
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(e.t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	require.NoError(e.t, err)
	return answer{said{response.StatusCode, string(content), response.Header.Get("X-Local-Target-Reason")}, response.Header}
}

func (e *environment) sign(request *http.Request, body string, credentials aws.Credentials) {
	e.t.Helper()
	sum := sha256.Sum256([]byte(body))
	require.NoError(e.t, v4.NewSigner().SignHTTP(context.Background(), credentials, request, hex.EncodeToString(sum[:]), "execute-api",
		e.output("region"), time.Now()))
}

func (e *environment) key() *aws.Credentials {
	return &aws.Credentials{AccessKeyID: e.output("clientAccessKeyId"), SecretAccessKey: e.output("clientSecretAccessKey")}
}

func (e *environment) get(path string) answer {
	e.t.Helper()
	return e.call(path, e.key())
}

func decode(t *testing.T, text string) map[string]any {
	t.Helper()
	var value map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &value), text)
	return value
}

const (
	settleTime = 20 * time.Second
	pollTime   = 20 * time.Millisecond
)

func jsonText(value any) (string, error) {
	encoded, err := json.Marshal(value)
	return string(encoded), err
}

package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// binary is the apigw-ingress program on a copy of the project.
type binary struct {
	t    testing.TB
	root string
}

func newBinary(t testing.TB) *binary {
	t.Helper()
	b := &binary{t, t.TempDir()}
	for _, name := range []string{"Pulumi.yaml", "Pulumi.local.yaml", "examples/bookstore/ingress.yaml"} {
		content, err := os.ReadFile(filepath.Join(repository, name))
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(b.root, name)), 0o750))
		require.NoError(t, os.WriteFile(filepath.Join(b.root, name), content, 0o600))
	}
	t.Cleanup(func() { b.run("destroy") })
	return b
}

type outcome struct {
	code        int
	out, errOut string
}

func (b *binary) run(args ...string) outcome {
	b.t.Helper()
	command := exec.Command(bin(b.t, "apigw-ingress"), args...)
	command.Dir = b.root
	// What a shell is set up for must not matter to a local stack.
	command.Env = append(os.Environ(), "PULUMI_DIY_BACKEND_GZIP=true")
	var out, errOut bytes.Buffer
	command.Stdout, command.Stderr = &out, &errOut
	err := command.Run()
	code := command.ProcessState.ExitCode()
	require.True(b.t, err == nil || code > 0, "%v", err)
	return outcome{code, out.String(), errOut.String()}
}

func (b *binary) json(into any, args ...string) {
	b.t.Helper()
	o := b.run(append(args, "--json")...)
	require.Zero(b.t, o.code, o.errOut)
	// An operation's events come before its result.
	decoder := json.NewDecoder(strings.NewReader(o.out))
	var last json.RawMessage
	for decoder.More() {
		require.NoError(b.t, decoder.Decode(&last), "JSON and nothing else: %s", o.out)
	}
	require.NoError(b.t, json.Unmarshal(last, into), string(last))
}

func (b *binary) edit(name, old, new string) {
	b.t.Helper()
	path := filepath.Join(b.root, name)
	content, err := os.ReadFile(path)
	require.NoError(b.t, err)
	require.Contains(b.t, string(content), old)
	require.NoError(b.t, os.WriteFile(path, []byte(strings.Replace(string(content), old, new, 1)), 0o600))
}

// copyFile copies a file with some text replaced.
func copyFile(t testing.TB, from, to, old, new string) {
	t.Helper()
	content, err := os.ReadFile(from)
	require.NoError(t, err)
	require.Contains(t, string(content), old)
	require.NoError(t, os.WriteFile(to, []byte(strings.Replace(string(content), old, new, 1)), 0o600))
}

type update struct {
	Changes map[string]int
	Outputs map[string]any
}

func TestBinary(t *testing.T) {
	t.Parallel()
	b := newBinary(t)
	var first, second update
	b.json(&first, "up")
	require.Positive(t, first.Changes["create"])
	require.Equal(t, "[secret]", first.Outputs["clientSecretAccessKey"])
	b.json(&second, "up")
	require.Equal(t, map[string]int{"same": first.Changes["create"]}, second.Changes, "twice is a no-op")
	require.Zero(t, b.run("preview", "--expect-no-changes").code)
	expectTriesWork(t, b, b.run("up").out)
	t.Run("looking", func(t *testing.T) { testLooking(t, b) })
	t.Run("plan", func(t *testing.T) { testPlan(t, b) })
	t.Run("weaker access", func(t *testing.T) { testWeakerAccess(t, b) })
	t.Run("no secret is shown", func(t *testing.T) { testSecretsAreHidden(t, b) })
	t.Run("pulumi", func(t *testing.T) { testPlainPulumi(t, b) })

	t.Run("call", func(t *testing.T) {
		list := b.run("call", "/api/book/list")
		require.Zero(t, list.code, list.errOut)
		require.Len(t, decode(t, list.out)["books"], 10)
		unsigned := b.run("call", "-i", "--unsigned", "/api/book/list")
		require.Equal(t, 8, unsigned.code)
		require.Contains(t, unsigned.out, "403 Forbidden")
		require.Contains(t, unsigned.out, `{"message":"Missing Authentication Token"}`)
		require.Contains(t, unsigned.errOut, "403 Forbidden, MissingAuthenticationTokenException: Missing Authentication Token")
		require.Regexp(t, "request [0-9a-f-]{36}: `.*explain", unsigned.errOut)
		var document struct {
			Status  int
			Headers map[string][]string
			Body    struct{ Books []any }
		}
		b.json(&document, "call", "/api/book/list")
		require.Equal(t, 200, document.Status)
		require.Equal(t, []string{"application/json"}, document.Headers["Content-Type"])
		require.Len(t, document.Body.Books, 10)
		require.Contains(t, b.run("call", "-X", "POST", "-d", "x", "/api/book/list").out, "method POST is not allowed here")
	})
	t.Run("logs", func(t *testing.T) { testLogs(t, b) })
	t.Run("followed logs", func(t *testing.T) { testFollowedLogs(t, b) })
	t.Run("outputs", func(t *testing.T) { testOutputs(t, b) })
	t.Run("curl", func(t *testing.T) { testCurl(t, b) })
	t.Run("README", func(t *testing.T) { testREADME(t, b) })
	t.Run("tutorial", func(t *testing.T) { testTutorialBookstore(t, b) })
	t.Run("guides", func(t *testing.T) { testGuides(t, b) })
	t.Run("kill -9 of the local cloud", func(t *testing.T) {
		var status struct{ LocalCloud struct{ PID int } }
		b.json(&status, "status")
		require.NoError(t, syscall.Kill(status.LocalCloud.PID, syscall.SIGKILL))
		require.Equal(t, 8, b.run("call", "/api/book/list").code)
		var third update
		b.json(&third, "up")
		require.Equal(t, second.Changes, third.Changes)
		require.Zero(t, b.run("call", "/api/book/list").code, "it serves again")
	})
	t.Run("export", func(t *testing.T) {
		var deployment struct {
			Version    int
			Deployment struct{ Resources []map[string]any }
		}
		b.json(&deployment, "export")
		require.Contains(t, []int{3, 4}, deployment.Version, "the fourth version is for states with resource hooks")
		require.Greater(t, len(deployment.Deployment.Resources), first.Changes["create"])
	})
	t.Run("destroy", func(t *testing.T) {
		var gone update
		b.json(&gone, "destroy")
		require.Equal(t, map[string]int{"delete": first.Changes["create"]}, gone.Changes)
		// The local cloud gives its lock back before its process is gone.
		require.Eventually(t, func() bool { return len(processesUnder(t, b.root)) == 0 }, settleTime, pollTime, "no process stays")
		var status struct{ LocalCloud any }
		b.json(&status, "status")
		require.Nil(t, status.LocalCloud)
	})
}

func testOutputs(t *testing.T, b *binary) {
	var hidden, shown map[string]any
	b.json(&hidden, "outputs")
	for _, name := range []string{"apiEndpoint", "region", "restApiId", "stageName", "vpcLinkId", "nlbDnsName", "clusterName",
		"podRoleArn", "clientAccessKeyId"} {
		require.NotEmpty(t, hidden[name], name)
	}
	require.Equal(t, "[secret]", hidden["clientSecretAccessKey"])
	b.json(&shown, "outputs", "--show-secrets")
	secret := shown["clientSecretAccessKey"].(string)
	require.Len(t, secret, 40)
	require.Equal(t, hidden["apiEndpoint"].(string)+"\n", b.run("outputs", "apiEndpoint").out)
	require.Equal(t, 2, b.run("outputs", "nothing").code)
	for _, args := range [][]string{{"outputs"}, {"up"}, {"status"}, {"export"}, {"preview"}} {
		o := b.run(args...)
		require.NotContains(t, o.out+o.errOut, secret, args)
	}
}

func testCurl(t *testing.T, b *binary) {
	curl, err := exec.LookPath("curl")
	require.NoError(t, err)
	var outputs map[string]any
	b.json(&outputs, "outputs", "--show-secrets")
	output, err := exec.Command(curl, "-s", "-w", "%{http_code}", "--aws-sigv4", "aws:amz:us-east-1:execute-api",
		"--user", fmt.Sprintf("%s:%s", outputs["clientAccessKeyId"], outputs["clientSecretAccessKey"]),
		fmt.Sprintf("%s/api/author/David-K-Rensin?x=1", outputs["apiEndpoint"])).Output()
	require.NoError(t, err)
	require.Contains(t, string(output), "David K. Rensin")
	require.True(t, strings.HasSuffix(string(output), "200"))
}

// processesUnder finds processes that work in a folder.
func processesUnder(t *testing.T, dir string) []string {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	require.NoError(t, err)
	var found []string
	for _, link := range links {
		if cwd, err := os.Readlink(link); err == nil && strings.HasPrefix(cwd, dir+"/") {
			found = append(found, link)
		}
	}
	return found
}

// Bad input is told before anything starts, with the exit code for usage, and changes nothing.
func TestBinaryRefusesBadInput(t *testing.T) {
	t.Parallel()
	const manifest, config = "examples/bookstore/ingress.yaml", "Pulumi.local.yaml"
	for name, c := range map[string]struct {
		file, old, new string
		want           []string
	}{
		"not an Ingress": {manifest, "kind: Ingress", "kind: Gateway",
			[]string{"there is no Ingress of class", "passed over, because they are no routes: 1 Gateway"}},
		"unknown service": {manifest, "serviceName: bookservice", "serviceName: shop",
			[]string{`rule 1 path 1 "/api/book": service default/shop is not declared`}},
		"named port":         {manifest, "servicePort: 80", "servicePort: grpc", []string{`has no port named "grpc"`}},
		"duplicate path":     {manifest, "path: /api/author", "path: /api/book", []string{"duplicate path"}},
		"client ARN":         {manifest, "arn:aws:iam::111122223333:user/bookstore-client", `""`, []string{"a client ARN is empty"}},
		"stage name":         {manifest, "stage-name: prod", "stage-name: a-b", []string{`stage name "a-b" is not valid`}},
		"unknown annotation": {manifest, "stage-name:", "stagename:", []string{"did you mean apigateway.ingress.kubernetes.io/stage-name?"}},
		"unknown target":     {config, "target: local", "target: azure", []string{`config target: "azure" is not known: write aws or local`}},
		"unknown config":     {config, "clientUser:", "clientUsr:", []string{"config clientUsr is not known: did you mean clientUser?"}},
		"wrong type":         {config, "clientUser: true", "nodeCount: three", []string{"nodeCount", "integer"}},
		"replicas": {config, "port: 80", "port: 80\n      replicas: many",
			[]string{`services[0].replicas: "many" is not a whole number`}},
		"two problems": {manifest, "stage-name: prod", "stage-name: a-b\n    apigateway.ingress.kubernetes.io/nginx-replicas: x",
			[]string{"stage name", "nginx-replicas"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBinary(t)
			b.edit(c.file, c.old, c.new)
			o := b.run("up")
			require.Equal(t, 2, o.code, o.out+o.errOut)
			for _, want := range c.want {
				require.Contains(t, o.errOut, want)
			}
			require.NoDirExists(t, filepath.Join(b.root, ".apigw-ingress"), "nothing was started")
		})
	}
	b := newBinary(t)
	require.NoError(t, os.Remove(filepath.Join(b.root, manifest)))
	o := b.run("up")
	require.Equal(t, 2, o.code)
	require.Contains(t, o.errOut, "no such file")
}

func TestBinaryUsage(t *testing.T) {
	t.Parallel()
	b := newBinary(t)
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"upp"}, 2, `unknown command "upp"`},
		{[]string{"up", "--colour"}, 2, "unknown flag: --colour"},
		{[]string{"up", "now"}, 2, `unknown command "now"`},
		{[]string{"call"}, 2, "accepts 1 arg"},
		{[]string{"call", "api"}, 2, "does not start with /"},
		{[]string{"--stack", "dev", "up"}, 2, "Pulumi.dev.yaml"},
		{[]string{"outputs"}, 2, "run `apigw-ingress up --stack local`"},
		{[]string{"destroy"}, 0, ""},
		{[]string{"status"}, 0, ""},
		{[]string{"version"}, 0, ""},
	} {
		o := b.run(c.args...)
		require.Equal(t, c.code, o.code, "%v: %s", c.args, o.errOut)
		require.Contains(t, o.errOut, c.want)
	}
	require.Empty(t, processesUnder(t, b.root))
}

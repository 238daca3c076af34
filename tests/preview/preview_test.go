// Package preview runs one suite of requests against preview stacks: always on the local target, and in AWS when
// that is wanted.
package preview

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/require"
)

const (
	repository = "../.."
	// stackVariable names the stack whose config a preview stack in AWS gets. Setting it is the wish to pay for it.
	stackVariable    = "APIGW_INGRESS_PREVIEW_STACK"
	endpointVariable = "APIGW_API_ENDPOINT"
)

func TestOnLocalTarget(t *testing.T) { runSuite(t, "local", t.TempDir()) }

func TestInAWS(t *testing.T) {
	stack := os.Getenv(stackVariable)
	if stack == "" {
		t.Skipf("a stack in AWS costs money and half an hour: name one with AWS credentials and %s", stackVariable)
	}
	runSuite(t, stack, "")
}

// runSuite lets the binary bring up a stack and call this program again, for TestSuite.
func runSuite(t *testing.T, stack, stateDir string) {
	binary, err := filepath.Abs(filepath.Join(repository, "bin", "apigw-ingress"))
	require.NoError(t, err)
	self, err := filepath.Abs(os.Args[0])
	require.NoError(t, err)
	project := projectCopy(t, stack)
	args := []string{"--project", project, "--stack", stack}
	if stateDir != "" {
		args = append(args, "--state-dir", stateDir)
	}
	out, err := exec.Command(binary, append(args, "ephemeral", "--", self, "-test.run", "^TestSuite$", "-test.v")...).CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "--- PASS: TestSuite")
}

// projectCopy keeps the stack's config file out of the working tree.
func projectCopy(t *testing.T, stack string) string {
	t.Helper()
	root := t.TempDir()
	// Pulumi.yaml names the folder of the program.
	require.NoError(t, os.Mkdir(filepath.Join(root, "stacks"), 0o750))
	require.NoError(t, os.CopyFS(filepath.Join(root, "examples"), os.DirFS(filepath.Join(repository, "examples"))))
	for _, name := range []string{"Pulumi.yaml", "Pulumi." + stack + ".yaml"} {
		content, err := os.ReadFile(filepath.Join(repository, name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(root, name), content, 0o600))
	}
	return root
}

// TestSuite is what every target must pass. It finds the stack in its environment.
func TestSuite(t *testing.T) {
	if os.Getenv(endpointVariable) == "" {
		t.Skip("the stack's outputs are not in the environment: `apigw-ingress ephemeral` sets them")
	}
	t.Run("signed", func(t *testing.T) {
		status, body := call(t, http.MethodGet, "/api/book/list", true)
		require.Equal(t, http.StatusOK, status, body)
		var list struct{ Books []map[string]any }
		require.NoError(t, json.Unmarshal([]byte(body), &list))
		require.NotEmpty(t, list.Books)
		status, body = call(t, http.MethodGet, "/api/author/list", true)
		require.Equal(t, http.StatusOK, status, body)
	})
	t.Run("unsigned", func(t *testing.T) {
		status, body := call(t, http.MethodGet, "/api/book/list", false)
		require.Equal(t, http.StatusForbidden, status)
		require.JSONEq(t, `{"message":"Missing Authentication Token"}`, body)
	})
	t.Run("no route", func(t *testing.T) {
		for _, path := range []string{"/", "/api", "/api/bookstore", "/healthz"} {
			status, _ := call(t, http.MethodGet, path, true)
			require.Equal(t, http.StatusForbidden, status, path)
		}
	})
	t.Run("the service's own answer", func(t *testing.T) {
		status, _ := call(t, http.MethodGet, "/api/book/1", true)
		require.Equal(t, http.StatusNotFound, status)
		status, _ = call(t, http.MethodPost, "/api/book/list", true)
		require.Equal(t, http.StatusMethodNotAllowed, status)
	})
}

// patience is how long a new access key may be unknown in AWS, and a target not yet healthy.
const patience = 3 * time.Minute

// call sends a request, again while AWS has not heard of the new key everywhere.
func call(t *testing.T, method, path string, signed bool) (int, string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Second) {
		status, body, kind := try(t, method, path, signed)
		settling := kind == "UnrecognizedClientException" || status >= http.StatusInternalServerError
		if !settling || time.Now().After(deadline) {
			return status, body
		}
	}
}

func try(t *testing.T, method, path string, signed bool) (status int, body, errorType string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, os.Getenv(endpointVariable)+path, nil)
	require.NoError(t, err)
	if signed {
		sum := sha256.Sum256(nil)
		credentials := aws.Credentials{AccessKeyID: os.Getenv("APIGW_CLIENT_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("APIGW_CLIENT_SECRET_ACCESS_KEY")}
		require.NoError(t, v4.NewSigner().SignHTTP(context.Background(), credentials, request, hex.EncodeToString(sum[:]), "execute-api", os.Getenv("APIGW_REGION"), time.Now()))
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(content), response.Header.Get("X-Amzn-Errortype")
}

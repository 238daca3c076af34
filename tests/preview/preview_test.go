// Package preview runs one suite of requests against preview stacks: always on the local target, and in AWS when
// that is wanted.
package preview

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/previewtest"
	"github.com/stretchr/testify/require"
)

const (
	repository = "../.."
	// stackVariable names the stack whose config a preview stack in AWS gets. Setting it is the wish to pay for it.
	stackVariable = "APIGW_INGRESS_PREVIEW_STACK"
)

func TestOnLocalTarget(t *testing.T) {
	if cli := built(t, "pulumi"); os.Getenv(engine.CLIVariable) == "" {
		if _, err := os.Stat(cli); err == nil {
			t.Setenv(engine.CLIVariable, cli)
		}
	}
	suite(t, previewtest.Up(t, previewtest.Options{Project: projectCopy(t, "local"), Executable: built(t, "apigw-ingress")}))
}

func TestInAWS(t *testing.T) {
	stack := os.Getenv(stackVariable)
	if stack == "" {
		t.Skipf("a stack in AWS costs money and half an hour: name one with AWS credentials and %s", stackVariable)
	}
	suite(t, previewtest.Up(t, previewtest.Options{Project: projectCopy(t, stack), From: stack, DestroyTime: 20 * time.Minute}))
}

func built(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(repository, "bin", name))
	require.NoError(t, err)
	return path
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

// suite is what every target must pass.
func suite(t *testing.T, stack *previewtest.Stack) {
	signed, unsigned := stack.Client(), http.DefaultClient
	call := func(t *testing.T, client *http.Client, method, path string) (int, string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, stack.Endpoint+path, nil)
		require.NoError(t, err)
		return settled(t, client, request)
	}
	t.Run("signed", func(t *testing.T) {
		status, body := call(t, signed, http.MethodGet, "/api/book/list")
		require.Equal(t, http.StatusOK, status, body)
		var list struct{ Books []map[string]any }
		require.NoError(t, json.Unmarshal([]byte(body), &list))
		require.NotEmpty(t, list.Books)
		status, body = call(t, signed, http.MethodGet, "/api/author/list")
		require.Equal(t, http.StatusOK, status, body)
	})
	t.Run("unsigned", func(t *testing.T) {
		status, body := call(t, unsigned, http.MethodGet, "/api/book/list")
		require.Equal(t, http.StatusForbidden, status)
		require.JSONEq(t, `{"message":"Missing Authentication Token"}`, body)
	})
	t.Run("no route", func(t *testing.T) {
		for _, path := range []string{"/", "/api", "/api/bookstore", "/healthz"} {
			status, _ := call(t, signed, http.MethodGet, path)
			require.Equal(t, http.StatusForbidden, status, path)
		}
	})
	t.Run("the service's own answer", func(t *testing.T) {
		status, _ := call(t, signed, http.MethodGet, "/api/book/1")
		require.Equal(t, http.StatusNotFound, status)
		status, _ = call(t, signed, http.MethodPost, "/api/book/list")
		require.Equal(t, http.StatusMethodNotAllowed, status)
	})
}

// patience is how long a new access key may be unknown in AWS, and a target not yet healthy.
const patience = 3 * time.Minute

// settled sends a request, again while AWS has not heard of the new key everywhere.
func settled(t *testing.T, client *http.Client, request *http.Request) (status int, body string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Second) {
		response, err := client.Do(request)
		require.NoError(t, err)
		content, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		settling := response.Header.Get("X-Amzn-Errortype") == "UnrecognizedClientException" ||
			response.StatusCode >= http.StatusInternalServerError
		if !settling || time.Now().After(deadline) {
			return response.StatusCode, string(content)
		}
	}
}

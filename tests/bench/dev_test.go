package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// developed is a manifest with one public route of the sample's.
const developed = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: book, annotations: {apigateway.ingress.kubernetes.io/auth: none}}
spec:
  ingressClassName: apigateway
  rules: [{http: {paths: [{path: %s, pathType: Prefix, backend: {service: {name: bookservice, port: {number: 80}}}}]}}]
`

// development measures from a saved file to the first answer of the route that it adds.
func development(t *testing.T, r *report) {
	binary, err := filepath.Abs(filepath.Join(repository, "bin", "apigw-ingress"))
	require.NoError(t, err)
	root := newProject(t)
	manifest := filepath.Join(root, "examples", "bookstore", "ingress.yaml")
	save := func(path string) error { return os.WriteFile(manifest, fmt.Appendf(nil, developed, path), 0o600) }
	require.NoError(t, save("/begin"))
	endpoint, stop := startDev(t, binary, root)
	var watched, byHand samples
	for i := range rounds {
		path := fmt.Sprintf("/dev-%d", i)
		watched.time(t, func() error { return awaitAnswer(t.Context(), endpoint+path, save(path)) })
	}
	stop()
	for i := range rounds {
		path := fmt.Sprintf("/hand-%d", i)
		byHand.time(t, func() error {
			saved := save(path)
			answer(t, binary, root, nil, "up")
			return awaitAnswer(t.Context(), endpoint+path, saved)
		})
	}
	answer(t, binary, root, nil, "destroy")
	r.section("Local target: a saved file", "From saving a manifest with another route to that route's first answer. Seconds.")
	r.table([]string{"", ""}, [][]string{{"`dev`, which watches the file", watched.String()}, {"`up` by hand", byHand.String()}})
}

// startDev returns when files are watched.
func startDev(t *testing.T, binary, root string) (endpoint string, stop func()) {
	t.Helper()
	command := exec.Command(binary, "--project", root, "dev", "--json")
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	var event struct{ Event, Endpoint string }
	for event.Event != "watching" {
		require.True(t, lines.Scan(), "dev ended")
		event.Event = ""
		require.NoError(t, json.Unmarshal(lines.Bytes(), &event))
	}
	read := make(chan struct{})
	var said atomic.Int64
	go func() {
		defer close(read)
		for lines.Scan() { // What is left is read, so that it is never blocked.
			said.Store(time.Now().UnixNano())
		}
	}()
	return event.Endpoint, func() {
		// A route answers before the operation that made it is over.
		for time.Since(time.Unix(0, said.Load())) < 3*time.Second {
			time.Sleep(100 * time.Millisecond)
		}
		require.NoError(t, command.Process.Signal(syscall.SIGINT))
		<-read
		require.NoError(t, command.Wait())
	}
}

// awaitAnswer asks until a route is there: any answer but API Gateway's own counts.
func awaitAnswer(ctx context.Context, url string, saved error) error {
	if saved != nil {
		return saved
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusForbidden {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
}

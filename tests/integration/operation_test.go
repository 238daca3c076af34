package integration

import (
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/apigateway-ingress/apigateway-ingress/automation/report"
	"github.com/stretchr/testify/require"
)

// at are options for a copy of the project, whose local cloud is the built binary.
func (b *binary) at(stack string) operation.Options {
	return operation.Options{Project: b.root, Stack: stack, Executable: bin(b.t, "apigw-ingress")}
}

// The API of operations needs no terminal and no process of its own: whoever imports it gets events, results and classes
// of errors.
func TestOperationsAsLibrary(t *testing.T) {
	t.Parallel()
	b := newBinary(t)
	o := b.at("local")
	_, err := operation.Outputs(t.Context(), o, false)
	require.Equal(t, operation.Usage, operation.ClassOf(err), "%v", err)
	planned, err := operation.Preview(t.Context(), operation.PreviewOptions{Options: o})
	require.NoError(t, err)
	require.Greater(t, planned.Changes["create"], 60)

	ended := map[string]int{}
	o.OnEvent = func(event operation.Event) {
		if e, ok := event.(operation.StepEnded); ok && !e.Failed {
			ended[e.Op]++
		}
	}
	up, err := operation.Up(t.Context(), operation.UpOptions{Options: o})
	require.NoError(t, err)
	require.True(t, up.Complete)
	require.Equal(t, planned.Changes, up.Changes, "what was previewed is what was done")
	created := 0
	for _, step := range up.Steps {
		if step.Op == "create" {
			created++
		}
	}
	require.Equal(t, created, ended["create"], "one event for each step")
	require.NotContains(t, up.Outputs["clientSecretAccessKey"].Value, "secret-")
	secret, err := operation.Outputs(t.Context(), o, true)
	require.NoError(t, err)
	require.Len(t, secret["clientSecretAccessKey"].Value, 40)
	require.NotEqual(t, secret["clientSecretAccessKey"].Value, up.Outputs["clientSecretAccessKey"].Value)

	response, err := operation.Call(t.Context(), o, operation.Request{Path: "/api/book/list"})
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)
	status, err := operation.Status(t.Context(), o)
	require.NoError(t, err)
	require.NotEmpty(t, status.Hops)
	drift, err := operation.Drift(t.Context(), o)
	require.NoError(t, err)
	require.Zero(t, drift.Drifted())
	exported, err := operation.Export(t.Context(), o)
	require.NoError(t, err)
	require.NoError(t, operation.Import(t.Context(), o, exported))
	require.Equal(t, operation.Usage, operation.ClassOf(operation.Import(t.Context(), o, json.RawMessage("{}"))))

	gone, err := operation.Destroy(t.Context(), operation.DestroyOptions{Options: o, Remove: true})
	require.NoError(t, err)
	require.Equal(t, report.Changes{"delete": up.Changes["create"]}, gone.Changes)
	_, err = operation.Destroy(t.Context(), operation.DestroyOptions{Options: o})
	require.ErrorIs(t, err, operation.ErrNothing)
	require.Empty(t, processesUnder(t, b.root))
}

// Operations on different stacks run side by side in one process, and of two on the same stack the second is refused.
func TestOperationsSideBySide(t *testing.T) {
	t.Parallel()
	b := newBinary(t)
	b.edit("Pulumi.local.yaml", "config:", "config:\n  apigateway-ingress:name: first")
	copyFile(t, filepath.Join(b.root, "Pulumi.local.yaml"), filepath.Join(b.root, "Pulumi.other.yaml"), "name: first", "name: second")
	var both sync.WaitGroup
	begun := make(chan struct{})
	once := sync.OnceFunc(func() { close(begun) })
	results := map[string]*operation.Result{}
	var mu sync.Mutex
	for _, stack := range []string{"local", "other"} {
		both.Go(func() {
			o := b.at(stack)
			if stack == "local" {
				o.OnEvent = func(operation.Event) { once() }
			}
			r, err := operation.Up(t.Context(), operation.UpOptions{Options: o})
			once()
			if err != nil {
				t.Errorf("stack %s: %v", stack, err)
			}
			mu.Lock()
			defer mu.Unlock()
			results[stack] = r
		})
	}
	<-begun
	_, err := operation.Refresh(t.Context(), b.at("local"))
	require.Equal(t, operation.Locked, operation.ClassOf(err), "%v", err)
	both.Wait()
	require.False(t, t.Failed())
	require.NotEqual(t, results["local"].Outputs["apiEndpoint"], results["other"].Outputs["apiEndpoint"])
	for stack, name := range map[string]string{"local": "first", "other": "second"} {
		resources, err := operation.Resources(t.Context(), b.at(stack))
		require.NoError(t, err)
		for _, r := range resources {
			if r.Type == "aws:apigateway/restApi:RestApi" {
				require.Equal(t, name, r.Name(), "each state has its own stack's resources")
			}
		}
		_, err = operation.Destroy(t.Context(), operation.DestroyOptions{Options: b.at(stack)})
		require.NoError(t, err)
	}
}

// A context that ends stops the engine as the first Ctrl-C does: what is being made is finished and recorded, so that
// the next operation has nothing to mend.
func TestOperationIsCancelledByItsContext(t *testing.T) {
	t.Parallel()
	b := newBinary(t)
	o := b.at("local")
	ctx, cancel := context.WithCancel(t.Context())
	stopped := 0
	o.OnEvent = func(event operation.Event) {
		switch e := event.(type) {
		case operation.StepEnded:
			if e.Type == "aws:ec2/vpc:Vpc" {
				cancel()
			}
		case operation.Stopping:
			stopped++
		}
	}
	cut, err := operation.Up(ctx, operation.UpOptions{Options: o})
	require.Equal(t, operation.Cancelled, operation.ClassOf(err), "%v", err)
	require.Equal(t, 1, stopped)
	require.False(t, cut.Complete)
	status, err := operation.Status(t.Context(), b.at("local"))
	require.NoError(t, err)
	require.Positive(t, status.Resources)
	require.Zero(t, status.Pending, "nothing is left without an outcome")

	o = b.at("local")
	var notices []string
	o.OnEvent = func(event operation.Event) {
		if e, ok := event.(operation.Notice); ok {
			notices = append(notices, e.Text)
		}
	}
	again, err := operation.Up(t.Context(), operation.UpOptions{Options: o})
	require.NoError(t, err)
	require.Empty(t, strings.Join(notices, "\n"), "there was nothing to mend")
	require.Positive(t, again.Changes["same"], "what was made before is kept")

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = operation.Up(ended, operation.UpOptions{Options: b.at("local")})
	require.Equal(t, operation.Cancelled, operation.ClassOf(err), "a context that has ended begins nothing: %v", err)
}

package integration

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/faults"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
	"github.com/stretchr/testify/require"
)

// everythingVariable asks for every type of resource instead of some.
const everythingVariable = "FAULTS"

// fewTypes are those of the short run.
var fewTypes = []string{"aws:apigateway/vpcLink:VpcLink"}

// casesOf a fault: what the engine says, and what becomes of the stack.
type faultCase struct {
	operation faults.Operation
	kind      faults.Kind
	// harmless faults are overcome without an error.
	harmless bool
}

var faultCases = []faultCase{
	{faults.Create, faults.Refused, false}, {faults.Create, faults.Lost, false}, {faults.Create, faults.TimedOut, false}, {faults.Create, faults.Throttled, true},
	{faults.Delete, faults.Refused, false}, {faults.Delete, faults.Lost, false},
}

// Each operation on each type of resource fails once. The error names the resource and the cause; destroy succeeds at the
// first attempt from the state that is left; and the next up or destroy finishes.
func TestFaults(t *testing.T) {
	e := newEnvironment(t, nil)
	e.up()
	var types []string
	resources, err := e.session.Resources(t.Context())
	require.NoError(t, err)
	for _, r := range resources {
		if r.Custom && localcloud.Keeps(r.Type) && !slices.Contains(types, r.Type) {
			types = append(types, r.Type)
		}
	}
	slices.Sort(types)
	require.Greater(t, len(types), 35)
	e.destroy()
	everything := os.Getenv(everythingVariable) != ""
	report := map[string]string{}
	for _, token := range types {
		if !everything && !slices.Contains(fewTypes, token) {
			continue
		}
		for _, c := range faultCases {
			// The lost answer is the worst: the short run has it alone.
			if !everything && c.kind != faults.Lost {
				continue
			}
			name := fmt.Sprintf("%s/%s/%s", token[strings.LastIndexByte(token, ':')+1:], c.operation, c.kind)
			t.Run(name, func(t *testing.T) {
				report[fmt.Sprintf("%s %s %s", token, c.operation, c.kind)] = e.survive(t, token, c)
			})
		}
	}
	if everything && !t.Failed() {
		writeReliability(t, types, report)
	}
}

// survive lets one operation fail, and returns what was said of it.
func (e *environment) survive(t *testing.T, token string, c faultCase) string {
	fault := []faults.Fault{{Type: token, Operation: c.operation, Kind: c.kind}}
	var said string
	if c.operation == faults.Create {
		e.cloud.Faults().Set(fault)
		_, err := e.session.Stack.Up(context.Background())
		said = e.judge(t, token, c, err)
		e.mend(t)
		// From whatever state is left, destroy succeeds at the first attempt.
		_, err = e.session.Stack.Destroy(context.Background(), optdestroy.SuppressProgress())
		require.NoError(t, err)
		require.Zero(t, e.cloud.Objects())
		return said
	}
	_, err := e.session.Stack.Up(context.Background())
	require.NoError(t, err)
	e.cloud.Faults().Set(fault)
	_, err = e.session.Stack.Destroy(context.Background(), optdestroy.SuppressProgress())
	if token == "aws:apigateway/deployment:Deployment" {
		// It goes with its API, and is never deleted by itself.
		require.NoError(t, err)
		e.cloud.Faults().Set(nil)
		return "never deleted by itself"
	}
	said = e.judge(t, token, c, err)
	e.mend(t)
	_, err = e.session.Stack.Destroy(context.Background(), optdestroy.SuppressProgress())
	require.NoError(t, err)
	require.Zero(t, e.cloud.Objects())
	return said
}

func (e *environment) judge(t *testing.T, token string, c faultCase, err error) string {
	t.Helper()
	require.Empty(t, e.cloud.Faults().Left(), "the fault has happened")
	if c.harmless {
		require.NoError(t, err)
		return "tried again"
	}
	require.Error(t, err)
	cause := map[faults.Kind]string{faults.Refused: "InternalFailure", faults.Lost: faults.ErrLost.Error(), faults.TimedOut: "i/o timeout"}[c.kind]
	require.ErrorContains(t, err, cause)
	require.ErrorContains(t, err, token[strings.LastIndexByte(token, ':')+1:], "the resource is named")
	return cause
}

// mend is what the binary does before it begins.
func (e *environment) mend(t *testing.T) {
	t.Helper()
	state, err := e.session.Last(t.Context())
	require.NoError(t, err)
	known := []localcloud.Known{}
	for _, r := range state.Resources {
		if r.Custom && localcloud.Keeps(r.Type) {
			known = append(known, localcloud.Known{URN: r.URN, ID: r.ID})
		}
	}
	found, err := e.cloud.Recover(t.Context(), "apigateway-ingress", "local", known)
	require.NoError(t, err)
	if len(found.Missing) > 0 || len(state.Pending) > 0 {
		_, err := e.session.Stack.Refresh(t.Context(), optrefresh.ClearPendingCreates())
		require.NoError(t, err)
	}
}

func writeReliability(t *testing.T, types []string, report map[string]string) {
	t.Helper()
	var b strings.Builder
	b.WriteString(`# Reliability

Written by ` + "`make faults`" + `, which lets each operation on each type of resource fail once on the local target, with the real engine:

- **refused**: an error before anything happened (5xx, a limit). **lost**: a success whose answer does not arrive. **timed out**: nothing is
  heard. **throttled**: ThrottlingException, which is tried again.
- After each failed creation ` + "`destroy`" + ` succeeded at its first attempt, from the state that was left, and nothing remained.
- After each failed deletion the next ` + "`destroy`" + ` succeeded, and nothing remained.
- Each error names the resource and the cause, as below.

` + "`make chaos`" + ` kills the binary, the engine and the local cloud at many moments of ` + "`up`, an update and `destroy`" + `: the next command finishes,
nothing exists twice, and nothing is forgotten.

| type of resource |`)
	for _, c := range faultCases {
		fmt.Fprintf(&b, " %s %s |", c.operation, c.kind)
	}
	b.WriteString("\n| --- |" + strings.Repeat(" --- |", len(faultCases)) + "\n")
	for _, token := range types {
		fmt.Fprintf(&b, "| `%s` |", token)
		for _, c := range faultCases {
			fmt.Fprintf(&b, " %s |", report[fmt.Sprintf("%s %s %s", token, c.operation, c.kind)])
		}
		b.WriteString("\n")
	}
	require.NoError(t, os.WriteFile(filepath.Join(repository, "docs", "reliability.md"), []byte(b.String()), 0o600))
}

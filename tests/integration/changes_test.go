package integration

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/golden"
	"github.com/apigateway-ingress/apigateway-ingress/internal/variants"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/stretchr/testify/require"
)

// walkVariable has every key changed, and not some only.
const walkVariable = "WALK"

// someKeys are changed in any case.
var someKeys = []string{"throttleRate", "proxyReplicas", "nodePort", "passHeaders", "vpcCidr", "services[].name"}

// outcome is what a change of a living stack does: steps, or why it is refused, and why the way back is.
type outcomeOfChange struct{ steps, refused, back string }

// Each config key, and each field of one that is an object, is changed on a living stack under load, and changed back. The change
// is refused in preview, before anything is touched, or goes through without a failed request and leaves nothing to do.
func TestChanges(t *testing.T) {
	all, err := variants.All()
	require.NoError(t, err)
	whole := os.Getenv(walkVariable) != ""
	outcomes := map[string]outcomeOfChange{}
	var mu sync.Mutex
	t.Run("all at once", func(t *testing.T) {
		for name, group := range grouped(t, all, whole) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := &walk{t: t}
				for _, v := range group {
					found := w.change(v)
					mu.Lock()
					outcomes[v.Key] = found
					mu.Unlock()
				}
				w.end()
			})
		}
	})
	if whole {
		golden.Equal(t, filepath.Join(repository, "docs", "reference", "changes.md"), changesPage(all, outcomes))
	}
}

// shared is how many changes without config of their own are made to one stack, one after the other.
const shared = 16

// grouped are the changes that begin with the same config, of which a stack can take one after the other.
func grouped(t *testing.T, all []variants.Variant, whole bool) map[string][]variants.Variant {
	groups := map[string][]variants.Variant{}
	plain := 0
	for _, v := range all {
		if v.Told != "" || !whole && !slices.Contains(someKeys, v.Key) {
			continue
		}
		name := fmt.Sprintf("bookstore %d", plain/shared)
		if v.With != nil || v.From != nil {
			key, _, _ := strings.Cut(v.Key, "[")
			text, err := variants.Text(map[string]any{"with": v.With, key: v.From})
			require.NoError(t, err)
			name = text[:min(len(text), 60)]
			for i := 0; groups[name] != nil && !sameStart(groups[name][0], v); i++ {
				name = fmt.Sprintf("%s %d", text[:min(len(text), 60)], i)
			}
		} else {
			plain++
		}
		groups[name] = append(groups[name], v)
	}
	return groups
}

func sameStart(a, b variants.Variant) bool {
	keyA, _, _ := strings.Cut(a.Key, "[")
	keyB, _, _ := strings.Cut(b.Key, "[")
	textA, _ := variants.Text([]any{a.With, a.From})
	textB, _ := variants.Text([]any{b.With, b.From})
	return textA == textB && (keyA == keyB || a.From == nil)
}

// walk is a living stack that takes one change after the other.
type walk struct {
	t *testing.T
	e *environment
}

// stack is up with what a change begins with.
func (w *walk) stack(v variants.Variant, key string) *environment {
	if w.e != nil {
		return w.e
	}
	e := newSlowEnvironment(w.t, 0.002, nil)
	require.NoError(w.t, os.CopyFS(filepath.Join(e.root, "stacks", "deploy", "testdata"),
		os.DirFS(filepath.Join(repository, "stacks", "deploy", "testdata"))))
	for name, value := range v.With {
		e.setConfig(name, value)
	}
	if v.From != nil {
		e.setConfig(key, v.From)
	}
	e.up()
	w.e = e
	return e
}

func (w *walk) end() {
	if w.e == nil {
		return
	}
	w.e.setConfig("deletionProtection", false)
	w.e.up()
	// Records that prove certificates and the account's logging stay.
	_, err := w.e.session.Updates.Destroy(context.Background(), optdestroy.SuppressProgress())
	require.NoError(w.t, err)
	w.e = nil
}

// before is the value of a key that a change begins with: that of the variant, or of the bookstore.
func before(v variants.Variant, key string) any {
	if v.From != nil || v.With[key] != nil {
		return v.From
	}
	return map[string]any{"clientUser": true, "services": bookstoreServices}[key]
}

var bookstoreServices = []any{
	map[string]any{"name": "bookservice", "image": "apigateway-ingress/books:dev", "port": 80,
		"health": map[string]any{"path": "/readyz", "livenessPath": "/healthz"}},
	map[string]any{"name": "authorservice", "image": "apigateway-ingress/authors:dev", "port": 80,
		"health": map[string]any{"path": "/readyz", "livenessPath": "/healthz"}},
}

func (w *walk) change(v variants.Variant) (found outcomeOfChange) {
	key, _, _ := strings.Cut(v.Key, "[")
	e := w.stack(v, key)
	was := before(v, key)
	if found.steps, found.refused = w.to(v, key, v.To); found.refused != "" {
		e.setConfig(key, was)
		return found
	}
	if _, found.back = w.to(v, key, was); found.back != "" {
		// What cannot be taken back must not be in the way of others.
		e.setConfig(key, v.To)
		w.end()
	}
	return found
}

// to makes a change under load, unless it is refused.
func (w *walk) to(v variants.Variant, key string, value any) (steps, refused string) {
	e := w.e
	var asked *load
	if e.outputs(); e.get("/api/book/list").status == http.StatusOK && v.Callers == "" {
		asked = e.startPacedLoad(2, 5*time.Millisecond)
		defer asked.stop()
	}
	objects := e.cloud.Objects()
	e.setConfig(key, value)
	if steps, refused = e.plan(); refused != "" {
		require.Equal(w.t, objects, e.cloud.Objects(), "%s: a preview touches nothing", v.Key)
		return "", refused
	}
	_, err := e.session.Updates.Up(context.Background())
	require.NoError(w.t, err, "%s to %v", v.Key, value)
	e.known = nil
	e.expectNoChanges()
	if asked != nil {
		asked.stop()
		failed := asked.failures()
		require.Empty(w.t, failed[:min(3, len(failed))], "%s to %v: %d of %d requests failed", v.Key, value, len(failed), asked.answered.Load())
	}
	return steps, ""
}

// plan is what a preview says: which types of resources change in which way, or why not.
func (e *environment) plan() (steps, refused string) {
	stream := make(chan events.EngineEvent, 100)
	types := map[string][]string{}
	var problems []string
	var following sync.WaitGroup
	following.Go(func() {
		for event := range stream {
			if pre := event.ResourcePreEvent; pre != nil {
				kind := kindOf(pre.Metadata.Type)
				if op := string(pre.Metadata.Op); kind != "" && !slices.Contains(types[op], kind) {
					types[op] = append(types[op], kind)
				}
			}
			if d := event.DiagnosticEvent; d != nil && d.Severity == "error" {
				problems = append(problems, d.Message)
			}
		}
	})
	_, err := e.session.Stack.Preview(context.Background(), optpreview.EventStreams(stream), optpreview.SuppressProgress())
	following.Wait()
	if err != nil {
		return "", reasonOf(problems, err)
	}
	var told []string
	for _, way := range []struct{ op, text string }{
		{"create", "made"}, {"update", "in place"}, {"replace", "replaced"}, {"delete", "removed"},
	} {
		slices.Sort(types[way.op])
		if len(types[way.op]) > 0 {
			told = append(told, way.text+": "+strings.Join(types[way.op], ", "))
		}
	}
	return strings.Join(told, "; "), ""
}

// kindOf is a type of resource as people call it; empty for components and what only the engine knows.
func kindOf(token string) string {
	parts := strings.Split(token, ":")
	if len(parts) != 3 || parts[0] != "aws" && parts[0] != "kubernetes" {
		return ""
	}
	group, _, _ := strings.Cut(parts[1], "/")
	if parts[0] == "kubernetes" {
		return parts[2]
	}
	return group + "." + parts[2]
}

var (
	engineWords = regexp.MustCompile(`(?m)an unhandled error occurred:|\d+ errors? occurred:|^\s*\* `)
	hookWords   = regexp.MustCompile(`(?s)^.*before hook "[^"]*" failed: `)
	ids         = regexp.MustCompile(`\b(deployment|stableDeployment|is|update,) [a-z0-9]{6}\b|/tmp/[^ ]*`)
)

// reasonOf is why a preview failed, in one line.
func reasonOf(problems []string, err error) string {
	for _, text := range problems {
		if text = hookWords.ReplaceAllString(text, ""); !strings.HasPrefix(text, "preview failed") {
			text = engineWords.ReplaceAllString(text, "")
			return ids.ReplaceAllString(strings.Join(strings.Fields(text), " "), "$1 …")
		}
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}

func changesPage(all []variants.Variant, outcomes map[string]outcomeOfChange) string {
	var b strings.Builder
	b.WriteString(`# What a change of a key does

Each key, and each field of one that is an object, was changed on a living stack of the local target under load and changed back
(` + "`TestChanges`, `make changes`" + `): the change goes through without a failed request ` +
		`and leaves nothing to do, or preview refuses it before
anything is touched. The table is what the engine planned: resources that are made, changed in place, replaced, or removed. Why AWS
replaces what, with the sources, is in [aws-rules.md](../contributing/aws-rules.md).

| key | what happens | callers |
| --- | --- | --- |
`)
	for _, v := range all {
		found := outcomes[v.Key]
		what := found.steps
		if v.Told != "" {
			what = fmt.Sprintf("%s (`%s`)", v.Told, v.By)
		}
		if found.refused != "" {
			what = "refused: " + found.refused
		}
		if found.back != "" {
			what += ". The way back is refused: " + found.back
		}
		callers := "no request fails"
		switch {
		case found.refused != "", strings.HasPrefix(v.Told, "refused"):
			callers = "nothing changes"
		case v.Callers != "":
			callers = v.Callers
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", v.Key, strings.ReplaceAll(what, "|", `\|`), callers)
	}
	return b.String()
}

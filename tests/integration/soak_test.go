package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/stretchr/testify/require"
)

// soakVariable is how long the load lasts, for example 10m. Without it the test is short.
const soakVariable = "SOAK"

const (
	soakClients = 8
	// overload is far more than the chain can take at once.
	overload = 300
	// What a process may gain without leaking: the allocator and pools of connections breathe.
	memoryLeeway      = 32 << 10 // KiB
	descriptorsLeeway = 40
	// The load's own connections end a little after it.
	goroutinesLeeway = 20
)

// usage is what a process holds.
type usage struct{ memoryKB, descriptors, threads int }

// Under lasting load nothing grows in the local cloud or in a pod; too much load is answered or refused, and does no harm.
func TestSoak(t *testing.T) {
	lasts := 4 * time.Second
	if text := os.Getenv(soakVariable); text != "" {
		var err error
		lasts, err = time.ParseDuration(text)
		require.NoError(t, err)
	}
	b := newBinary(t)
	require.Zero(t, b.run("up").code)
	e := &environment{t: t}
	e.known = b.outputs()

	warm := e.startLoad(soakClients)
	time.Sleep(lasts / 4)
	warm.stop()
	before, goroutines := usageIn(t, b.root), b.goroutines()
	began := time.Now()
	l := e.startLoad(soakClients)
	time.Sleep(lasts)
	l.stop()
	took := time.Since(began)
	require.Empty(t, l.failures())
	after := usageIn(t, b.root)
	require.Equal(t, len(before), len(after), "no process ended or was born")
	for name, was := range before {
		now := after[name]
		require.LessOrEqual(t, now.memoryKB, was.memoryKB+memoryLeeway, "memory of %s in KiB", name)
		require.LessOrEqual(t, now.descriptors, was.descriptors+descriptorsLeeway, "open files of %s", name)
		require.LessOrEqual(t, now.threads, was.threads+descriptorsLeeway, "threads of %s", name)
		t.Logf("%-60s memory %d -> %d KiB, open files %d -> %d, threads %d -> %d", name, was.memoryKB, now.memoryKB, was.descriptors,
			now.descriptors, was.threads, now.threads)
	}
	require.Eventually(t, func() bool { return b.goroutines() <= goroutines+goroutinesLeeway }, settleTime, pollTime,
		"goroutines of the local cloud, %d before", goroutines)
	t.Logf("goroutines of the local cloud %d -> %d", goroutines, b.goroutines())
	p50, p99, worst := l.percentiles()
	t.Logf("%d requests in %s, %.0f a second; latency p50 %s, p99 %s, worst %s", l.answered.Load(), took.Round(time.Second),
		float64(l.answered.Load())/took.Seconds(), p50, p99, worst)

	flood := e.startLoad(overload)
	time.Sleep(lasts / 4)
	flood.stop()
	for _, refused := range flood.failures() {
		require.True(t, strings.HasPrefix(refused, "429 ") || strings.HasPrefix(refused, "503 ") || strings.HasPrefix(refused, "504 "), refused)
	}
	t.Logf("of %d requests by %d clients %d were refused", flood.answered.Load(), overload, len(flood.failures()))
	require.Zero(t, b.run("status").code, "everything still works")
	calm := e.startLoad(1)
	time.Sleep(200 * time.Millisecond)
	calm.stop()
	require.Empty(t, calm.failures())
}

// goroutines are the local cloud's.
func (b *binary) goroutines() int {
	b.t.Helper()
	var status struct{ LocalCloud struct{ Goroutines int } }
	b.json(&status, "status")
	return status.LocalCloud.Goroutines
}

// usageIn reads what the processes that work in a folder hold, by their command and number.
func usageIn(t *testing.T, dir string) map[string]usage {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	require.NoError(t, err)
	found := map[string]usage{}
	for _, link := range links {
		process := filepath.Dir(link)
		cwd, err := os.Readlink(link)
		if err != nil || cwd != dir && !strings.HasPrefix(cwd, dir+"/") {
			continue
		}
		status, err := os.ReadFile(filepath.Join(process, "status"))
		descriptors, listErr := os.ReadDir(filepath.Join(process, "fd"))
		if err != nil || listErr != nil {
			// It has just ended.
			continue
		}
		field := func(name string) string {
			for line := range strings.SplitSeq(string(status), "\n") {
				if value, ok := strings.CutPrefix(line, name+":"); ok {
					return strings.Fields(value)[0]
				}
			}
			return ""
		}
		memory, _ := strconv.Atoi(field("VmRSS"))
		threads, _ := strconv.Atoi(field("Threads"))
		found[fmt.Sprintf("%s %s", field("Name"), filepath.Base(process))] = usage{memory, len(descriptors), threads}
	}
	require.NotEmpty(t, found)
	return found
}

// percentiles are of the requests that were answered.
func (l *load) percentiles() (p50, p99, worst time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.Sort(l.took)
	n := len(l.took)
	if n == 0 {
		return 0, 0, 0
	}
	return l.took[n/2], l.took[n*99/100], l.took[n-1]
}

// outputs are the stack's, secrets among them.
func (b *binary) outputs() auto.OutputMap {
	b.t.Helper()
	var plain map[string]any
	b.json(&plain, "outputs", "--show-secrets")
	outputs := auto.OutputMap{}
	for name, value := range plain {
		outputs[name] = auto.OutputValue{Value: value}
	}
	return outputs
}

package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestCold measures what somebody waits for who has just cloned the repository. The Go modules are on the machine
// already: what the network does is nobody's merit.
func TestCold(t *testing.T) {
	if os.Getenv("BENCH_COLD") == "" {
		t.Skip("this compiles everything twice: run `make bench-cold`")
	}
	clone := copyOfRepository(t)
	plain := coldBuild(t, clone, "GOFLAGS=-trimpath")
	own := coldBuild(t, clone)
	first, again := runMake(t, clone, nil, "up"), runMake(t, clone, nil, "up")
	runMake(t, clone, nil, "down")

	r := &report{}
	fmt.Fprintf(&r.text, "# Benchmark: a fresh machine\n\nWritten by `make bench-cold` on %s: %s, %d cores of %s, %s. An empty build "+
		"cache, with the Go modules on the machine. "+
		"What is compiled: the Pulumi CLI, the binary, the sample services. With the compiler's own settings it also makes debug "+
		"information, which the linker drops, and inlines within the generated SDKs.\n\n",
		time.Now().UTC().Format("2 January 2006"), runtime.GOOS+"/"+runtime.GOARCH, runtime.NumCPU(), cpuModel(), runtime.Version())
	r.table([]string{"", "time", "ratio"}, [][]string{
		{"`make build`, cold", seconds(own), "1.00"},
		{"the same with the compiler's own settings", seconds(plain), fmt.Sprintf("%.2f", plain.Seconds()/own.Seconds())},
		{"then `make up`", seconds(first), fmt.Sprintf("%.3f", first.Seconds()/own.Seconds())},
		{"`make up` again", seconds(again), fmt.Sprintf("%.3f", again.Seconds()/own.Seconds())},
	})
	r.line("Nearly half of what compiling the binary costs is the SDKs that Pulumi generates (from `go build -debug-actiongraph`, " +
		"once): each resource of EC2, and each type of Kubernetes' core, is compiled whether it is used or not.")
	require.NoError(t, os.WriteFile(filepath.Join(repository, "docs", "contributing", "benchmarks-cold.md"), []byte(r.text.String()), 0o600))
}

func copyOfRepository(t *testing.T) string {
	t.Helper()
	list, err := exec.Command("git", "-C", repository, "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	require.NoError(t, err)
	to := t.TempDir()
	for name := range strings.SplitSeq(strings.Trim(string(list), "\x00"), "\x00") {
		content, err := os.ReadFile(filepath.Join(repository, name))
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(to, name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(to, name), content, 0o600))
	}
	return to
}

func coldBuild(t *testing.T, clone string, settings ...string) time.Duration {
	t.Helper()
	require.NoError(t, os.RemoveAll(filepath.Join(clone, "bin")))
	return runMake(t, clone, []string{"GOCACHE=" + t.TempDir()}, append([]string{"build"}, settings...)...)
}

func runMake(t *testing.T, dir string, env []string, args ...string) time.Duration {
	t.Helper()
	command := exec.Command("make", append([]string{"-s", "-C", dir}, args...)...)
	command.Env = append(os.Environ(), env...)
	started := time.Now()
	out, err := command.CombinedOutput()
	require.NoError(t, err, string(out))
	return time.Since(started)
}

package integration

import (
	"bufio"
	"encoding/json"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

type logLine struct {
	Log, Source, Line string
	Fields            map[string]any
}

func (b *binary) logs(args ...string) []logLine {
	b.t.Helper()
	o := b.run(append([]string{"logs", "--json"}, args...)...)
	require.Zero(b.t, o.code, o.errOut)
	var lines []logLine
	for text := range strings.Lines(o.out) {
		var line logLine
		require.NoError(b.t, json.Unmarshal([]byte(text), &line), text)
		lines = append(lines, line)
	}
	return lines
}

// One request's lines are found in every log of its way; logs have names, and probes are not in the way.
func testLogs(t *testing.T, b *binary) {
	require.Zero(t, b.run("call", "/api/book/list").code)
	refused := b.run("call", "--unsigned", "-i", "/api/book/list")
	require.Equal(t, 8, refused.code)
	var id string
	require.Eventually(t, func() bool {
		for _, line := range b.logs("access", "--status", "2xx") {
			require.Equal(t, "access", line.Log)
			require.Equal(t, "200", line.Fields["status"])
			id, _ = line.Fields["requestId"].(string)
		}
		return id != ""
	}, settleTime, settleTime/50)
	require.Eventually(t, func() bool {
		logs := map[string]bool{}
		for _, line := range b.logs("--request", id) {
			require.Equal(t, id, line.Fields["requestId"])
			logs[line.Log] = true
		}
		return logs["access"] && logs["proxy"] && logs["bookservice"] && len(logs) == 3
	}, settleTime, settleTime/50)
	for _, line := range b.logs("access", "--status", "403,5xx", "--since", "1h") {
		require.Equal(t, "403", line.Fields["status"])
	}
	require.Empty(t, b.logs("access", "--status", "5xx"))
	for _, name := range []string{"bookservice", "svc/bookservice", "default/bookservice", "default/bookservice-"} {
		lines := b.logs(name)
		require.NotEmpty(t, lines, name)
		for _, line := range lines {
			require.Equal(t, "bookservice", line.Log)
			require.NotEqual(t, "/readyz", line.Fields["path"])
		}
	}
	probes := 0
	for _, line := range b.logs("bookservice", "--probes", "-n", "1000") {
		if line.Fields["path"] == "/readyz" {
			probes++
		}
	}
	require.Positive(t, probes)
	require.Len(t, b.logs("access", "-n", "1"), 1)
	require.Zero(t, b.run("logs", "cloud").code)
	unknown := b.run("logs", "no-such-pod")
	require.Equal(t, 2, unknown.code)
	require.Contains(t, unknown.errOut, "the stack's logs are access, authorservice, bookservice, proxy, cloud")
	for _, bad := range [][]string{{"--status", "6xx"}, {"--since", "-1m"}, {"-n", "-1"}, {"--since", "yesterday"}} {
		require.Equal(t, 2, b.run(append([]string{"logs"}, bad...)...).code, bad)
	}
}

// What is written next is followed until a signal comes, which is no failure.
func testFollowedLogs(t *testing.T, b *binary) {
	command := exec.Command(bin(t, "apigw-ingress"), "logs", "access", "proxy", "--follow", "--json")
	command.Dir = b.root
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan(), "what is there comes first")
	require.Zero(t, b.run("call", "/api/author").code)
	seen := map[string]bool{}
	for !seen["access"] || !seen["proxy"] {
		require.True(t, lines.Scan())
		var line logLine
		require.NoError(t, json.Unmarshal(lines.Bytes(), &line))
		if path, _ := line.Fields["path"].(string); strings.HasSuffix(path, "/api/author") {
			seen[line.Log] = true
		}
	}
	require.NoError(t, command.Process.Signal(syscall.SIGINT))
	require.NoError(t, command.Wait())
}

package integration

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var inlineCommand = regexp.MustCompile("`(bin/apigw-ingress [^`]+)`")

// readmeCommands are the commands under "Try it" that go through the binary or curl.
func readmeCommands(t *testing.T) []string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(repository, "README.md"))
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(content), "## Try it")
	require.True(t, found)
	section, _, _ := strings.Cut(rest, "\n## ")
	var commands []string
	for line := range strings.SplitSeq(strings.ReplaceAll(section, "\\\n", " "), "\n") {
		command, indented := strings.CutPrefix(line, "    ")
		if indented && !strings.HasPrefix(command, "make ") {
			commands = append(commands, command)
		}
		for _, inline := range inlineCommand.FindAllStringSubmatch(line, -1) {
			commands = append(commands, inline[1])
		}
	}
	return commands
}

// runUntilWatching runs what runs until Ctrl-C.
func runUntilWatching(t *testing.T, b *binary, command string) {
	t.Helper()
	words := strings.Fields(command)
	running := exec.Command(bin(t, "apigw-ingress"), words[1:]...)
	running.Dir = b.root
	out, err := running.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, running.Start())
	lines := bufio.NewScanner(out)
	for !strings.HasPrefix(lines.Text(), "Watching ") {
		require.True(t, lines.Scan(), "%s ended", command)
	}
	require.NoError(t, running.Process.Signal(os.Interrupt))
	_, err = io.Copy(io.Discard, out)
	require.NoError(t, err)
	require.NoError(t, running.Wait())
}

// testREADME runs what the README tells a new user, as it stands there.
func testREADME(t *testing.T, b *binary) {
	require.NoError(t, os.Symlink(filepath.Dir(bin(t, "apigw-ingress")), filepath.Join(b.root, "bin")))
	commands := readmeCommands(t)
	require.GreaterOrEqual(t, len(commands), 5)
	for _, command := range commands {
		if strings.HasSuffix(command, " dev") {
			runUntilWatching(t, b, command)
			continue
		}
		shell := exec.Command("sh", "-c", command)
		shell.Dir = b.root
		output, err := shell.CombinedOutput()
		require.NoError(t, err, "%s\n%s", command, output)
		require.NotContains(t, string(output), `{"message"`, command)
	}
}

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

// commandsOf are the commands of a page that go through the binary or curl, as they stand there: those of blocks, and those in the text.
func commandsOf(page string) []string {
	var commands []string
	for line := range strings.SplitSeq(strings.ReplaceAll(page, "\\\n", " "), "\n") {
		command, indented := strings.CutPrefix(line, "    ")
		if indented && (strings.HasPrefix(command, "bin/") || strings.HasPrefix(command, "curl ")) {
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

// section is what a page says under a heading.
func section(t *testing.T, name, heading string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(repository, name))
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(content), "\n## "+heading+"\n")
	require.True(t, found, "%s has no section %s", name, heading)
	text, _, _ := strings.Cut(rest, "\n## ")
	return text
}

// shell runs a command in the project's folder, as somebody who reads it does.
func (b *binary) shell(command string) string {
	b.t.Helper()
	shell := exec.Command("sh", "-c", command)
	shell.Dir = b.root
	output, err := shell.CombinedOutput()
	require.NoError(b.t, err, "%s\n%s", command, output)
	return string(output)
}

// linkBin lets commands in the documentation find the binary.
func (b *binary) linkBin(t *testing.T) {
	t.Helper()
	require.NoError(t, os.Symlink(filepath.Dir(bin(t, "apigw-ingress")), filepath.Join(b.root, "bin")))
}

// testREADME runs what the README tells a new user, as it stands there.
func testREADME(t *testing.T, b *binary) {
	b.linkBin(t)
	commands := commandsOf(section(t, "README.md", "Try it"))
	require.GreaterOrEqual(t, len(commands), 3)
	for _, command := range commands {
		if strings.HasSuffix(command, " dev") {
			runUntilWatching(t, b, command)
			continue
		}
		require.NotContains(t, b.shell(command), `{"message"`, command)
	}
}

// testGuides runs what guides say about a stack that is up, one page after the other.
func testGuides(t *testing.T, b *binary) {
	for name, commands := range map[string]int{"monitor": 4, "rotate-keys": 5, "state": 6} {
		page, err := os.ReadFile(filepath.Join(repository, "docs", "howto", name+".md"))
		require.NoError(t, err)
		found := commandsOf(strings.ReplaceAll(string(page), " --stack production", ""))
		require.GreaterOrEqual(t, len(found), commands, name)
		for _, command := range found {
			b.shell(command)
		}
	}
	require.Zero(t, b.run("call", "/api/book/list").code)
}

const bookstoreTutorial = "docs/tutorials/bookstore.md"

// testTutorialBookstore runs the tutorial, with what it says of the answers.
func testTutorialBookstore(t *testing.T, b *binary) {
	calls := commandsOf(section(t, bookstoreTutorial, "Call it"))
	require.Len(t, calls, 3)
	require.Contains(t, b.shell(calls[0]), "books")
	require.Contains(t, b.shell(calls[1]), "Missing Authentication Token")
	require.Contains(t, b.shell(calls[2]), "authentication and policy")
	for _, command := range commandsOf(section(t, bookstoreTutorial, "Look at it")) {
		require.NotEmpty(t, b.shell(command), command)
	}
	change := section(t, bookstoreTutorial, "Change it")
	_, block, found := strings.Cut(change, "```yaml\n")
	require.True(t, found)
	annotation, _, _ := strings.Cut(block, "\n```")
	b.edit("examples/bookstore/ingress.yaml", "  annotations:\n", "  annotations:\n    "+annotation+"\n")
	steps := commandsOf(change)
	require.Len(t, steps, 4)
	b.shell(steps[0])
	b.shell(steps[1])
	require.Contains(t, b.shell(steps[2]), "books")
	require.Contains(t, b.shell(steps[3]), "403 Forbidden")
	b.edit("examples/bookstore/ingress.yaml", "    "+annotation+"\n", "")
	require.Zero(t, b.run("up").code)
}

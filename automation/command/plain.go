package command

import (
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/route/printable"
)

// plain is a message in which no name or value of anybody's can command a terminal, or GitHub's runner: that takes each line
// which begins with two colons, after spaces as well, and ##[ within a line, for a command.
// https://docs.github.com/actions/reference/workflow-commands-for-github-actions
func plain(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		line = strings.ReplaceAll(printable.Text(line), "##[", "# #[")
		if strings.HasPrefix(strings.TrimSpace(line), "::") {
			line = "| " + line
		}
		lines[i] = line
	}
	return strings.Join(lines, "\n")
}

package report

import (
	"html"
	"regexp"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/route/printable"
)

// Names and messages come from manifests, clusters and clouds. What they say must stay text: in a comment it can neither end
// its line or its table nor mention anybody, and in a picture it can neither add elements nor make the file invalid.

var backticks = regexp.MustCompile("`+")

// longest is the number of backticks that a text has in a row at most.
func longest(text string) int {
	most := 0
	for _, row := range backticks.FindAllString(text, -1) {
		most = max(most, len(row))
	}
	return most
}

// code is a text in one line of Markdown, as it is: https://spec.commonmark.org/0.31.2/#code-spans
func code(text string) string {
	text = printable.Text(strings.Join(strings.Fields(text), " "))
	fence := strings.Repeat("`", longest(text)+1)
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return fence + text + fence
}

// block is a text of several lines: https://spec.commonmark.org/0.31.2/#fenced-code-blocks
func block(text string) string {
	fence := strings.Repeat("`", max(longest(text)+1, 3))
	return fence + "text\n" + printableLines(text) + "\n" + fence + "\n"
}

func printableLines(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		lines[i] = printable.Text(line)
	}
	return strings.Join(lines, "\n")
}

// plainName is a name that nothing in Markdown can be made of.
var plainName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9./:-]*$`)

// cell is a name in a table: https://github.github.com/gfm/#tables-extension-
func cell(name string) string {
	if plainName.MatchString(name) {
		return name
	}
	return strings.ReplaceAll(code(name), "|", `\|`)
}

// markup is text within HTML or SVG.
func markup(text string) string { return html.EscapeString(printableLines(text)) }

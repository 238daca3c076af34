package report

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// hostile is what somebody could name an object to write into other people's reports.
const hostile = "x\n::error::forged\n| a | b |\n```\n</title><script>alert(1)</script>\"]; click n0\x1b[2J\u202e@everyone ``` " +
	"[a](http://evil.example.com)"

func TestReportsStayText(t *testing.T) {
	nodes := []Node{{URN: prefix + "a::" + strings.ReplaceAll(hostile, ":", ";"), Type: "aws:apigateway/stage:Stage", Status: hostile}}
	steps := []Step{{URN: nodes[0].URN, Type: nodes[0].Type, Op: "create", End: 1}}
	summary := Summary{Operation: "up", Stack: "s", Target: "aws", Steps: steps, Failure: hostile, Problems: []string{hostile},
		WeakerAccess: []string{hostile}}.Markdown()
	drawings := map[string]string{
		"mermaid": Chain(nodes).Mermaid(), "dot": Chain(nodes).DOT(), "svg": Chain(nodes).SVG(), "timeline": Timeline(hostile, steps, nil),
		"summary": summary,
	}
	for name, text := range drawings {
		require.NotContains(t, text, "\x1b", name)
		require.NotContains(t, text, "\u202e", name)
		if name != "dot" && name != "summary" {
			require.NotContains(t, text, "<script>", name)
		}
	}
	require.Equal(t, 2, strings.Count(drawings["mermaid"], "\n"), "one node is one line")
	require.Equal(t, 2, strings.Count(drawings["mermaid"], `"`), "the label ends where we end it")
	for _, picture := range []string{drawings["svg"], drawings["timeline"]} {
		decoder := xml.NewDecoder(strings.NewReader(picture))
		for {
			token, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			if element, isStart := token.(xml.StartElement); isStart {
				require.NotEqual(t, "script", element.Name.Local)
			}
		}
	}
	for line := range strings.Lines(summary) {
		line = strings.TrimSpace(strings.TrimLeft(line, "> "))
		if strings.HasPrefix(line, "- ") || strings.HasPrefix(line, "| create") {
			require.Contains(t, line, "````", "what has three backticks stands between four")
		}
		if strings.HasPrefix(line, "| create") {
			require.Equal(t, 4, strings.Count(strings.ReplaceAll(line, `\|`, ""), "|"), "the row has its three cells")
		}
	}
	require.Contains(t, summary, "````text\nx\n")
}

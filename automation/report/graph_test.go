package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const prefix = "urn:pulumi:s::p::"

func nodes() []Node {
	return []Node{
		{URN: prefix + "x::stack", Type: "pulumi:pulumi:Stack"},
		{URN: prefix + "a::balancer", Type: "aws:lb/loadBalancer:LoadBalancer", DependsOn: []string{prefix + "x::stack"}},
		{URN: prefix + "b::link", Type: "aws:apigateway/vpcLink:VpcLink", DependsOn: []string{prefix + "a::balancer"}, Status: "ok"},
		{URN: prefix + "c::<shop>", Type: "aws:apigateway/stage:Stage", DependsOn: []string{prefix + "b::link"}, Status: "refused"},
	}
}

func TestFormats(t *testing.T) {
	all := Dependencies(nodes())
	require.Equal(t, "flowchart LR\n  n0[\"LoadBalancer<br/>balancer\"]\n  n1[\"VpcLink<br/>link<br/>ok\"]\n  n0 --> n1\n  "+
		"n2[\"Stage<br/>&lt;shop&gt;<br/>refused\"]\n  n1 --> n2\n", all.Mermaid())
	require.Contains(t, all.DOT(), "n1 -> n2;")
	require.Contains(t, all.DOT(), `label="VpcLink\nlink\nok"`)
}

func TestSVGIsWellFormedAndMarksWhatIsBad(t *testing.T) {
	picture := Dependencies(nodes()).SVG()
	decoder := xml.NewDecoder(strings.NewReader(picture))
	for {
		if _, err := decoder.Token(); err != nil {
			require.ErrorIs(t, err, io.EOF)
			break
		}
	}
	require.Equal(t, 1, strings.Count(picture, `class="bad"`))
	require.Contains(t, picture, "&lt;shop&gt;")
}

func TestChainFollowsARequest(t *testing.T) {
	text := Chain(nodes()).Mermaid()
	require.Contains(t, text, "n0[\"Stage")
	require.Contains(t, text, "n0 --> n1\n")
	require.Contains(t, text, "n1 --> n2\n", "the link leads to the balancer, against the order in which they are made")
}

// A stack of any size makes a graph that Mermaid draws, and a report that fits a comment; what is broken is still told.
func TestGraphAndSummaryAreBounded(t *testing.T) {
	var many []Node
	var steps []Step
	for _, hop := range hops {
		for i := range 500 {
			many = append(many, Node{URN: fmt.Sprintf("%s%s::n%d", prefix, hop, i), Type: hop, Status: map[bool]string{true: "refused"}[i == 300]})
			steps = append(steps, Step{URN: many[len(many)-1].URN, Type: hop, Op: "create"})
		}
	}
	drawn := Chain(many).Mermaid()
	require.Less(t, strings.Count(drawn, "-->"), 500)
	require.Contains(t, drawn, "500 of them<br/>n300: refused")
	text := Summary{Operation: "up", Stack: "s", Target: "aws", Steps: steps, Failure: "no\nreason"}.Markdown()
	require.Less(t, len(text), 65536)
	require.Contains(t, text, "**Failed**\n\n```text\nno\nreason\n```\n")
	require.Regexp(t, `\| … \| and \d+ more \|`, text)
	long := strings.Repeat("x", 100_000)
	texts := []string{long}
	for range 1000 {
		texts = append(texts, "a problem")
	}
	text = Summary{Operation: "up", Stack: "s", Steps: steps, Failure: long, Problems: texts, WeakerAccess: texts}.Markdown()
	require.Less(t, len(text), 65536)
	require.Contains(t, text, "### apigw-ingress up: stack `s`\n")
	require.Contains(t, text, "- and 1000 more")
}

package report

import (
	"encoding/xml"
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
	require.Equal(t, "flowchart LR\n  n0[\"LoadBalancer<br/>balancer\"]\n  n1[\"VpcLink<br/>link<br/>ok\"]\n  n0 --> n1\n  n2[\"Stage<br/>&lt;shop&gt;<br/>refused\"]\n  n1 --> n2\n", all.Mermaid())
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

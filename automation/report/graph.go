package report

import (
	"fmt"
	"slices"
	"strings"
)

// Node is a resource.
type Node struct {
	URN, Type string
	// DependsOn are the URNs of resources that must exist before.
	DependsOn []string
	// Status is a word about its health; empty when nothing is known.
	Status string
	// label overrides the name.
	label string
}

// Graph is a set of nodes, to be drawn in one of several formats.
type Graph struct{ nodes []Node }

// Dependencies is the graph of every resource that is not a component or a provider.
func Dependencies(nodes []Node) Graph {
	kept := map[string]bool{}
	g := Graph{}
	for _, n := range nodes {
		if strings.Contains(n.Type, "/") {
			kept[n.URN] = true
			g.nodes = append(g.nodes, n)
		}
	}
	for i := range g.nodes {
		g.nodes[i].DependsOn = slices.DeleteFunc(slices.Clone(g.nodes[i].DependsOn), func(urn string) bool { return !kept[urn] })
	}
	return g
}

// hops are the types along a request's way, in its order.
var hops = []string{
	"aws:route53/record:Record", "aws:apigateway/domainName:DomainName", "aws:wafv2/webAcl:WebAcl",
	"aws:apigateway/stage:Stage", "aws:apigateway/restApi:RestApi", "aws:apigateway/vpcLink:VpcLink",
	"aws:lb/loadBalancer:LoadBalancer", "aws:lb/listener:Listener", "aws:lb/targetGroup:TargetGroup", "aws:eks/nodeGroup:NodeGroup",
	"kubernetes:core/v1:Service", "kubernetes:apps/v1:Deployment",
}

// Chain is the way of a request: each hop leads to the next one that exists.
func Chain(nodes []Node) Graph {
	var g Graph
	var previous []string
	for _, hop := range hops {
		var here []string
		for _, n := range bounded(nodes, hop) {
			n.DependsOn = previous
			g.nodes = append(g.nodes, n)
			here = append(here, n.URN)
		}
		if len(here) > 0 {
			previous = here
		}
	}
	return g
}

// mostInHop keeps the edges between two hops few: Mermaid draws no more than 500 in all
// (https://mermaid.js.org/config/schema-docs/config.html, maxEdges).
const mostInHop = 6

// bounded are the nodes of a type, or one that stands for all when there are too many.
func bounded(nodes []Node, hop string) []Node {
	var here []Node
	for _, n := range nodes {
		if n.Type == hop {
			here = append(here, Node{URN: n.URN, Type: n.Type, Status: n.Status})
		}
	}
	if len(here) <= mostInHop {
		return here
	}
	all := here[0]
	all.label = fmt.Sprintf("%d of them", len(here))
	for _, n := range here {
		if n.Status != "" && n.Status != "ok" {
			all.Status = n.name() + ": " + n.Status
		}
	}
	return []Node{all}
}

func (n Node) name() string {
	if n.label != "" {
		return n.label
	}
	return n.URN[strings.LastIndexByte(n.URN, ':')+1:]
}

// kind is the type's last part: Vpc of aws:ec2/vpc:Vpc.
func (n Node) kind() string { return n.Type[strings.LastIndexByte(n.Type, ':')+1:] }

func (n Node) text() string {
	text := n.kind() + "\n" + n.name()
	if n.Status != "" {
		text += "\n" + n.Status
	}
	return text
}

func (g Graph) index() map[string]int {
	index := map[string]int{}
	for i, n := range g.nodes {
		index[n.URN] = i
	}
	return index
}

// Mermaid draws for Markdown: https://mermaid.js.org/syntax/flowchart.html
func (g Graph) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	index := g.index()
	for i, n := range g.nodes {
		fmt.Fprintf(&b, "  n%d[\"%s\"]\n", i, strings.ReplaceAll(markup(n.text()), "\n", "<br/>"))
		for _, urn := range n.DependsOn {
			fmt.Fprintf(&b, "  n%d --> n%d\n", index[urn], i)
		}
	}
	return b.String()
}

// DOT draws for Graphviz: https://graphviz.org/doc/info/lang.html
func (g Graph) DOT() string {
	var b strings.Builder
	b.WriteString("digraph stack {\n  rankdir=LR;\n  node [shape=box];\n")
	index := g.index()
	for i, n := range g.nodes {
		fmt.Fprintf(&b, "  n%d [label=%q];\n", i, printableLines(n.text()))
		for _, urn := range n.DependsOn {
			fmt.Fprintf(&b, "  n%d -> n%d;\n", index[urn], i)
		}
	}
	b.WriteString("}\n")
	return b.String()
}

// Sizes of the picture in pixels.
const (
	boxWidth, boxHeight = 190, 52
	gapX, gapY          = 60, 16
	margin              = 20
)

// SVG draws a picture that stands alone: each node right of everything that it depends on.
func (g Graph) SVG() string {
	columns, place := g.layout()
	rows := 0
	for _, column := range columns {
		rows = max(rows, len(column))
	}
	width, height := 2*margin+len(columns)*(boxWidth+gapX)-gapX, 2*margin+rows*(boxHeight+gapY)-gapY
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11">`+"\n", width, height, width, height)
	b.WriteString(`<style>rect{fill:#f6f8fa;stroke:#57606a}.bad rect{fill:#ffebe9;stroke:#cf222e}path{fill:none;stroke:#8c959f}.kind{font-weight:bold}@media(prefers-color-scheme:dark){rect{fill:#161b22;stroke:#8b949e}text{fill:#e6edf3}.bad rect{fill:#490202}}</style>` + "\n")
	index := g.index()
	for i, n := range g.nodes {
		for _, urn := range n.DependsOn {
			from, to := place[index[urn]], place[i]
			x1, y1, x2, y2 := from.x+boxWidth, from.y+boxHeight/2, to.x, to.y+boxHeight/2
			middle := (x1 + x2) / 2
			fmt.Fprintf(&b, `<path d="M%d %dC%d %d %d %d %d %d"/>`+"\n", x1, y1, middle, y1, middle, y2, x2, y2)
		}
	}
	for i, n := range g.nodes {
		class := ""
		if n.Status != "" && n.Status != "ok" {
			class = ` class="bad"`
		}
		p := place[i]
		fmt.Fprintf(&b, `<g%s><title>%s</title><rect x="%d" y="%d" width="%d" height="%d" rx="4"/>`, class, markup(n.URN), p.x,
			p.y, boxWidth, boxHeight)
		for line, text := range strings.Split(n.text(), "\n") {
			kind := ""
			if line == 0 {
				kind = ` class="kind"`
			}
			fmt.Fprintf(&b, `<text%s x="%d" y="%d">%s</text>`, kind, p.x+8, p.y+16+line*15, markup(shorten(text)))
		}
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func shorten(text string) string {
	const longest = 30
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest-1]) + "…"
	}
	return text
}

type point struct{ x, y int }

// layout gives each node a column after those of its dependencies.
func (g Graph) layout() (columns [][]int, place []point) {
	index := g.index()
	depth := make([]int, len(g.nodes))
	// Longest paths; in a graph without circles they are found after as many rounds as it is deep.
	for changed := true; changed; {
		changed = false
		for i, n := range g.nodes {
			for _, urn := range n.DependsOn {
				if d := depth[index[urn]] + 1; d > depth[i] && d <= len(g.nodes) {
					depth[i], changed = d, true
				}
			}
		}
	}
	place = make([]point, len(g.nodes))
	for i := range g.nodes {
		for len(columns) <= depth[i] {
			columns = append(columns, nil)
		}
		place[i] = point{margin + depth[i]*(boxWidth+gapX), margin + len(columns[depth[i]])*(boxHeight+gapY)}
		columns[depth[i]] = append(columns[depth[i]], i)
	}
	return columns, place
}

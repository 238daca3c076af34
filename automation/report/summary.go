package report

import (
	"fmt"
	"strings"
	"time"
)

// Summary is what a report about an operation tells.
type Summary struct {
	// Operation is its verb, such as up or preview.
	Operation, Stack, Target string
	Changes                  Changes
	Took                     time.Duration
	// Endpoint is the API's; empty when it is not known.
	Endpoint string
	// WeakerAccess says in which ways the API lets in more than before.
	WeakerAccess []string
	// Failure is why the operation failed; empty for one that did not.
	Failure string
	// Problems are what the engine and the policies complained of.
	Problems []string
	Steps    []Step
}

// Markdown is the report for a pull request's comment or a job's summary.
func (s Summary) Markdown() string {
	var b strings.Builder
	changes := s.Changes.Done()
	if s.Operation == "preview" {
		changes = s.Changes.Planned()
	}
	fmt.Fprintf(&b, "### apigw-ingress %s: stack `%s` on %s\n\n", s.Operation, s.Stack, s.Target)
	if len(s.WeakerAccess) > 0 {
		b.WriteString("> [!CAUTION]\n> **Weaker access**: this lets in more than what was deployed.\n>\n")
		for _, way := range s.WeakerAccess {
			fmt.Fprintf(&b, "> - %s\n", code(way))
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "%s, in %.1f s.\n", upperFirst(changes), s.Took.Seconds())
	if s.Failure != "" {
		fmt.Fprintf(&b, "\n**Failed**\n\n%s", block(s.Failure))
	}
	if s.Endpoint != "" {
		fmt.Fprintf(&b, "\nEndpoint: `%s`\n", s.Endpoint)
	}
	if len(s.Problems) > 0 {
		b.WriteString("\n**Errors**\n\n")
		for _, text := range s.Problems {
			fmt.Fprintf(&b, "- %s\n", code(text))
		}
	}
	s.writeSteps(&b)
	return b.String()
}

// mostRows keeps a report shorter than GitHub allows a comment to be, 65,536 characters.
const mostRows = 250

func (s Summary) writeSteps(b *strings.Builder) {
	var rows strings.Builder
	var nodes []Node
	changed := 0
	for _, step := range s.Steps {
		if step.Op != "delete" {
			nodes = append(nodes, Node{URN: step.URN, Type: step.Type})
		}
		if step.Op != "same" && step.Op != "read" && !strings.HasPrefix(step.Type, "pulumi:") {
			if changed++; changed <= mostRows {
				fmt.Fprintf(&rows, "| %s | `%s` | %s |\n", step.Op, step.Type, cell(step.Name()))
			}
		}
	}
	if changed > mostRows {
		fmt.Fprintf(&rows, "| … | and %d more | |\n", changed-mostRows)
	}
	if rows.Len() > 0 {
		fmt.Fprintf(b, "\n<details><summary>Changes</summary>\n\n| what | type | name |\n| --- | --- | --- |\n%s\n</details>\n", rows.String())
	}
	if s.Operation == "destroy" {
		return
	}
	if estimate := Cost(s.Steps); len(estimate.Items) > 0 {
		fmt.Fprintf(b, "\nAbout **%.0f USD a month** in AWS besides traffic (`apigw-ingress cost`).\n", estimate.MonthlyUSD)
	}
	fmt.Fprintf(b, "\n```mermaid\n%s```\n", Chain(nodes).Mermaid())
}

func upperFirst(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

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
	fmt.Fprintf(&b, "### apigw-ingress %s: stack %s%s\n\n", s.Operation, code(s.Stack), on(s.Target))
	if len(s.WeakerAccess) > 0 {
		b.WriteString("> [!CAUTION]\n> **Weaker access**: this lets in more than what was deployed.\n>\n")
		b.WriteString(list("> - ", s.WeakerAccess) + "\n")
	}
	fmt.Fprintf(&b, "%s, in %.1f s.\n", upperFirst(changes), s.Took.Seconds())
	if s.Failure != "" {
		fmt.Fprintf(&b, "\n**Failed**\n\n%s", block(cut(s.Failure)))
	}
	if s.Endpoint != "" {
		fmt.Fprintf(&b, "\nEndpoint: `%s`\n", s.Endpoint)
	}
	if len(s.Problems) > 0 {
		b.WriteString("\n**Errors**\n\n" + list("- ", s.Problems))
	}
	s.writeSteps(&b)
	return b.String()
}

// A report is shorter than GitHub allows a comment to be, 65,536 characters, however much there is to tell: a table and each
// list of texts have their part of that, in bytes, and the chain is bounded by itself.
const (
	longestTable = 16 << 10
	longestText  = 6 << 10
)

// on is the place of a stack; empty where it is not known.
func on(target string) string {
	if target == "" {
		return ""
	}
	return " on " + target
}

// list has an item for each text, as far as there is room for them.
func list(bullet string, texts []string) string {
	var b strings.Builder
	for i, text := range texts {
		item := bullet + code(cut(text)) + "\n"
		if i > 0 && b.Len()+len(item) > longestText {
			fmt.Fprintf(&b, "%sand %d more\n", bullet, len(texts)-i)
			break
		}
		b.WriteString(item)
	}
	return b.String()
}

// cut is a text as far as there is room for it.
func cut(text string) string {
	if len(text) <= longestText {
		return text
	}
	return strings.ToValidUTF8(text[:longestText], "") + "…"
}

func (s Summary) writeSteps(b *strings.Builder) {
	var rows strings.Builder
	var nodes []Node
	left := 0
	for _, step := range s.Steps {
		if step.Op != "delete" {
			nodes = append(nodes, Node{URN: step.URN, Type: step.Type})
		}
		if step.Op != "same" && step.Op != "read" && !strings.HasPrefix(step.Type, "pulumi:") {
			row := fmt.Sprintf("| %s | `%s` | %s |\n", step.Op, step.Type, cell(step.Name()))
			if rows.Len()+len(row) <= longestTable {
				rows.WriteString(row)
			} else {
				left++
			}
		}
	}
	if left > 0 {
		fmt.Fprintf(&rows, "| … | and %d more | |\n", left)
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

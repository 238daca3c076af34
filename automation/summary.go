package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/cost"
	"github.com/apigateway-ingress/apigateway-ingress/automation/graph"
)

// markdown is the report that --summary writes: for a pull request's comment or a job's summary.
func (a *app) markdown(o *operation) string {
	var b strings.Builder
	changes := describeChanges(o.changes)
	if o.name == "preview" {
		changes = describePlanned(o.changes)
	}
	fmt.Fprintf(&b, "### apigw-ingress %s: stack `%s` on %s\n\n%s, in %.1f s.\n", o.name, a.stack, o.project.Target, upperFirst(changes), time.Since(o.started).Seconds())
	if endpoint, _ := o.outputs["apiEndpoint"].Value.(string); endpoint != "" {
		fmt.Fprintf(&b, "\nEndpoint: `%s`\n", endpoint)
	}
	if len(o.watcher.errors) > 0 {
		b.WriteString("\n**Errors**\n\n")
		for _, text := range o.watcher.errors {
			fmt.Fprintf(&b, "- %s\n", strings.ReplaceAll(text, "\n", " "))
		}
	}
	var rows strings.Builder
	var nodes []graph.Node
	var items []cost.Resource
	for _, s := range o.watcher.steps {
		if s.Op != "delete" {
			items = append(items, cost.Resource{Type: s.Type, Name: s.Name, Inputs: s.New})
			nodes = append(nodes, graph.Node{URN: s.URN, Type: s.Type})
		}
		if s.Op != "same" && s.Op != "read" && !strings.HasPrefix(s.Type, "pulumi:") {
			fmt.Fprintf(&rows, "| %s | `%s` | %s |\n", s.Op, s.Type, s.Name)
		}
	}
	if rows.Len() > 0 {
		fmt.Fprintf(&b, "\n<details><summary>Changes</summary>\n\n| what | type | name |\n| --- | --- | --- |\n%s\n</details>\n", rows.String())
	}
	if o.name != "destroy" {
		if estimate := cost.Of(items); len(estimate.Items) > 0 {
			fmt.Fprintf(&b, "\nAbout **%.0f USD a month** in AWS besides traffic (`apigw-ingress cost`).\n", estimate.MonthlyUSD)
		}
		fmt.Fprintf(&b, "\n```mermaid\n%s```\n", graph.Chain(nodes).Mermaid())
	}
	return b.String()
}

func upperFirst(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

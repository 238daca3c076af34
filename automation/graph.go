package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/apigateway-ingress/apigateway-ingress/automation/awscloud"
	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/automation/graph"
	"github.com/apigateway-ingress/apigateway-ingress/automation/timeline"
	"github.com/spf13/cobra"
)

func (a *app) graphCommand() *cobra.Command {
	var (
		format string
		all    bool
		asTime bool
	)
	command := &cobra.Command{
		Use:   "graph",
		Short: "Draw what a stack consists of",
		Long: `graph draws the way of a request through a stack, or with --all every resource and what it depends on. What does not
work at the moment is marked. Formats: mermaid for Markdown, dot for Graphviz, svg for a browser.
With --timeline it draws as svg when each step of the last up or destroy began and ended, and its critical path.`,
		Example: `  apigw-ingress graph --format svg > graph.svg
  apigw-ingress graph --timeline > timeline.svg
  apigw-ingress graph --all --format dot | dot -Tpng > graph.png`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asTime {
				return a.drawTimeline(cmd.Context())
			}
			return a.graph(cmd.Context(), format, all)
		},
	}
	command.Flags().StringVar(&format, "format", "mermaid", "mermaid, dot or svg")
	command.Flags().BoolVar(&all, "all", false, "draw every resource")
	command.Flags().BoolVar(&asTime, "timeline", false, "draw the time that the last operation took, as svg")
	command.MarkFlagsMutuallyExclusive("all", "timeline")
	return command
}

func (a *app) graph(ctx context.Context, format string, all bool) error {
	session, err := a.readSession(ctx)
	if err != nil {
		return err
	}
	resources, err := session.Resources(ctx)
	if err != nil {
		return err
	}
	status := a.liveStatus(ctx, session.Project, resources)
	nodes := make([]graph.Node, 0, len(resources))
	for _, r := range resources {
		nodes = append(nodes, graph.Node{URN: r.URN, Type: r.Type, DependsOn: r.Dependencies, Status: status[r.URN]})
	}
	drawing := graph.Chain(nodes)
	if all {
		drawing = graph.All(nodes)
	}
	switch format {
	case "mermaid":
		fmt.Fprint(a.out, drawing.Mermaid())
	case "dot":
		fmt.Fprint(a.out, drawing.DOT())
	case "svg":
		fmt.Fprint(a.out, drawing.SVG())
	default:
		return withCode(exitUsage, fmt.Errorf("format %q is not known: write mermaid, dot or svg", format))
	}
	return nil
}

func (a *app) drawTimeline(ctx context.Context) error {
	session, err := a.readSession(ctx)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(a.timelinePath())
	if errors.Is(err, os.ErrNotExist) {
		return withCode(exitUsage, fmt.Errorf("nothing has been changed in stack %s from here yet: run `%s up`", a.stack, a.commandName()))
	}
	if err != nil {
		return err
	}
	var steps []timeline.Step
	if err := json.Unmarshal(content, &steps); err != nil {
		return err
	}
	resources, err := session.Resources(ctx)
	if err != nil {
		return err
	}
	fmt.Fprint(a.out, timeline.SVG("last operation on stack "+a.stack, steps, engine.Needs(resources)))
	return nil
}

// liveStatus tells of a resource whether it works, where that is known.
func (a *app) liveStatus(ctx context.Context, project *engine.Project, resources []engine.Resource) map[string]string {
	status := map[string]string{}
	hops, err := a.hops(ctx, project, resources)
	if err != nil {
		fmt.Fprintf(a.errOut, "warning: the graph is without its live status: %s\n", err)
	}
	for _, hop := range hops {
		switch {
		case hop.Health == awscloud.Broken:
			status[hop.URN] = hop.Detail
		case status[hop.URN] == "":
			status[hop.URN] = string(hop.Health)
		}
	}
	return status
}

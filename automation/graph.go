package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/automation/graph"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/daemon"
	"github.com/spf13/cobra"
)

func (a *app) graphCommand() *cobra.Command {
	var (
		format string
		all    bool
	)
	command := &cobra.Command{
		Use:   "graph",
		Short: "Draw what a stack consists of",
		Long: `graph draws the way of a request through a stack, or with --all every resource and what it depends on. On the
local target what does not work is marked. Formats: mermaid for Markdown, dot for Graphviz, svg for a browser.`,
		Example: `  apigw-ingress graph --format svg > graph.svg
  apigw-ingress graph --all --format dot | dot -Tpng > graph.png`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.graph(cmd.Context(), format, all) },
	}
	command.Flags().StringVar(&format, "format", "mermaid", "mermaid, dot or svg")
	command.Flags().BoolVar(&all, "all", false, "draw every resource")
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
	status := a.liveStatus(ctx, session.Project)
	nodes := make([]graph.Node, 0, len(resources))
	for _, r := range resources {
		nodes = append(nodes, graph.Node{URN: r.URN, Type: r.Type, DependsOn: r.Dependencies, Status: status(r)})
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

// liveStatus tells of a resource whether it works, where that is known: on the local target.
func (a *app) liveStatus(ctx context.Context, project *engine.Project) func(engine.Resource) string {
	unknown := func(engine.Resource) string { return "" }
	if project.Target != engine.Local {
		return unknown
	}
	client, err := daemon.NewClient(a.stateDir)
	if err != nil {
		return unknown
	}
	status, running, err := client.Status(ctx)
	if err != nil || !running {
		return func(r engine.Resource) string {
			if strings.Contains(r.Type, "/") {
				return "not running"
			}
			return ""
		}
	}
	return func(r engine.Resource) string {
		switch r.Type {
		case "aws:apigateway/stage:Stage":
			for _, way := range status.Ways {
				if r.Inputs["restApi"] == way.API && r.Inputs["stageName"] == way.Stage && way.Problem != "" {
					return way.Problem
				}
			}
			return "ok"
		case "kubernetes:apps/v1:Deployment":
			return podStatus(status, r.ID)
		}
		return ""
	}
}

// podStatus is about the pods of a Deployment, whose names begin with its own.
func podStatus(status daemon.Status, id string) string {
	namespace, name, _ := strings.Cut(id, "/")
	for _, pod := range status.Pods {
		if pod.Namespace == namespace && strings.HasPrefix(pod.Name, name+"-") && !pod.Ready {
			return pod.Reason
		}
	}
	return "ok"
}

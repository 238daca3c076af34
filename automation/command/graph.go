package command

import (
	"context"
	"fmt"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/apigateway-ingress/apigateway-ingress/automation/report"
	"github.com/spf13/cobra"
)

func graphCommand(s *shared) *cobra.Command {
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
				return s.drawTimeline(cmd.Context())
			}
			return s.graph(cmd.Context(), format, all)
		},
	}
	command.Flags().StringVar(&format, "format", "mermaid", "mermaid, dot or svg")
	command.Flags().BoolVar(&all, "all", false, "draw every resource")
	command.Flags().BoolVar(&asTime, "timeline", false, "draw the time that the last operation took, as svg")
	command.MarkFlagsMutuallyExclusive("all", "timeline")
	completeFlag(command, "format", fixed("mermaid", "dot", "svg"))
	return command
}

// drawingJSON is a drawing for machines.
type drawingJSON struct {
	Format string `json:"format"`
	Text   string `json:"text"`
}

func (s *shared) graph(ctx context.Context, format string, all bool) error {
	resources, err := operation.Resources(ctx, s.options())
	if err != nil {
		return err
	}
	health, err := operation.Health(ctx, s.options(), resources)
	if err != nil {
		return err
	}
	nodes := make([]report.Node, 0, len(resources))
	for _, r := range resources {
		nodes = append(nodes, report.Node{URN: r.URN, Type: r.Type, DependsOn: r.Dependencies, Status: health[r.URN]})
	}
	drawing := report.Chain(nodes)
	if all {
		drawing = report.Dependencies(nodes)
	}
	formats := map[string]func() string{"mermaid": drawing.Mermaid, "dot": drawing.DOT, "svg": drawing.SVG}
	draw, known := formats[format]
	if !known {
		return usage(fmt.Errorf("format %q is not known: write mermaid, dot or svg", format))
	}
	return s.print(drawingJSON{format, draw()}, func() { s.printf("%s", draw()) })
}

func (s *shared) drawTimeline(ctx context.Context) error {
	steps, resources, err := operation.Timeline(ctx, s.options())
	if err != nil {
		return err
	}
	drawing := report.Timeline("last operation on stack "+s.stack, steps, engine.Needs(resources))
	return s.print(drawingJSON{"svg", drawing}, func() { s.printf("%s", drawing) })
}

package command

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/spf13/cobra"
)

func statusCommand(s *shared) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show what a stack is, and whether every hop of its chain works",
		Long: `status shows a stack: its last update, operations that have no outcome, who holds its lock, and the health of every
hop between a client and the pods, as AWS and the cluster or the local cloud tell it; then the routes of the config with the
health of their services. A hop that is broken, or degraded because not all of its pods are ready, exits with 8. Errors are the
answers of 400 and more in the access log's last minutes.`,
		Example: `  apigw-ingress status
  apigw-ingress --stack production status --json`,
		Args: usageArgs(cobra.NoArgs),
		RunE: verb(func(ctx context.Context) error {
			status, err := operation.Status(ctx, s.options())
			if status == nil {
				return err
			}
			return join(s.print(status, func() { s.printStatus(status) }), err)
		}),
	}
}

func (s *shared) printStatus(r *operation.StackStatus) {
	self := s.self()
	s.printf("stack        %s\ntarget       %s\n", r.Stack, r.Target)
	if r.Exists {
		s.printf("resources    %d\nlast update  %s\nendpoint     %s\n", r.Resources, lastUpdate(r), r.Endpoint)
	} else {
		s.printf("resources    none: run `%s up`\n", self)
	}
	if r.Pending > 0 {
		s.printf("pending      %d operations without an outcome: run `%s up` or `%s refresh`\n", r.Pending, self, self)
	}
	for _, notice := range r.OlderDeployments {
		s.printf("attention    %s\n", notice)
	}
	for _, h := range r.LockedBy {
		s.printf("locked       by process %d of %s on %s\n", h.PID, h.Username, h.Hostname)
	}
	switch {
	case r.LocalCloud != nil:
		s.printf("local cloud  running, process %d, log %s\n", r.LocalCloud.PID, r.LocalCloud.Log)
	case r.Target == engine.Local:
		s.printf("local cloud  not running\n")
	}
	for _, key := range r.Keys {
		s.printf("access key   %s %s\n", key.ID, used(key))
	}
	if r.RecentErrors != nil {
		s.printf("errors       %s\n", recentErrors(r.RecentErrors))
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	for _, hop := range r.Hops {
		fmt.Fprintf(w, "  %s\t%s\t%s\n", hop.Health, hop.Name, plain(hop.Detail))
	}
	for _, route := range r.Routes {
		fmt.Fprintf(w, "  %s\troute %s %s%s to %s/%s\t%s\n", route.Health, strings.Join(route.Methods, ","),
			strings.TrimPrefix(route.Host, "*"), route.Path, route.Namespace, route.Service, plain(route.Detail))
	}
	// What cannot be written is told at the end, as for all that is printed.
	_ = w.Flush()
}

// lastUpdate says beside the time how the last operation ended, unless it was an update that succeeded.
func lastUpdate(r *operation.StackStatus) string {
	switch {
	case r.LastResult != "" && r.LastResult != "succeeded":
		return fmt.Sprintf("%s, %s: the %s is not complete", r.LastUpdate, r.LastResult, r.LastOperation)
	case r.LastOperation != "" && r.LastOperation != "update":
		return fmt.Sprintf("%s, a %s", r.LastUpdate, r.LastOperation)
	}
	return r.LastUpdate
}

// recentErrors counts answers by their status, with how many that is in a minute.
func recentErrors(r *operation.RecentErrors) string {
	classes := map[byte]int{}
	var counts []string
	for _, status := range slices.Sorted(maps.Keys(r.ByStatus)) {
		n := r.ByStatus[status]
		classes[status[0]] += n
		counts = append(counts, fmt.Sprintf("%d × %s", n, status))
	}
	if len(counts) == 0 {
		return fmt.Sprintf("none in the last %d minutes", r.Minutes)
	}
	rate := func(class byte) float64 { return float64(classes[class]) / float64(r.Minutes) }
	return fmt.Sprintf("in the last %d minutes %s: 4xx %.1f a minute, 5xx %.1f a minute", r.Minutes, strings.Join(counts, ", "),
		rate('4'), rate('5'))
}

func used(key operation.AccessKey) string {
	switch {
	case key.Unknown != "":
		return "last use unknown: " + key.Unknown
	case key.LastUsed == nil:
		return "never used"
	}
	return "last used " + key.LastUsed.UTC().Format(time.RFC3339)
}

package command

import (
	"context"
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
hop between a client and the pods, as AWS and the cluster or the local cloud tell it. A hop that is broken exits with 8.`,
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
		s.printf("resources    %d\nlast update  %s\nendpoint     %s\n", r.Resources, r.LastUpdate, r.Endpoint)
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
	for _, hop := range r.Hops {
		s.printf("  %-8s %-50s %s\n", hop.Health, hop.Name, hop.Detail)
	}
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

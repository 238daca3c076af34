package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/automation/controller"
	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// controllerFlags say which cluster is watched, and how.
type controllerFlags struct {
	kubeconfig, context  string
	once, dryRun         bool
	lease                string
	name, metrics, probe string
}

func controllerCommand(s *shared) *cobra.Command {
	var flags controllerFlags
	command := &cobra.Command{
		Use:   "controller",
		Short: "Serve the Ingresses of a running cluster",
		Long: `controller watches the Ingresses, IngressClasses and Services of a cluster, and brings the stack up whenever the routes
that they make have changed. It serves the Ingresses whose IngressClass names it in spec.controller, in place of the
manifests that the stack's config names. A bad Ingress is left out, and told why by an Event. Deleted Ingresses lose
their routes; the stack itself stays until destroy. The first signal lets an operation that is under way stop cleanly.`,
		Example: `  apigw-ingress controller --kubeconfig ~/.kube/config
  apigw-ingress controller --stack production --lease-namespace gateway
  apigw-ingress controller --dry-run
  apigw-ingress controller --once`,
		Args: usageArgs(cobra.NoArgs),
		RunE: verb(func(ctx context.Context) error { return s.controller(ctx, flags) }),
	}
	f := command.Flags()
	f.StringVar(&flags.kubeconfig, "kubeconfig", "", "file that says how to reach the cluster (default $KUBECONFIG, ~/.kube/config, or "+
		"the cluster in which it runs)")
	f.StringVar(&flags.context, "context", "", "context of the kubeconfig")
	f.BoolVar(&flags.once, "once", false, "serve what is there now, and end")
	f.BoolVar(&flags.dryRun, "dry-run", false, "print the routes and what would change, and change nothing")
	f.StringVar(&flags.lease, "lease-namespace", "", "namespace of the Lease by which one of several replicas leads; empty for one alone")
	f.StringVar(&flags.name, "name", controller.DefaultName, "what spec.controller says in the IngressClasses that are served")
	f.StringVar(&flags.metrics, "metrics-address", "", "where to serve Prometheus metrics, such as :8080; empty is nowhere")
	f.StringVar(&flags.probe, "probe-address", "", "where to serve /healthz and /readyz, such as :8081; empty is nowhere")
	command.MarkFlagsMutuallyExclusive("once", "dry-run")
	return command
}

func (s *shared) controller(ctx context.Context, flags controllerFlags) error {
	ctx, giveUp, done := interruptible(ctx)
	defer done()
	log := slog.New(s.logHandler())
	o := s.options()
	o.GiveUp = giveUp
	stack, err := controller.OpenStack(o, flags.name)
	if err != nil {
		return err
	}
	config, err := clusterConfig(flags.kubeconfig, flags.context)
	if err != nil {
		return usage(err)
	}
	options := controller.Options{
		Name: flags.name, Gateway: stack, LeaseNamespace: flags.lease, MetricsAddress: flags.metrics, ProbeAddress: flags.probe, Log: log,
	}
	switch {
	case flags.dryRun:
		return s.lookAtCluster(ctx, config, stack, options)
	case flags.once:
		return controller.Once(ctx, config, options)
	}
	return controller.Run(ctx, config, options)
}

func (s *shared) logHandler() slog.Handler {
	if s.json {
		return slog.NewJSONHandler(s.errOut, nil)
	}
	return slog.NewTextHandler(s.errOut, nil)
}

// clusterConfig is how to reach a cluster, as kubectl finds it, or in a pod that of its cluster.
func clusterConfig(file, name string) (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = file
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules,
		&clientcmd.ConfigOverrides{CurrentContext: name}).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w: name a file with --kubeconfig", err)
	}
	return config, nil
}

// lookAtCluster prints the routes, and what up would change.
func (s *shared) lookAtCluster(ctx context.Context, config *rest.Config, stack *controller.Stack, options controller.Options) error {
	plan, err := controller.Look(ctx, config, options)
	if err != nil {
		return err
	}
	result, err := stack.Preview(ctx, plan.Manifests)
	if err != nil {
		return err
	}
	var refused []string
	for _, ruling := range plan.Rulings {
		if ruling.Err != nil {
			refused = append(refused, ruling.Err.Error())
		}
	}
	if s.json {
		return s.printJSON(map[string]any{"routes": plan.Table.Rows(), "refused": refused, "changes": result.Changes})
	}
	printing := s.printRoutes(plan.Table.Rows())
	s.printf("\nPreview of stack %s: %s.\n", s.stack, result.Changes.Planned())
	if len(refused) > 0 {
		return usage(errors.Join(printing, errors.New("these Ingresses are refused:\n"+strings.Join(refused, "\n"))))
	}
	return printing
}

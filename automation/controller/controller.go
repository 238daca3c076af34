// Package controller keeps a stack as the Ingresses of a running cluster want it: it watches them, makes one table of them,
// and brings the stack up with it whenever the table has changed.
//
// It decides nothing about routes and does nothing to AWS by itself: package ingress admits Ingresses one by one, and package
// operation brings stacks up. Other kinds of objects that make routes are added to snapshot, and their status to report.
package controller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrl "sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// DefaultName is what spec.controller says in the IngressClasses that a controller serves, unless it is told another name.
const DefaultName = "apigateway-ingress.io/controller"

// Options are how a controller works.
type Options struct {
	// Name is what spec.controller says in the IngressClasses that are served; empty is DefaultName. Of two controllers in one
	// cluster each has its own, and its own stack.
	Name string
	// Gateway is what the routes are for.
	Gateway Gateway
	// Quiet is how long nothing must change before an operation, and MaxDelay how long changes can put it off. 0 are 200 ms
	// and 3 s.
	Quiet, MaxDelay time.Duration
	// LeaseNamespace is where the Lease of the leader is. Empty elects none: the controller is the only one.
	LeaseNamespace string
	// MetricsAddress and ProbeAddress are where metrics, and the probes /healthz and /readyz, are served; empty is nowhere.
	MetricsAddress, ProbeAddress string
	// Log gets what happens.
	Log *slog.Logger
}

// newScheme knows the kinds that are read.
func newScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	return scheme, errors.Join(corev1.AddToScheme(scheme), networkingv1.AddToScheme(scheme))
}

// Run watches a cluster until the context ends. An operation that is under way then is stopped, and waited for.
func Run(ctx context.Context, config *rest.Config, o Options) error {
	logger := logr.FromSlogHandler(o.Log.Handler())
	ctrllog.SetLogger(logger)
	klog.SetLogger(logger)
	scheme, err := newScheme()
	if err != nil {
		return err
	}
	// What is being made is finished and recorded, however long it takes.
	unlimited := -time.Second
	m, err := manager.New(config, manager.Options{
		Scheme: scheme, Logger: logger, Metrics: metricsserver.Options{BindAddress: orNowhere(o.MetricsAddress)},
		HealthProbeBindAddress: o.ProbeAddress,
		LeaderElection:         o.LeaseNamespace != "", LeaderElectionNamespace: o.LeaseNamespace, LeaderElectionID: leaseName(o.Name),
		LeaderElectionReleaseOnCancel: true, GracefulShutdownTimeout: &unlimited,
	})
	if err != nil {
		return fmt.Errorf("cluster %s: %w", config.Host, err)
	}
	r := newReconciler(o, m.GetClient(), m.GetEventRecorder("apigateway-ingress"))
	if err := errors.Join(r.watch(m), m.AddHealthzCheck("alive", healthz.Ping), m.AddReadyzCheck("alive", healthz.Ping)); err != nil {
		return err
	}
	err = m.Start(ctx)
	// Whoever loses the Lease is not waited for by the manager, and must not go while the engine works.
	r.working.Lock()
	defer r.working.Unlock()
	return err
}

// Once looks at a cluster once, and brings the gateway up with what is there. Events are logged and not recorded.
func Once(ctx context.Context, config *rest.Config, o Options) error {
	scheme, err := newScheme()
	if err != nil {
		return err
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return fmt.Errorf("cluster %s: %w", config.Host, err)
	}
	return newReconciler(o, c, logged{o.Log}).once(ctx)
}

// Look says what Once would serve, and changes nothing.
func Look(ctx context.Context, config *rest.Config, o Options) (Plan, error) {
	scheme, err := newScheme()
	if err != nil {
		return Plan{}, err
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return Plan{}, fmt.Errorf("cluster %s: %w", config.Host, err)
	}
	return newReconciler(o, c, logged{o.Log}).look(ctx)
}

func (r *reconciler) watch(m manager.Manager) error {
	one := true
	return builder.ControllerManagedBy(m).Named("gateway").
		Watches(&networkingv1.Ingress{}, r.handler(), builder.WithPredicates(written)).
		Watches(&networkingv1.IngressClass{}, r.handler(), builder.WithPredicates(written)).
		Watches(&corev1.Service{}, r.handler(), builder.WithPredicates(otherPorts)).
		WithOptions(ctrl.Options{MaxConcurrentReconciles: 1, RateLimiter: newBackoff(), SkipNameValidation: &one, NeedLeaderElection: &one}).
		Complete(r)
}

// orNowhere is an address in the manager's words, in which empty is a port of its own choice.
func orNowhere(address string) string {
	if address == "" {
		return "0"
	}
	return address
}

package controller

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// Gateway serves the routes of a cluster.
type Gateway interface {
	// Options are by which Ingresses are judged.
	Options() ingress.Options
	// Reaches says whether the gateway gets to the pods of a Service of the cluster.
	Reaches(route.Service) bool
	// Up makes the gateway serve the manifests, and returns the URL at which it does.
	Up(ctx context.Context, m ingress.Manifests) (url string, err error)
}

// reconciler brings the gateway up when the table has changed. It works for one caller at a time.
type reconciler struct {
	name     string
	gateway  Gateway
	client   client.Client
	recorder events.EventRecorder
	log      *slog.Logger
	now      func() time.Time
	changes  *burst

	working sync.Mutex
	last    memory
	// applied is the digest of what the gateway serves, at url. Both are empty until it is known.
	applied, url string
	// told is what each Ingress was last told.
	told map[types.UID]string
}

func newReconciler(o Options, c client.Client, recorder events.EventRecorder) *reconciler {
	return &reconciler{
		name: cmp.Or(o.Name, DefaultName), gateway: o.Gateway, client: c, recorder: recorder, log: o.Log, now: time.Now,
		changes: &burst{quiet: cmp.Or(o.Quiet, defaultQuiet), maxDelay: cmp.Or(o.MaxDelay, defaultMaxDelay)},
		last:    memory{}, told: map[types.UID]string{},
	}
}

// gatewayRequest is the only one there is: all objects make one table.
var gatewayRequest = reconcile.Request{NamespacedName: types.NamespacedName{Name: "gateway"}}

func (r *reconciler) handler() handler.EventHandler {
	return handler.EnqueueRequestsFromMapFunc(func(context.Context, client.Object) []reconcile.Request {
		r.changes.change(r.now())
		return []reconcile.Request{gatewayRequest}
	})
}

// written lets pass what somebody wrote: a status is ours.
var written = predicate.Or[client.Object](predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{})

// otherPorts lets pass what is about routes in a Service.
var otherPorts = predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
	before, wasService := e.ObjectOld.(*corev1.Service)
	after, isService := e.ObjectNew.(*corev1.Service)
	return !wasService || !isService || !reflect.DeepEqual(ingress.ServiceOf(*before), ingress.ServiceOf(*after))
}}

// Reconcile waits for a burst of changes to end, and then makes the gateway what the objects say.
func (r *reconciler) Reconcile(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
	if wait := r.changes.wait(r.now()); wait > 0 {
		return reconcile.Result{RequeueAfter: wait}, nil
	}
	return reconcile.Result{}, r.once(ctx)
}

func (r *reconciler) look(ctx context.Context) (Plan, error) {
	m, err := snapshot(ctx, r.client, r.name, r.gateway.Reaches)
	if err != nil {
		return Plan{}, err
	}
	return r.last.plan(m, r.gateway.Options())
}

func (r *reconciler) once(ctx context.Context) error {
	r.working.Lock()
	defer r.working.Unlock()
	plan, err := r.look(ctx)
	if err != nil {
		return err
	}
	count(plan)
	if plan.Digest != r.applied {
		if err := r.operate(ctx, plan); err != nil {
			return err
		}
	}
	return r.report(ctx, plan)
}

// operate brings the gateway up with a plan.
func (r *reconciler) operate(ctx context.Context, plan Plan) error {
	// Until the end of an operation that fails, nobody knows what is served.
	r.applied = ""
	started := r.now()
	url, err := r.gateway.Up(ctx, plan.Manifests)
	observe(r.now().Sub(started), err)
	if err != nil {
		err = fmt.Errorf("the gateway could not be changed: %w", err)
		for _, i := range plan.Manifests.Ingresses {
			r.tell(i, corev1.EventTypeWarning, reasonRetrying, err.Error())
		}
		return err
	}
	r.log.Info("the gateway serves the cluster's routes", "routes", len(plan.Table.Routes), "ingresses", len(plan.Manifests.Ingresses),
		"url", url)
	r.applied, r.url = plan.Digest, url
	return nil
}

package controller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"reflect"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The reasons of Events.
const (
	reasonPublished = "Published"
	reasonRefused   = "Refused"
	reasonRetrying  = "Retrying"
	action          = "Reconcile"
)

// maxNote is the length of an Event's note:
// https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
const maxNote = 1024

// report tells each Ingress what became of it, and where it is served.
func (r *reconciler) report(ctx context.Context, plan Plan) error {
	served := map[client.ObjectKey]bool{}
	for _, i := range plan.Manifests.Ingresses {
		served[client.ObjectKeyFromObject(&i.Ingress)] = true
	}
	r.forget(plan)
	var problems []error
	for _, ruling := range plan.Rulings {
		i := ruling.Ingress
		if ruling.Err != nil {
			r.tell(i, corev1.EventTypeWarning, reasonRefused, ruling.Err.Error())
		} else {
			r.tell(i, corev1.EventTypeNormal, reasonPublished, strings.Join(append([]string{"served at " + r.url}, ruling.Notices...), "; "))
		}
		problems = append(problems, r.address(ctx, i, served[client.ObjectKeyFromObject(&i.Ingress)]))
	}
	return errors.Join(problems...)
}

// forget drops what Ingresses were told that are gone.
func (r *reconciler) forget(plan Plan) {
	present := map[types.UID]bool{}
	for _, ruling := range plan.Rulings {
		present[ruling.Ingress.UID] = true
	}
	maps.DeleteFunc(r.told, func(uid types.UID, _ string) bool { return !present[uid] })
}

// tell records an Event, unless it was the last that the Ingress was told.
func (r *reconciler) tell(i ingress.Ingress, kind, reason, note string) {
	if r.told[i.UID] == reason+note {
		return
	}
	r.told[i.UID] = reason + note
	if len(note) > maxNote {
		note = strings.ToValidUTF8(note[:maxNote-len("…")], "") + "…"
	}
	r.recorder.Eventf(&i.Ingress, nil, kind, reason, action, "%s", note)
}

// address writes into the status where an Ingress is served. Whoever is not served keeps the address of another controller.
func (r *reconciler) address(ctx context.Context, i ingress.Ingress, served bool) error {
	ours := addressOf(r.url)
	wanted, has := ours, i.Status.LoadBalancer
	switch {
	case served:
	case reflect.DeepEqual(has, ours):
		wanted = networkingv1.IngressLoadBalancerStatus{}
	default:
		return nil
	}
	if reflect.DeepEqual(has, wanted) {
		return nil
	}
	changed := i.DeepCopy()
	changed.Status.LoadBalancer = wanted
	err := r.client.Status().Patch(ctx, changed, client.MergeFrom(&i.Ingress))
	if apierrors.IsNotFound(err) {
		// It has just been deleted.
		return nil
	}
	if err != nil {
		return fmt.Errorf("status of ingress %s/%s: %w", i.Namespace, i.Name, err)
	}
	return nil
}

// addressOf is a URL as a status has it: a name or an address.
func addressOf(endpoint string) networkingv1.IngressLoadBalancerStatus {
	parsed, err := url.Parse(endpoint)
	if err != nil || parsed.Hostname() == "" {
		return networkingv1.IngressLoadBalancerStatus{}
	}
	address := networkingv1.IngressLoadBalancerIngress{Hostname: parsed.Hostname()}
	if ip := net.ParseIP(parsed.Hostname()); ip != nil {
		address = networkingv1.IngressLoadBalancerIngress{IP: ip.String()}
	}
	return networkingv1.IngressLoadBalancerStatus{Ingress: []networkingv1.IngressLoadBalancerIngress{address}}
}

// logged takes Events for a log.
type logged struct{ log *slog.Logger }

// Eventf writes a line.
func (l logged) Eventf(about, _ runtime.Object, kind, reason, _, note string, args ...any) {
	name := ""
	if object, ok := about.(client.Object); ok {
		name = object.GetNamespace() + "/" + object.GetName()
	}
	level := slog.LevelInfo
	if kind == corev1.EventTypeWarning {
		level = slog.LevelWarn
	}
	l.log.Log(context.Background(), level, fmt.Sprintf(note, args...), "ingress", name, "reason", reason)
}

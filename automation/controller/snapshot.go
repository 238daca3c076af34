package controller

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// snapshot are the objects of a cluster at one moment.
func snapshot(ctx context.Context, reader client.Reader, controller string, reaches func(route.Service) bool) (ingress.Manifests, error) {
	m := ingress.Manifests{Controller: controller}
	var ingresses networkingv1.IngressList
	var classes networkingv1.IngressClassList
	var services corev1.ServiceList
	for kind, list := range map[string]client.ObjectList{"Ingresses": &ingresses, "IngressClasses": &classes, "Services": &services} {
		if err := reader.List(ctx, list); err != nil {
			return m, fmt.Errorf("list %s of the cluster: %w", kind, err)
		}
	}
	for _, i := range ingresses.Items {
		// What is being deleted has no routes any more.
		if i.DeletionTimestamp == nil {
			m.Ingresses = append(m.Ingresses, ingress.Ingress{Ingress: i, Source: "cluster"})
		}
	}
	m.Classes = classes.Items
	for _, s := range services.Items {
		if service := ingress.ServiceOf(s); reaches(service) {
			m.Services = append(m.Services, service)
		}
	}
	return m, nil
}

// Plan is what is to be served.
type Plan struct {
	ingress.Admission
	// Digest is the same for tables that make no difference to a gateway.
	Digest string
}

// memory are the last valid forms of Ingresses.
type memory map[types.UID]ingress.Ingress

// plan makes a table of a snapshot. An Ingress that was valid before keeps its routes until it is valid again.
func (last memory) plan(m ingress.Manifests, options ingress.Options) (Plan, error) {
	admission, err := ingress.Admit(m, options)
	if err != nil {
		return Plan{}, err
	}
	refused := map[types.UID]error{}
	for _, ruling := range admission.Rulings {
		uid := ruling.Ingress.UID
		if valid, known := last[uid]; ruling.Err != nil && known && !same(valid, ruling.Ingress) {
			refused[uid] = ruling.Err
		}
	}
	if len(refused) > 0 {
		admission, err = last.inPlace(m, refused, options)
	}
	if err != nil {
		return Plan{}, err
	}
	last.keep(admission, refused)
	digest, err := digestOf(admission.Table)
	return Plan{admission, digest}, err
}

// inPlace admits the last valid forms in place of those that are refused.
func (last memory) inPlace(m ingress.Manifests, refused map[types.UID]error, options ingress.Options) (ingress.Admission, error) {
	m.Ingresses = slices.Clone(m.Ingresses)
	for i, found := range m.Ingresses {
		if refused[found.UID] != nil {
			m.Ingresses[i] = last[found.UID]
		}
	}
	admission, err := ingress.Admit(m, options)
	for i, ruling := range admission.Rulings {
		cause := refused[ruling.Ingress.UID]
		if cause != nil && ruling.Err == nil {
			cause = fmt.Errorf("%w; its last valid routes are served", cause)
		}
		if cause != nil {
			admission.Rulings[i].Err = cause
		}
	}
	return admission, err
}

// keep remembers what is served, and forgets what is gone.
func (last memory) keep(admission ingress.Admission, refused map[types.UID]error) {
	present := map[types.UID]bool{}
	for _, ruling := range admission.Rulings {
		uid := ruling.Ingress.UID
		present[uid] = true
		if ruling.Err == nil && refused[uid] == nil {
			last[uid] = ruling.Ingress
		}
	}
	for uid := range last {
		if !present[uid] {
			delete(last, uid)
		}
	}
}

func same(a, b ingress.Ingress) bool {
	return reflect.DeepEqual(a.Spec, b.Spec) && reflect.DeepEqual(a.Annotations, b.Annotations)
}

// digestOf leaves out what only people read.
func digestOf(table *route.Table) (string, error) {
	bare := *table
	bare.Notices = nil
	bare.Routes = slices.Clone(table.Routes)
	for i := range bare.Routes {
		bare.Routes[i].Source = ""
	}
	encoded, err := json.Marshal(bare)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:]), nil
}

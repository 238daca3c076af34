// Package refgrant reads ReferenceGrants of the Gateway API, by which the owner of a namespace consents to references into
// it: https://gateway-api.sigs.k8s.io/api-types/referencegrant/
//
// Here they consent to requests of other gateways on the same cluster. What refers to a Service then is the proxy of that
// gateway, on behalf of its Ingresses, so that `from` names the kind Ingress and the namespace of the proxy, which Kubernetes
// vouches for: whose Ingresses a proxy serves, only that proxy could say.
package refgrant

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/apigateway-ingress/apigateway-ingress/components/route/manifest"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/printable"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"
)

// Group is the API group of ReferenceGrant, in which v1beta1 and v1 are the same.
const Group = "gateway.networking.k8s.io"

// Grant is one ReferenceGrant.
type Grant struct {
	// Source is the file and document that it came from. Namespace is whose references it allows.
	Source, Namespace string
	Spec              Spec
}

// Spec is that of the Gateway API.
type Spec struct {
	From []From `json:"from"`
	To   []To   `json:"to"`
}

// From is what may refer: a kind in a namespace.
type From struct {
	Group     string `json:"group"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
}

// To is what may be referred to. Without a name it is all of the kind.
type To struct {
	Group string `json:"group"`
	Kind  string `json:"kind"`
	Name  string `json:"name,omitempty"`
}

// Of are the grants among objects. Those of a kind or version that is not known are reported.
func Of(set manifest.Set) ([]Grant, error) {
	var grants []Grant
	var problems []error
	for _, object := range set.Objects {
		if object.Kind != "ReferenceGrant" {
			continue
		}
		grant, err := parse(object)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: ReferenceGrant %s/%s: %w", object.Source, object.Namespace, object.Name, err))
			continue
		}
		grants = append(grants, grant)
	}
	return grants, printable.Error(errors.Join(problems...))
}

func parse(object manifest.Object) (Grant, error) {
	if object.APIVersion != Group+"/v1beta1" && object.APIVersion != Group+"/v1" {
		return Grant{}, fmt.Errorf("apiVersion %s is not known: write %s/v1beta1", object.APIVersion, Group)
	}
	if object.Malformed != nil {
		return Grant{}, object.Malformed
	}
	var read struct {
		metav1.TypeMeta `json:",inline"`
		Metadata        json.RawMessage `json:"metadata"`
		Spec            Spec            `json:"spec"`
	}
	strict, err := kjson.UnmarshalStrict(object.JSON, &read)
	if err := errors.Join(append(strict, err)...); err != nil {
		return Grant{}, err
	}
	if len(read.Spec.From) == 0 || len(read.Spec.To) == 0 {
		return Grant{}, errors.New("spec.from and spec.to take one entry at least")
	}
	for i, from := range read.Spec.From {
		if from.Kind == "" || from.Namespace == "" {
			return Grant{}, fmt.Errorf("spec.from[%d]: kind and namespace are required", i)
		}
	}
	namespace := object.Namespace
	if namespace == "" {
		namespace = metav1.NamespaceDefault
	}
	return Grant{Source: object.Source, Namespace: namespace, Spec: read.Spec}, nil
}

// Proxies are the namespaces whose proxies may send requests to a Service.
func Proxies(grants []Grant, namespace, service string) []string {
	var admitted []string
	for _, grant := range grants {
		if grant.Namespace != namespace || !slices.ContainsFunc(grant.Spec.To, func(to To) bool {
			return to.Group == "" && to.Kind == "Service" && (to.Name == "" || to.Name == service)
		}) {
			continue
		}
		for _, from := range grant.Spec.From {
			if from.Group == "networking.k8s.io" && from.Kind == "Ingress" {
				admitted = append(admitted, from.Namespace)
			}
		}
	}
	slices.Sort(admitted)
	return slices.Compact(admitted)
}

// Package migrate turns the manifests of a system that other ingress controllers publish into those of a stack: Ingresses with
// this project's annotations, the stack's config, and a report of every annotation and path. It changes nothing anywhere, and
// knows no Pulumi.
package migrate

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/route/foreign"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/manifest"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// Options say what manifests leave open.
type Options struct {
	// Public lets everybody in where nothing else was asked for, as most ingress controllers do. By default callers sign
	// with IAM.
	Public bool
	// Cluster is the name of the EKS cluster; empty leaves a place for it.
	Cluster string
	// Region is the cluster's; empty leaves a place for it.
	Region string
}

// Plan is what a migration comes to.
type Plan struct {
	// Ingresses are the translated ones.
	Ingresses []networkingv1.Ingress `json:"-"`
	// Config are keys of the stack's config, without the project's name.
	Config map[string]any `json:"config"`
	// Offers are Services that have a load balancer or a node port of their own, and could be published instead.
	Offers []Offer `json:"offers"`
	// Findings are every annotation and every path that changed.
	Findings []foreign.Finding `json:"findings"`
	// Notices are about what was passed over.
	Notices []string `json:"notices"`
	// Hosts are the names that the domains of the API must have, sorted.
	Hosts []string `json:"hosts"`
}

// Offer is a Service that is published without an Ingress.
type Offer struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Port      int32  `json:"port"`
	// Kind is LoadBalancer or NodePort.
	Kind string `json:"kind"`
}

// New plans the migration of everything in a set of manifests. An Ingress that cannot be read is an error; the others are
// planned all the same.
func New(set manifest.Set, options Options) (*Plan, error) {
	p := &planner{options: options, plan: Plan{Config: map[string]any{}}, decided: map[string]string{}}
	var problems []error
	for _, object := range set.Objects {
		switch object.Kind {
		case "Ingress":
			problems = append(problems, p.ingress(object))
		case "Service":
			problems = append(problems, p.service(object))
		}
	}
	p.plan.Notices = append(p.plan.Notices, set.Notices...)
	if others := set.Kinds("Ingress", "Service"); others != "" {
		p.plan.Notices = append(p.plan.Notices, "passed over, because they publish nothing: "+others)
	}
	slices.Sort(p.plan.Hosts)
	p.plan.Hosts = slices.Compact(p.plan.Hosts)
	return &p.plan, errors.Join(problems...)
}

type planner struct {
	options Options
	plan    Plan
	// decided says which Ingress asked for a key of the config first.
	decided map[string]string
}

func (p *planner) ingress(object manifest.Object) error {
	read, err := ingress.FromObject(object)
	if err != nil {
		return err
	}
	translated := foreign.Translate(read.Ingress)
	p.plan.Findings = append(p.plan.Findings, translated.Findings...)
	for _, key := range slices.Sorted(maps.Keys(translated.Config)) {
		p.config(key, translated.Config[key], nameOf(read.Namespace, read.Name))
	}
	if translated.Ingress == nil {
		return nil
	}
	p.open(translated)
	for _, rule := range translated.Ingress.Spec.Rules {
		if rule.Host != "" {
			p.plan.Hosts = append(p.plan.Hosts, strings.ToLower(rule.Host))
		}
	}
	p.plan.Ingresses = append(p.plan.Ingresses, *translated.Ingress)
	return nil
}

// open lets everybody in where that was asked for, but never into what was guarded before.
func (p *planner) open(translated foreign.Result) {
	if !p.options.Public {
		return
	}
	name := nameOf(translated.Ingress.Namespace, translated.Ingress.Name)
	if translated.Guarded || translated.Ingress.Annotations[ingress.AnnotationPrefix+"client-arns"] != "" {
		p.plan.Findings = append(p.plan.Findings, foreign.Finding{
			Ingress: name, Subject: "auth", Outcome: foreign.NotNeeded, Access: true,
			Note: "it stays with IAM: the Ingress was guarded, and how is not translated; write `auth: none` yourself if everybody may call it",
		})
		return
	}
	if translated.Ingress.Annotations == nil {
		translated.Ingress.Annotations = map[string]string{}
	}
	translated.Ingress.Annotations[ingress.AnnotationPrefix+"auth"] = "none"
}

// config takes a key over. The config is the whole API's, so that the first Ingress decides where they differ.
func (p *planner) config(key string, value any, name string) {
	first, taken := p.decided[key]
	if taken && p.plan.Config[key] != value {
		p.plan.Notices = append(p.plan.Notices, fmt.Sprintf("%s: config %s would be %v, but %s makes it %v: it is one for the whole API",
			name, key, value, first, p.plan.Config[key]))
		return
	}
	p.decided[key], p.plan.Config[key] = name, value
}

func (p *planner) service(object manifest.Object) error {
	var service corev1.Service
	if err := json.Unmarshal(object.JSON, &service); err != nil {
		return fmt.Errorf("%s: service %s: %w", object.Source, nameOf(object.Namespace, object.Name), err)
	}
	switch service.Spec.Type {
	case corev1.ServiceTypeLoadBalancer, corev1.ServiceTypeNodePort:
	default:
		return nil
	}
	for _, port := range service.Spec.Ports {
		if port.Protocol == "" || port.Protocol == corev1.ProtocolTCP {
			p.plan.Offers = append(p.plan.Offers, Offer{
				Namespace: cmp.Or(service.Namespace, "default"), Name: service.Name, Port: port.Port, Kind: string(service.Spec.Type),
			})
			return nil
		}
	}
	p.plan.Notices = append(p.plan.Notices, fmt.Sprintf("%s: service %s has no TCP port: API Gateway passes HTTP on only", object.Source,
		nameOf(object.Namespace, object.Name)))
	return nil
}

func nameOf(namespace, name string) string { return cmp.Or(namespace, "default") + "/" + name }

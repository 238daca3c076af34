// Package workload declares one stateless HTTP service in the cluster: a service account,
// a Deployment, a Service and a PodDisruptionBudget. Its pods pass the restricted Pod Security Standard.
package workload

import (
	"errors"

	"github.com/apigateway-ingress/apigateway-ingress/components/change"
	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	policyv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/policy/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"k8s.io/apimachinery/pkg/util/validation"
)

// AnyType is a type of the package kubernetes, by which a component's Kubernetes provider is found.
const AnyType = "kubernetes:core/v1:Service"

const (
	typeToken = "apigateway-ingress:workload:Workload"
	nameLabel = "app.kubernetes.io/name"
)

// Args describe the service.
type Args struct {
	// ServiceName is the name of every object and the Service's DNS name: a DNS label, at most 63 characters. Required.
	ServiceName string `pulumi:"serviceName"`
	// Namespace is an existing namespace.
	Namespace pulumi.StringInput `pulumi:"namespace,optional" default:"default"`
	Spec
	// NodePort opens the first port of the Service on every node at this port, 30000 to 32767. 0 keeps it inside the cluster.
	NodePort int `pulumi:"nodePort,optional" range:"30000..32767"`
	// Mounts are folders with the keys of ConfigMaps and Secrets as files.
	Mounts []Mount `pulumi:"mounts,optional"`
	// User is the numeric user of the container. Default 65532, or the image's with the security standard baseline.
	User int `pulumi:"user,optional" range:"0..2147483647"`
	// Traffic is what the pods' network lets through; nil makes no NetworkPolicy.
	Traffic *Traffic
}

// Workload is the running service.
type Workload struct {
	pulumi.ResourceState

	ServiceName pulumi.StringOutput `pulumi:"serviceName"`
	Namespace   pulumi.StringOutput `pulumi:"namespace"`

	service *corev1.Service
}

// Service is what gives the workload its name in the cluster's DNS.
func (w *Workload) Service() pulumi.Resource { return w.service }

// Complete puts in the defaults and reports every problem of the arguments.
func (a Args) Complete() (Args, error) {
	settings.Complete(&a)
	var p settings.Problems
	p.Add(settings.Check(a))
	if found := validation.IsDNS1035Label(a.ServiceName); len(found) > 0 {
		p.When(true, "{ServiceName} %q is not valid: %s", a.ServiceName, found[0])
	}
	image, known := settings.Known(a.Image)
	p.When(known && image == "", "{Image} is required: name a container image")
	p.Add(a.Spec.Check())
	a.Spec = a.Spec.complete()
	return a, p.Err()
}

// New declares the service. The Kubernetes provider comes with opts; without one it is the program's own, which is told.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Workload, error) {
	if args == nil {
		args = &Args{}
	}
	a, err := args.Complete()
	if err != nil {
		return nil, settings.Named("service", name, err)
	}
	w := &Workload{}
	guard, err := change.Guard(ctx, typeToken, name, mayChange)
	if err != nil {
		return nil, err
	}
	if err := ctx.RegisterComponentResourceV2(typeToken, name, settings.Inputs(a), w, append(opts, guard)...); err != nil {
		return nil, err
	}
	if w.GetProvider(AnyType) == nil {
		notice := "it has no Kubernetes provider and takes the program's own, which may be another cluster's: give it one with pulumi.Provider"
		if err := ctx.Log.Warn(settings.Named("service", name, errors.New(notice)).Error(), &pulumi.LogArgs{Resource: w}); err != nil {
			return nil, err
		}
	}
	if err := w.declare(ctx, name, a); err != nil {
		return nil, settings.Named("service", name, err)
	}
	return w, ctx.RegisterResourceOutputs(w, pulumi.Map{"serviceName": w.ServiceName, "namespace": w.Namespace})
}

func (a Args) labels() pulumi.StringMap {
	return pulumi.StringMap{nameLabel: pulumi.String(a.ServiceName), "app.kubernetes.io/managed-by": pulumi.String("apigateway-ingress")}
}

func (w *Workload) declare(ctx *pulumi.Context, name string, a Args) error {
	parent := pulumi.Parent(w)
	selector := pulumi.StringMap{nameLabel: pulumi.String(a.ServiceName)}
	meta := metav1.ObjectMetaArgs{Name: pulumi.String(a.ServiceName), Namespace: a.Namespace.ToStringOutput().ToStringPtrOutput(),
		Labels: a.labels()}

	account, err := corev1.NewServiceAccount(ctx, name, &corev1.ServiceAccountArgs{
		Metadata: meta, AutomountServiceAccountToken: pulumi.Bool(false),
	}, parent)
	if err != nil {
		return err
	}
	service, err := corev1.NewService(ctx, name, serviceArgs(a, meta, selector), parent)
	if err != nil {
		return err
	}
	w.service = service
	if a.NodePort != 0 {
		if err := nodePort(ctx, name, a, selector, service, parent); err != nil {
			return err
		}
	}
	if a.Traffic != nil {
		if err := networkPolicy(ctx, name, a, meta, selector, service, parent); err != nil {
			return err
		}
	}
	w.ServiceName = service.Metadata.Name().Elem()
	w.Namespace = service.Metadata.Namespace().Elem()
	if err := deployment(ctx, name, a, meta, account.Metadata.Name(), w); err != nil {
		return err
	}
	_, err = policyv1.NewPodDisruptionBudget(ctx, name, &policyv1.PodDisruptionBudgetArgs{
		Metadata: meta,
		Spec: policyv1.PodDisruptionBudgetSpecArgs{
			MaxUnavailable: pulumi.Int(1),
			Selector:       metav1.LabelSelectorArgs{MatchLabels: selector},
		},
	}, parent)
	return err
}

package awscloud

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// ClusterUse is what a cluster has of which there can be only one.
type ClusterUse struct {
	Namespaces []string
	// Services are NAMESPACE/NAME, and NodePorts those of them that have ports of the nodes.
	Services  []string
	NodePorts map[int]string
}

// ClusterUse asks an EKS cluster, whose namespaces and Services the account must be allowed to list.
func (a *Account) ClusterUse(ctx context.Context, cluster string) (ClusterUse, error) {
	client, err := a.kubernetes(ctx, cluster)
	if err != nil {
		return ClusterUse{}, err
	}
	return clusterUse(ctx, client)
}

func clusterUse(ctx context.Context, client dynamic.Interface) (ClusterUse, error) {
	use := ClusterUse{NodePorts: map[int]string{}}
	err := each(ctx, client, corev1.SchemeGroupVersion.WithResource("namespaces"), func(namespace *corev1.Namespace) {
		use.Namespaces = append(use.Namespaces, namespace.Name)
	})
	if err != nil {
		return use, err
	}
	return use, each(ctx, client, corev1.SchemeGroupVersion.WithResource("services"), func(service *corev1.Service) {
		name := service.Namespace + "/" + service.Name
		use.Services = append(use.Services, name)
		for _, port := range service.Spec.Ports {
			if port.NodePort != 0 {
				use.NodePorts[int(port.NodePort)] = name
			}
		}
	})
}

// each goes through the pages of a list.
func each[T any](ctx context.Context, client dynamic.Interface, kind schema.GroupVersionResource, visit func(*T)) error {
	const page = 500
	for next := ""; ; {
		list, err := client.Resource(kind).List(ctx, metav1.ListOptions{Limit: page, Continue: next})
		if err != nil {
			return fmt.Errorf("list %s of the cluster: %w", kind.Resource, err)
		}
		for _, item := range list.Items {
			object := new(T)
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(item.Object, object); err != nil {
				return err
			}
			visit(object)
		}
		if next = list.GetContinue(); next == "" {
			return nil
		}
	}
}

package operation

import (
	"context"
	"errors"
	"fmt"

	"github.com/apigateway-ingress/apigateway-ingress/components/route/manifest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
)

// published are the kinds that publish something.
var published = []schema.GroupVersionResource{
	{Group: "networking.k8s.io", Version: "v1", Resource: "ingresses"},
	{Version: "v1", Resource: "services"},
}

// ReadCluster reads the Ingresses and Services of all namespaces of a cluster, by a context of the user's kubeconfig.
func ReadCluster(ctx context.Context, kubeContext string) (manifest.Set, error) {
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		clientcmd.NewDefaultClientConfigLoadingRules(), &clientcmd.ConfigOverrides{CurrentContext: kubeContext}).ClientConfig()
	if err != nil {
		return manifest.Set{}, fail(Usage, fmt.Errorf("kubeconfig, context %s: %w", kubeContext, err))
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return manifest.Set{}, fail(Usage, fmt.Errorf("kubeconfig, context %s: %w", kubeContext, err))
	}
	var set manifest.Set
	var problems []error
	for _, kind := range published {
		found, err := listAll(ctx, client, kind)
		set.Objects = append(set.Objects, found...)
		problems = append(problems, err)
	}
	return set, fail(Prerequisite, errors.Join(problems...))
}

// listAll goes through the pages of a list.
func listAll(ctx context.Context, client dynamic.Interface, kind schema.GroupVersionResource) ([]manifest.Object, error) {
	const page = 500
	var objects []manifest.Object
	for next := ""; ; {
		list, err := client.Resource(kind).List(ctx, metav1.ListOptions{Limit: page, Continue: next})
		if err != nil {
			return objects, fmt.Errorf("list %s of the cluster: %w", kind.Resource, err)
		}
		for _, item := range list.Items {
			// What the API server keeps for itself is no part of what was written.
			item.SetManagedFields(nil)
			encoded, err := item.MarshalJSON()
			if err != nil {
				return objects, err
			}
			objects = append(objects, manifest.Object{
				Source: "cluster", APIVersion: item.GetAPIVersion(), Kind: item.GetKind(), Namespace: item.GetNamespace(), Name: item.GetName(),
				JSON: encoded,
			})
		}
		if next = list.GetContinue(); next == "" {
			return objects, nil
		}
	}
}

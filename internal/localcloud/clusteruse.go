package localcloud

import (
	"slices"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/kuberules"
	corev1 "k8s.io/api/core/v1"
)

// ClusterUse is what a cluster has of which there can be only one.
type ClusterUse struct {
	Namespaces []string `json:"namespaces"`
	// Services are NAMESPACE/NAME, and NodePorts those of them that have ports of the nodes.
	Services  []string       `json:"services"`
	NodePorts map[int]string `json:"nodePorts"`
}

// ClusterUse is empty for a cluster that is not there.
func (c *Cloud) ClusterUse(cluster string) (ClusterUse, error) {
	use := ClusterUse{Namespaces: slices.Clone(kuberules.SystemNamespaces), NodePorts: map[int]string{}}
	for _, namespace := range c.store.ListIn(cluster, kuberules.Namespace) {
		use.Namespaces = append(use.Namespaces, namespace.ID)
	}
	for _, object := range c.store.ListIn(cluster, kuberules.Service) {
		service, err := kuberules.Decode[corev1.Service](object)
		if err != nil {
			return use, err
		}
		use.Services = append(use.Services, object.ID)
		for _, port := range service.Spec.Ports {
			if port.NodePort != 0 {
				use.NodePorts[int(port.NodePort)] = object.ID
			}
		}
	}
	return use, nil
}

package platform

import (
	"maps"
	"slices"

	"github.com/apigateway-ingress/apigateway-ingress/components/network"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/refgrant"
	"github.com/apigateway-ingress/apigateway-ingress/components/workload"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// nameOfNamespace is a label that the API server gives to each namespace:
// https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-metadata-name
const nameOfNamespace = "kubernetes.io/metadata.name"

// namespaceLabels has the API server refuse pods that do less than all services of a namespace promise.
func (p *Platform) namespaceLabels(namespace string) pulumi.StringMap {
	standard := workload.Restricted
	for _, s := range p.parts.args.Services {
		if s.namespace() == namespace && s.PodSecurity == workload.Baseline {
			standard = workload.Baseline
		}
	}
	return pulumi.StringMap{"pod-security.kubernetes.io/enforce": pulumi.String(standard)}
}

// toService admits this platform's proxy to a service, those of other gateways to which a grant consents, and nobody else.
func (p *Platform) toService(s Service) *workload.Traffic {
	if p.parts.args.OpenPods {
		return nil
	}
	traffic := &workload.Traffic{}
	for _, namespace := range append([]string{p.parts.proxy.ServiceName}, refgrant.Proxies(p.parts.args.Grants, s.namespace(), s.Name)...) {
		traffic.From = append(traffic.From, workload.Peer{NamespaceLabels: map[string]string{nameOfNamespace: namespace}})
	}
	return traffic
}

// throughProxy admits what comes from the VPC, which is the load balancer or a node in its name, and lets the proxy go to
// its backends.
func (p *Platform) throughProxy(net *network.Network) *workload.Traffic {
	if p.parts.args.OpenPods {
		return nil
	}
	backends := map[string]workload.Peer{}
	for _, s := range p.parts.args.Services {
		peer := workload.Peer{NamespaceLabels: map[string]string{nameOfNamespace: s.namespace()}}
		if s.Image != nil {
			peer.ServiceName = s.Name
		}
		backends[s.namespace()+"/"+peer.ServiceName] = peer
	}
	traffic := &workload.Traffic{}
	for _, cidr := range net.VPC().Ranges() {
		traffic.From = append(traffic.From, workload.Peer{Range: cidr})
	}
	for _, key := range slices.Sorted(maps.Keys(backends)) {
		traffic.To = append(traffic.To, backends[key])
	}
	return traffic
}

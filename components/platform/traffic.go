package platform

import (
	"maps"
	"slices"

	"github.com/apigateway-ingress/apigateway-ingress/components/network"
	"github.com/apigateway-ingress/apigateway-ingress/components/workload"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// proxiesLabel marks the namespaces in which proxies run, those of other stacks on the same cluster as well.
var proxiesLabel = map[string]string{"apigateway-ingress/role": "proxies"}

// nameOfNamespace is a label that the API server gives to each namespace:
// https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-metadata-name
const nameOfNamespace = "kubernetes.io/metadata.name"

func namespaceLabels(ofProxies bool) pulumi.StringMap {
	labels := map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}
	if ofProxies {
		maps.Copy(labels, proxiesLabel)
	}
	return pulumi.ToStringMap(labels)
}

// fromProxies admits proxies to a service, and nobody else.
func (p *Platform) fromProxies() *workload.Traffic {
	if p.parts.args.OpenPods {
		return nil
	}
	return &workload.Traffic{From: []workload.Peer{{NamespaceLabels: proxiesLabel}}}
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
	traffic := &workload.Traffic{From: []workload.Peer{{Range: net.CIDR}}}
	for _, key := range slices.Sorted(maps.Keys(backends)) {
		traffic.To = append(traffic.To, backends[key])
	}
	return traffic
}

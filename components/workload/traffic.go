package workload

import (
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Traffic is what a NetworkPolicy lets through; everything else is refused where the cluster's network enforces policies.
// The kubelet's probes always pass.
type Traffic struct {
	// From may open connections to the ports of the Service.
	From []Peer
	// To is where the pods may open connections, besides asking DNS. nil leaves that open.
	To []Peer
}

// Peer is one end of a connection: a range of addresses, or pods.
type Peer struct {
	// Range is an IPv4 range; the other fields have no meaning with it.
	Range pulumi.StringInput
	// NamespaceLabels choose namespaces. The API server gives each one kubernetes.io/metadata.name.
	NamespaceLabels map[string]string
	// ServiceName chooses the pods of one workload; empty means all.
	ServiceName string
}

const dnsPort = 53

func (p Peer) rule() networkingv1.NetworkPolicyPeerArgs {
	if p.Range != nil {
		return networkingv1.NetworkPolicyPeerArgs{IpBlock: networkingv1.IPBlockArgs{Cidr: p.Range}}
	}
	peer := networkingv1.NetworkPolicyPeerArgs{NamespaceSelector: metav1.LabelSelectorArgs{MatchLabels: pulumi.ToStringMap(p.NamespaceLabels)}}
	if p.ServiceName != "" {
		peer.PodSelector = metav1.LabelSelectorArgs{MatchLabels: pulumi.StringMap{nameLabel: pulumi.String(p.ServiceName)}}
	}
	return peer
}

func peers(list []Peer) networkingv1.NetworkPolicyPeerArray {
	var rules networkingv1.NetworkPolicyPeerArray
	for _, p := range list {
		rules = append(rules, p.rule())
	}
	return rules
}

func networkPolicy(ctx *pulumi.Context, name string, a Args, meta metav1.ObjectMetaArgs, selector pulumi.StringMap,
	service *corev1.Service, opts ...pulumi.ResourceOption) error {
	var ports networkingv1.NetworkPolicyPortArray
	for _, p := range a.AllPorts() {
		// By its name it is the port of each pod, old and new, while another port is rolled out.
		ports = append(ports, port("TCP", pulumi.String(p.Name)))
	}
	spec := networkingv1.NetworkPolicySpecArgs{
		PodSelector: metav1.LabelSelectorArgs{MatchLabels: selector},
		PolicyTypes: pulumi.StringArray{pulumi.String("Ingress")},
		Ingress: networkingv1.NetworkPolicyIngressRuleArray{networkingv1.NetworkPolicyIngressRuleArgs{
			From: peers(a.Traffic.From), Ports: ports,
		}},
	}
	if a.Traffic.To != nil {
		spec.PolicyTypes = append(spec.PolicyTypes.(pulumi.StringArray), pulumi.String("Egress"))
		spec.Egress = networkingv1.NetworkPolicyEgressRuleArray{
			networkingv1.NetworkPolicyEgressRuleArgs{Ports: networkingv1.NetworkPolicyPortArray{
				port("UDP", pulumi.Int(dnsPort)), port("TCP", pulumi.Int(dnsPort)),
			}},
			networkingv1.NetworkPolicyEgressRuleArgs{To: peers(a.Traffic.To)},
		}
	}
	_, err := networkingv1.NewNetworkPolicy(ctx, name, &networkingv1.NetworkPolicyArgs{Metadata: meta, Spec: spec},
		append(opts, pulumi.DependsOn([]pulumi.Resource{service}))...)
	return err
}

func port(protocol string, numberOrName pulumi.Input) networkingv1.NetworkPolicyPortArgs {
	return networkingv1.NetworkPolicyPortArgs{Protocol: pulumi.String(protocol), Port: numberOrName}
}

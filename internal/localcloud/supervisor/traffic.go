package supervisor

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/awsrules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/kuberules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// mayConnect says whether NetworkPolicies let a connection through to a port of a pod, from another pod, or from a node or
// a load balancer when there is none: https://kubernetes.io/docs/concepts/services-networking/network-policies/
// Without the setting of EKS's network add-on they are so many words.
func (s *Supervisor) mayConnect(from, to *pod, port int) bool {
	cluster := to.owner.cluster
	if !s.enforcesPolicies(cluster) {
		return true
	}
	// Pods have addresses of the VPC, as nodes and load balancers do.
	source := s.nodeAddress(cluster)
	admitted, isolated := false, false
	for _, policy := range s.policiesOn(to, networkingv1.PolicyTypeIngress) {
		isolated = true
		for _, rule := range policy.Spec.Ingress {
			admitted = admitted || coversPort(rule.Ports, to, port) && s.matches(rule.From, policy.Namespace, cluster, from, source)
		}
	}
	if isolated && !admitted {
		return false
	}
	return from == nil || s.mayLeave(from, to, port)
}

func (s *Supervisor) mayLeave(from, to *pod, port int) bool {
	policies := s.policiesOn(from, networkingv1.PolicyTypeEgress)
	for _, policy := range policies {
		for _, rule := range policy.Spec.Egress {
			if coversPort(rule.Ports, to, port) && s.matches(rule.To, policy.Namespace, to.owner.cluster, to, s.nodeAddress(to.owner.cluster)) {
				return true
			}
		}
	}
	return len(policies) == 0
}

func (s *Supervisor) enforcesPolicies(cluster string) bool {
	addon := s.store.Get(awsrules.Addon, cluster+":vpc-cni")
	return addon != nil && strings.Contains(strings.ReplaceAll(addon.Text("configurationValues"), " ", ""), `"enableNetworkPolicy":"true"`)
}

// nodeAddress is one in the range of the cluster's nodes.
func (s *Supervisor) nodeAddress(cluster string) netip.Addr {
	groups := s.store.Find(func(o *store.Object) bool { return o.Type == awsrules.NodeGroup && o.Text("clusterName") == cluster })
	for _, group := range groups {
		subnets, _ := group.Inputs["subnetIds"].([]any)
		for _, id := range subnets {
			text, _ := id.(string)
			if subnet := s.store.Get(awsrules.Subnet, text); subnet != nil {
				if prefix, err := netip.ParsePrefix(subnet.Text("cidrBlock")); err == nil {
					return prefix.Addr()
				}
			}
		}
	}
	return netip.Addr{}
}

// policiesOn are those of a pod's namespace that select it, for one direction.
func (s *Supervisor) policiesOn(p *pod, direction networkingv1.PolicyType) []*networkingv1.NetworkPolicy {
	var found []*networkingv1.NetworkPolicy
	for _, object := range s.store.ListIn(p.owner.cluster, kuberules.NetworkPolicy) {
		policy, err := decode[networkingv1.NetworkPolicy](s, object)
		if err == nil && policy.Namespace == p.namespace && selects(&policy.Spec.PodSelector, p.labels) &&
			slices.Contains(directions(policy), direction) {
			found = append(found, policy)
		}
	}
	return found
}

// directions are Ingress and, with rules for it, Egress where a policy does not say.
func directions(policy *networkingv1.NetworkPolicy) []networkingv1.PolicyType {
	if len(policy.Spec.PolicyTypes) > 0 {
		return policy.Spec.PolicyTypes
	}
	if len(policy.Spec.Egress) > 0 {
		return []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}
	}
	return []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
}

func selects(selector *metav1.LabelSelector, set map[string]string) bool {
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && parsed.Matches(labels.Set(set))
}

// matches says whether one of the peers is the pod, or has the address. No peers mean everybody.
func (s *Supervisor) matches(peers []networkingv1.NetworkPolicyPeer, namespace, cluster string, p *pod, address netip.Addr) bool {
	if len(peers) == 0 {
		return true
	}
	return slices.ContainsFunc(peers, func(peer networkingv1.NetworkPolicyPeer) bool {
		if peer.IPBlock != nil {
			return within(peer.IPBlock, address)
		}
		if p == nil || peer.PodSelector != nil && !selects(peer.PodSelector, p.labels) {
			return false
		}
		if peer.NamespaceSelector == nil {
			return p.namespace == namespace
		}
		return selects(peer.NamespaceSelector, s.namespaceLabels(cluster, p.namespace))
	})
}

func within(block *networkingv1.IPBlock, address netip.Addr) bool {
	prefix, err := netip.ParsePrefix(block.CIDR)
	if err != nil || !prefix.Contains(address) {
		return false
	}
	return !slices.ContainsFunc(block.Except, func(text string) bool {
		except, err := netip.ParsePrefix(text)
		return err == nil && except.Contains(address)
	})
}

func (s *Supervisor) namespaceLabels(cluster, name string) map[string]string {
	set := map[string]string{"kubernetes.io/metadata.name": name}
	if object := s.store.GetIn(cluster, kuberules.Namespace, name); object != nil {
		if namespace, err := decode[corev1.Namespace](s, object); err == nil {
			for key, value := range namespace.Labels {
				set[key] = value
			}
		}
	}
	return set
}

func coversPort(ports []networkingv1.NetworkPolicyPort, to *pod, port int) bool {
	return len(ports) == 0 || slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool {
		if p.Protocol != nil && *p.Protocol != corev1.ProtocolTCP {
			return false
		}
		if p.Port == nil {
			return true
		}
		first := to.portNumber(*p.Port)
		if p.EndPort != nil {
			return first <= port && port <= int(*p.EndPort)
		}
		return first == port
	})
}

package supervisor

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/kuberules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// NodePortEndpoints are the addresses behind a port of a cluster's nodes: the ready pods of the Service
// that has taken it. found is false when no Service has.
func (s *Supervisor) NodePortEndpoints(cluster string, nodePort int) (addresses []string, found bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, object := range s.store.ListIn(cluster, kuberules.Service) {
		service, err := decode[corev1.Service](s, object)
		if err != nil {
			continue
		}
		for _, port := range service.Spec.Ports {
			if int(port.NodePort) == nodePort {
				return s.endpoints(cluster, nil, service, port), true
			}
		}
	}
	return nil, false
}

// ServiceEndpoints are the addresses of the ready pods behind a Service's port. found is false without the Service.
func (s *Supervisor) ServiceEndpoints(cluster, namespace, name string, port int) (addresses []string, found bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.resolveService(cluster, nil, namespace, name, port)
}

// endpoints lists the ready pods that a Service selects and from can reach; without from a node or a load balancer. The
// caller holds s.mu.
func (s *Supervisor) endpoints(cluster string, from *pod, service *corev1.Service, port corev1.ServicePort) []string {
	if len(service.Spec.Selector) == 0 {
		return nil
	}
	selector := labels.SelectorFromSet(service.Spec.Selector)
	var addresses []string
	for _, p := range s.pods {
		if p.owner.cluster != cluster || p.namespace != service.Namespace || !p.isReady() || !selector.Matches(labels.Set(p.labels)) {
			continue
		}
		target := int(port.Port)
		if port.TargetPort.String() != "" && port.TargetPort.String() != "0" {
			target = p.portNumber(port.TargetPort)
		}
		if target != 0 && s.mayConnect(from, p, target) {
			addresses = append(addresses, net.JoinHostPort(p.ip, strconv.Itoa(hostPort(target))))
		}
	}
	slices.Sort(addresses)
	return addresses
}

// resolveService finds the endpoints of a name that the cluster's DNS would resolve for a pod of namespace,
// with a port. found is false when DNS would not know the name.
func (s *Supervisor) resolveService(cluster string, from *pod, namespace, host string, port int) (addresses []string, found bool) {
	service := s.lookupDNS(cluster, namespace, host)
	if service == nil {
		return nil, false
	}
	decoded, err := decode[corev1.Service](s, service)
	if err != nil {
		return nil, false
	}
	for _, candidate := range decoded.Spec.Ports {
		if int(candidate.Port) == port {
			return s.endpoints(cluster, from, decoded, candidate), true
		}
	}
	return nil, true
}

// lookupDNS knows the forms name, name.namespace, name.namespace.svc and name.namespace.svc.cluster.local:
// https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/
func (s *Supervisor) lookupDNS(cluster, namespace, host string) *store.Object {
	host = strings.TrimSuffix(strings.TrimSuffix(host, "."), ".cluster.local")
	parts := strings.Split(host, ".")
	switch {
	case len(parts) == 1:
	case len(parts) == 2, len(parts) == 3 && parts[2] == "svc":
		namespace = parts[1]
	default:
		return nil
	}
	return s.store.GetIn(cluster, kuberules.Service, namespace+"/"+parts[0])
}

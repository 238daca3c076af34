package supervisor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/clusterdns"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/kuberules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
	corev1 "k8s.io/api/core/v1"
)

// serviceNetwork is what a pod of nginx sees of its cluster: a DNS server, and one address for each Service that it has asked
// for, behind which a ready pod is drawn for each connection. As with kube-proxy there is no second address to try.
type serviceNetwork struct {
	*podNetwork
	dns net.PacketConn
	// services are those that have an address, by namespace/name; Supervisor.mu guards them.
	services map[string]*clusterIP
	// answered is what DNS has last said of a name.
	answers  sync.Mutex
	answered map[string]string
}

// clusterIP is a Service's address.
type clusterIP struct {
	address string
	// created tells a Service from one of the same name that was there before.
	created time.Time
	// listeners are open while ready pods are behind them: kube-proxy refuses connections to a Service without.
	listeners map[int32]net.Listener
}

// openServices starts the DNS server of a pod, and lets its resolv.conf name it.
func (p *pod) openServices() (*serviceNetwork, error) {
	address, err := freeAddress(nil)
	if err != nil {
		return nil, err
	}
	port := hostPort(dnsPort)
	dns, err := new(net.ListenConfig).ListenPacket(context.Background(), "udp", net.JoinHostPort(address, strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("DNS server of pod %s: %w", p.name, err)
	}
	if port != dnsPort {
		address = net.JoinHostPort(address, strconv.Itoa(port))
	}
	n := &serviceNetwork{
		podNetwork: &podNetwork{pod: p, connections: map[net.Conn]bool{}}, dns: dns, services: map[string]*clusterIP{},
		answered: map[string]string{},
	}
	n.open.Go(func() { clusterdns.Serve(dns, n.answer) })
	file, err := p.hostPath(resolvConf)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(file), 0o700)
	}
	if err == nil {
		err = os.WriteFile(file, []byte("nameserver "+address+"\n"), 0o600)
	}
	if err != nil {
		return nil, errors.Join(err, n.close())
	}
	return n, nil
}

const (
	dnsPort    = 53
	resolvConf = "/etc/resolv.conf"
)

// answer looks a name up, and remembers what was said.
func (n *serviceNetwork) answer(name string) ([]string, bool) {
	s := n.pod.supervisor
	s.mu.Lock()
	addresses, found := n.lookup(name)
	s.mu.Unlock()
	n.answers.Lock()
	defer n.answers.Unlock()
	n.answered[name] = strings.Join(addresses, ",")
	return addresses, found
}

// hasAnswered says whether the pod was told the current addresses of a name.
func (n *serviceNetwork) hasAnswered(name, addresses string) bool {
	n.answers.Lock()
	defer n.answers.Unlock()
	return n.answered[name] == addresses
}

// lookup is what DNS says of a full name: the Service's address, or those of the pods of a headless one. found is false where
// there is no such Service. The caller holds s.mu.
func (n *serviceNetwork) lookup(name string) (addresses []string, found bool) {
	s, cluster := n.pod.supervisor, n.pod.owner.cluster
	if !strings.HasSuffix(strings.TrimSuffix(name, "."), ".svc.cluster.local") {
		return nil, false
	}
	object := s.lookupDNS(cluster, n.pod.namespace, name)
	if object == nil {
		return nil, false
	}
	service, err := decode[corev1.Service](s, object)
	if err != nil {
		return nil, false
	}
	if service.Spec.ClusterIP == corev1.ClusterIPNone {
		return n.podAddresses(service), true
	}
	ip, err := n.addressOf(object, service)
	if err != nil {
		s.log.Warn("a Service has no address", "service", object.ID, "error", err.Error())
		return nil, false
	}
	return []string{ip.address}, true
}

func (n *serviceNetwork) podAddresses(service *corev1.Service) []string {
	hosts := map[string]bool{}
	for _, port := range service.Spec.Ports {
		for _, endpoint := range n.pod.supervisor.endpoints(n.pod.owner.cluster, n.pod, service, port) {
			if host, _, err := net.SplitHostPort(endpoint); err == nil {
				hosts[host] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(hosts))
}

// addressOf gives a Service its address when it is first asked for. The caller holds s.mu.
func (n *serviceNetwork) addressOf(object *store.Object, service *corev1.Service) (*clusterIP, error) {
	if known := n.services[object.ID]; known != nil && known.created.Equal(object.Created) {
		return known, nil
	}
	var ports []int
	for _, port := range service.Spec.Ports {
		ports = append(ports, int(port.Port))
	}
	address, err := freeAddress(ports)
	if err != nil {
		return nil, err
	}
	if before := n.services[object.ID]; before != nil {
		before.close()
	}
	ip := &clusterIP{address: address, created: object.Created, listeners: map[int32]net.Listener{}}
	n.services[object.ID] = ip
	return ip, n.listen(ip, service)
}

// refresh opens and closes addresses as pods and Services come and go. The caller holds s.mu.
func (n *serviceNetwork) refresh() error {
	s := n.pod.supervisor
	var problems []error
	for id, ip := range n.services {
		object := s.store.GetIn(n.pod.owner.cluster, kuberules.Service, id)
		if object == nil || !object.Created.Equal(ip.created) {
			ip.close()
			delete(n.services, id)
			continue
		}
		service, err := decode[corev1.Service](s, object)
		if err == nil {
			err = n.listen(ip, service)
		}
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

func (n *serviceNetwork) listen(ip *clusterIP, service *corev1.Service) error {
	wanted := map[int32]bool{}
	for _, port := range service.Spec.Ports {
		if len(n.pod.supervisor.endpoints(n.pod.owner.cluster, n.pod, service, port)) == 0 {
			continue
		}
		wanted[port.Port] = true
		if ip.listeners[port.Port] != nil {
			continue
		}
		address := net.JoinHostPort(ip.address, strconv.Itoa(hostPort(int(port.Port))))
		listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
		if err != nil {
			return fmt.Errorf("service %s: %w", service.Name, err)
		}
		ip.listeners[port.Port] = listener
		host, number := service.Name+"."+service.Namespace, int(port.Port)
		n.open.Go(func() { n.forward(listener, host, number) })
	}
	for port, listener := range ip.listeners {
		if !wanted[port] {
			_ = listener.Close()
			delete(ip.listeners, port)
		}
	}
	return nil
}

func (ip *clusterIP) close() {
	for port, listener := range ip.listeners {
		_ = listener.Close()
		delete(ip.listeners, port)
	}
}

// close ends the network with everything on it.
func (n *serviceNetwork) close() error {
	s := n.pod.supervisor
	s.mu.Lock()
	for id, ip := range n.services {
		ip.close()
		delete(n.services, id)
	}
	s.mu.Unlock()
	return errors.Join(n.dns.Close(), n.podNetwork.close())
}

package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/kuberules"
	corev1 "k8s.io/api/core/v1"
)

// podNetwork is how a program of this machine reaches the Services of its cluster, as its pod would: by the addresses in its
// environment, and by names through an HTTP proxy that knows the cluster's DNS. Names cannot be given to one process alone
// in any other way that an ordinary user has.
type podNetwork struct {
	pod       *pod
	listeners []net.Listener
	proxy     *http.Server
	env       []string
	open      sync.WaitGroup
	// connections are those to end with the network.
	mu          sync.Mutex
	connections map[net.Conn]bool
}

// openNetwork listens for the pod's program. The Services in its environment are those that exist now, as in Kubernetes:
// https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
func (p *pod) openNetwork() (*podNetwork, error) {
	n := &podNetwork{pod: p, connections: map[net.Conn]bool{}}
	if err := n.serveNames(); err != nil {
		return nil, errors.Join(err, n.close())
	}
	for _, service := range p.namespaceServices() {
		if err := n.serveService(service); err != nil {
			return nil, errors.Join(err, n.close())
		}
	}
	return n, nil
}

func (p *pod) namespaceServices() []*corev1.Service {
	p.supervisor.mu.Lock()
	defer p.supervisor.mu.Unlock()
	var services []*corev1.Service
	for _, object := range p.supervisor.store.ListIn(p.owner.cluster, kuberules.Service) {
		service, err := decode[corev1.Service](p.supervisor, object)
		if err == nil && service.Namespace == p.namespace && len(service.Spec.Ports) > 0 {
			services = append(services, service)
		}
	}
	return services
}

func (n *podNetwork) serveService(service *corev1.Service) error {
	address, err := freeAddress(nil)
	if err != nil {
		return err
	}
	prefix := strings.ToUpper(strings.ReplaceAll(service.Name, "-", "_"))
	n.env = append(n.env, prefix+"_SERVICE_HOST="+address)
	for i, port := range service.Spec.Ports {
		number := strconv.Itoa(hostPort(int(port.Port)))
		listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", net.JoinHostPort(address, number))
		if err != nil {
			return fmt.Errorf("service %s: %w", service.Name, err)
		}
		n.listeners = append(n.listeners, listener)
		if i == 0 {
			n.env = append(n.env, prefix+"_SERVICE_PORT="+number, fmt.Sprintf("%s_PORT=tcp://%s:%s", prefix, address, number))
		}
		if port.Name != "" {
			n.env = append(n.env, prefix+"_SERVICE_PORT_"+strings.ToUpper(strings.ReplaceAll(port.Name, "-", "_"))+"="+number)
		}
		n.open.Go(func() { n.forward(listener, service.Name, int(port.Port)) })
	}
	return nil
}

// forward passes connections on to a ready pod of the Service; without one they end.
func (n *podNetwork) forward(listener net.Listener, service string, port int) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		n.open.Go(func() {
			backend, err := n.dialService(context.Background(), service, port)
			if err != nil {
				// The client sees a connection that ends, as it would of a Service without endpoints.
				_ = client.Close()
				return
			}
			n.join(client, backend)
		})
	}
}

// join copies between two connections until one of them ends.
func (n *podNetwork) join(a, b net.Conn) {
	if !n.keep(a, b) {
		return
	}
	var both sync.WaitGroup
	copyTo := func(to, from net.Conn) {
		_, _ = io.Copy(to, from) // either end may go at any time
		_ = to.Close()
		_ = from.Close()
	}
	both.Go(func() { copyTo(a, b) })
	both.Go(func() { copyTo(b, a) })
	both.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.connections, a)
	delete(n.connections, b)
}

// keep remembers connections, so that close ends them. It is false when the network is closed already.
func (n *podNetwork) keep(connections ...net.Conn) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, connection := range connections {
		if n.connections == nil {
			_ = connection.Close()
		} else {
			n.connections[connection] = true
		}
	}
	return n.connections != nil
}

var errNoEndpoint = errors.New("the Service has no ready pod")

// dialService connects to a ready pod behind a name of the cluster's DNS.
func (n *podNetwork) dialService(ctx context.Context, host string, port int) (net.Conn, error) {
	s := n.pod.supervisor
	s.mu.Lock()
	addresses, found := s.resolveService(n.pod.owner.cluster, n.pod, n.pod.namespace, host, port)
	s.mu.Unlock()
	if !found {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if len(addresses) == 0 {
		return nil, errNoEndpoint
	}
	return new(net.Dialer).DialContext(ctx, "tcp", addresses[rand.IntN(len(addresses))]) //nolint:gosec // any of them will do
}

// dial connects to a Service of the cluster, or to a host outside of it.
func (n *podNetwork) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	connection, err := n.dialService(ctx, host, number)
	var unknown *net.DNSError
	if errors.As(err, &unknown) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	return connection, err
}

// serveNames is the HTTP proxy. Clients that do not ask for one find Services by their environment only.
func (n *podNetwork) serveNames() error {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	onward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme = "http"
			// The network between two pods adds and takes nothing.
			for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
				r.Out.Header[name] = r.In.Header[name]
			}
		},
		Transport: &http.Transport{DialContext: n.dial, DisableCompression: true},
		ErrorLog:  slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	n.proxy = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !r.URL.IsAbs() {
			http.Error(w, "this is a proxy for names of the cluster", http.StatusBadRequest)
			return
		}
		onward.ServeHTTP(w, r)
	})}
	n.open.Go(func() { _ = n.proxy.Serve(listener) }) // it ends with close
	proxy := "http://" + listener.Addr().String()
	n.env = append(n.env, "HTTP_PROXY="+proxy, "http_proxy="+proxy, "NO_PROXY=localhost,127.0.0.1", "no_proxy=localhost,127.0.0.1")
	return nil
}

func (n *podNetwork) close() error {
	var problems []error
	if n.proxy != nil {
		problems = append(problems, n.proxy.Close())
	}
	for _, listener := range n.listeners {
		problems = append(problems, listener.Close())
	}
	n.mu.Lock()
	for connection := range n.connections {
		// Its other end may have closed it.
		_ = connection.Close()
	}
	n.connections = nil
	n.mu.Unlock()
	n.open.Wait()
	return errors.Join(problems...)
}

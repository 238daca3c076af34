package supervisor

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/kuberules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
)

// serviceWorld is a cluster with pods that answer their name, and one from which it is seen.
type serviceWorld struct {
	t        *testing.T
	s        *Supervisor
	network  *serviceNetwork
	resolver *net.Resolver
	port     int
}

func newServiceWorld(t *testing.T) *serviceWorld {
	objects, err := store.Open(t.TempDir())
	require.NoError(t, err)
	images, err := OpenImages(filepath.Join(t.TempDir(), "images.json"))
	require.NoError(t, err)
	s, err := New(objects, t.TempDir(), images, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	from := &pod{supervisor: s, owner: owner{cluster: "c"}, namespace: "edge", name: "from", dir: t.TempDir()}
	network, err := from.openServices()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, network.close()) })
	w := &serviceWorld{t: t, s: s, network: network}
	w.resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", network.dns.LocalAddr().String())
	}}
	return w
}

// run makes a ready pod of a Service.
func (w *serviceWorld) run(name string) *pod {
	ip, err := freeAddress(nil)
	require.NoError(w.t, err)
	listener, err := net.Listen("tcp", net.JoinHostPort(ip, strconv.Itoa(w.port)))
	require.NoError(w.t, err)
	if w.port == 0 {
		_, port, err := net.SplitHostPort(listener.Addr().String())
		require.NoError(w.t, err)
		w.port, err = strconv.Atoi(port)
		require.NoError(w.t, err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter,
		_ *http.Request) {
		_, _ = io.WriteString(rw, name)
	})}}
	server.Start()
	w.t.Cleanup(server.Close)
	p := &pod{supervisor: w.s, owner: owner{cluster: "c"}, namespace: "default", name: name, ip: ip, labels: map[string]string{"app": "a"},
		ready: true,
		spec:  corev1.PodSpec{Containers: []corev1.Container{{Name: "c"}}}}
	w.s.mu.Lock()
	w.s.pods = append(w.s.pods, p)
	w.s.mu.Unlock()
	return p
}

func (w *serviceWorld) declare(clusterIP string, created time.Time) {
	spec := map[string]any{"selector": map[string]any{"app": "a"}, "clusterIP": clusterIP,
		"ports": []any{map[string]any{"port": float64(w.port)}}}
	require.NoError(w.t, w.s.store.Put(&store.Object{
		Type: kuberules.Service, ID: "default/a", Scope: "c", Created: created,
		Outputs: map[string]any{"metadata": map[string]any{"name": "a", "namespace": "default"}, "spec": spec},
	}))
	w.refresh()
}

func (w *serviceWorld) refresh() {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	w.s.decodings.turn()
	require.NoError(w.t, w.network.refresh())
}

func (w *serviceWorld) addresses() []string {
	found, err := w.resolver.LookupHost(context.Background(), "a.default.svc.cluster.local.")
	if err != nil {
		return nil
	}
	return found
}

// ask says who answers at an address, or that nobody listens there.
func (w *serviceWorld) ask(address string) string {
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := (&http.Client{Transport: transport}).Get("http://" + net.JoinHostPort(address, strconv.Itoa(w.port)))
	if err != nil {
		return "nobody"
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(w.t, err)
	return string(body)
}

// A Service has one address, whatever its pods; nobody listens there without a ready one, and another Service of its name
// has another address.
func TestAServiceHasOneAddress(t *testing.T) {
	w := newServiceWorld(t)
	require.Empty(t, w.addresses(), "there is no such Service")
	first := w.run("first")
	w.declare("10.0.0.1", time.Unix(1, 0))
	address := w.addresses()
	require.Len(t, address, 1)
	require.Equal(t, "first", w.ask(address[0]))

	w.run("second")
	require.Equal(t, address, w.addresses())
	seen := map[string]bool{}
	for len(seen) < 2 {
		seen[w.ask(address[0])] = true
	}
	require.Equal(t, map[string]bool{"first": true, "second": true}, seen)

	for _, p := range w.s.pods {
		p.setReady(false, "")
	}
	w.refresh()
	require.Equal(t, address, w.addresses(), "a name without pods has its address still")
	require.Equal(t, "nobody", w.ask(address[0]))
	first.setReady(true, "")
	w.refresh()
	require.Equal(t, "first", w.ask(address[0]))

	w.declare("10.0.0.2", time.Unix(2, 0))
	require.Equal(t, "nobody", w.ask(address[0]), "the address of one that is gone")
	again := w.addresses()
	require.NotEqual(t, address, again)
	require.Equal(t, "first", w.ask(again[0]))

	w.declare(corev1.ClusterIPNone, time.Unix(3, 0))
	require.Equal(t, []string{first.ip}, w.addresses(), "a headless Service is its pods")
}

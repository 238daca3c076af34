package nginx_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/nginx"
	"github.com/apigateway-ingress/apigateway-ingress/internal/nginxprogram"
	"github.com/apigateway-ingress/apigateway-ingress/internal/routetest"
	"github.com/stretchr/testify/require"
)

// serveAt answers with its own address, on a port of 127.0.0.0/8; 0 takes a free one.
func serveAt(t *testing.T, ip string, port int) (taken int) {
	t.Helper()
	listener, err := net.Listen("tcp", net.JoinHostPort(ip, strconv.Itoa(port)))
	require.NoError(t, err)
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter,
		_ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, ip)
	})}}
	server.Start()
	t.Cleanup(server.Close)
	return listener.Addr().(*net.TCPAddr).Port
}

// A Service that is not there, or of which no pod answers, is unavailable for its own routes, and one that comes again is found
// at its new address. An NGINX that cannot do that refuses the directives, which is why FollowsNames asks for its version.
func TestServicesAreFollowed(t *testing.T) {
	port := serveAt(t, "127.0.0.21", 0)
	serveAt(t, "127.0.0.22", port)
	steady, changing := route.Backend{Namespace: "default", Service: "steady", Port: port},
		route.Backend{Namespace: "default", Service: "changing", Port: port}
	table, err := route.New(route.Table{Routes: []route.Route{
		{Path: "/", Match: route.Prefix, Backend: steady}, {Path: "/changing", Match: route.Prefix, Backend: changing},
	}}, route.Options{})
	require.NoError(t, err)
	dns := routetest.StartDNS(t)
	dns.Set(steady.Host(), "127.0.0.21")
	options := nginx.Options{ResolverFile: dns.ResolverFile}
	program, err := nginxprogram.Find()
	require.NoError(t, err)
	version, err := nginxprogram.Version(t.Context(), program)
	require.NoError(t, err)
	if !nginx.FollowsNames("nginx:" + version.String()) {
		options.Port = 8080
		file := filepath.Join(t.TempDir(), "nginx.conf")
		require.NoError(t, os.WriteFile(file, nginx.Render(table, options), 0o600))
		output, err := exec.Command(program, "-t", "-e", "stderr", "-c", file).CombinedOutput()
		require.Error(t, err)
		require.Contains(t, string(output), `invalid parameter "resolve"`)
		return
	}
	chain := routetest.StartWith(t, table, table, nil, options)
	ask := func(path string, want int, body string) {
		t.Helper()
		require.Eventually(t, func() bool {
			answer := chain.Send(http.MethodGet, "x.example.com", path, nil)
			return answer.Status == want && (body == "" || answer.Body == body)
		}, time.Minute, 20*time.Millisecond, path)
		require.Equal(t, http.StatusAccepted, chain.Send(http.MethodGet, "x.example.com", "/", nil).Status, "the others go on")
	}
	ask("/", http.StatusAccepted, "127.0.0.21")
	ask("/changing", http.StatusServiceUnavailable, "")
	require.Contains(t, chain.Send(http.MethodGet, "x.example.com", "/changing", nil).Body, `"message":"Service Unavailable"`)
	dns.Set(changing.Host(), "127.0.0.21")
	ask("/changing", http.StatusAccepted, "127.0.0.21")
	dns.Set(changing.Host(), "127.0.0.22")
	ask("/changing", http.StatusAccepted, "127.0.0.22")
	dns.Set(changing.Host(), "127.0.0.23")
	ask("/changing", http.StatusServiceUnavailable, "")
	dns.Set(changing.Host())
	ask("/changing", http.StatusServiceUnavailable, "")
}

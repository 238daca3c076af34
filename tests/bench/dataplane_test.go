package bench

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	nginxconfig "github.com/apigateway-ingress/apigateway-ingress/components/route/nginx"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/restapi"
	"github.com/stretchr/testify/require"
)

// oldConfiguration is of the form that the controller of 2019 generated: one worker, no keepalive to the service,
// HTTP/1.0 behind it, a line in the access log written at once.
const oldConfiguration = `
worker_processes 1;
pid /tmp/nginx.pid;
events { worker_connections 1024; }
http {
  access_log /tmp/access.log;
  client_body_temp_path /tmp/a; proxy_temp_path /tmp/b; fastcgi_temp_path /tmp/c; uwsgi_temp_path /tmp/d; scgi_temp_path /tmp/e;
  server {
    listen 127.0.0.1:%d;
    location /api/book { proxy_pass http://%s; }
    location /api/author { proxy_pass http://%s; }
  }
}`

// leastConfiguration is the least with which NGINX passes requests on over kept connections: no log, no header, no check.
const leastConfiguration = `
worker_processes 2;
pid /tmp/nginx.pid;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 100000;
  client_body_temp_path /tmp/a; proxy_temp_path /tmp/b; fastcgi_temp_path /tmp/c; uwsgi_temp_path /tmp/d; scgi_temp_path /tmp/e;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  upstream books { server %s; keepalive 64; }
  server { listen 127.0.0.1:%d; location /api/book/ { proxy_pass http://books; } }
}`

const bookPath = "/api/book/9781788390071"

// table makes routes to one service, with further ones in front.
func table(t *testing.T, more int) *route.Table {
	t.Helper()
	var paths strings.Builder
	for i := range more {
		fmt.Fprintf(&paths, "\n      - {path: /more/%d, pathType: Prefix, backend: {service: {name: bookservice, port: {number: 80}}}}", i)
	}
	ingresses, err := ingress.Parse("x", []byte(`
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: a}
spec:
  rules:
  - http:
      paths:
      - {path: /api/book, pathType: Prefix, backend: {service: {name: bookservice, port: {number: 80}}}}`+paths.String()))
	require.NoError(t, err)
	compiled, err := ingress.Compile(ingresses, ingress.Options{AnyService: true, Classless: true, ResourceQuota: 100000})
	require.NoError(t, err)
	return compiled
}

// ours is the deployed configuration, with the service's name in place of what the cluster's DNS would say.
func ours(t *testing.T, port, more int, service string) string {
	t.Helper()
	config := strings.ReplaceAll(string(nginxconfig.Render(table(t, more), nginxconfig.Options{Port: 1111})),
		"server bookservice.default.svc.cluster.local:80;", "server "+service+";")
	config = strings.Replace(config, "listen 1111 ", fmt.Sprintf("listen 127.0.0.1:%d ", port), 1)
	config = strings.Replace(config, fmt.Sprintf("listen %d;", route.HealthPort), "listen unix:/tmp/health.sock;", 1)
	config = strings.Replace(config, "unix:/tmp/", "unix:"+t.TempDir()+"/", 1)
	return strings.Replace(config, "access_log /dev/stdout ", "access_log /tmp/access.log ", 1)
}

func get(path string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: nlb\r\nX-Apigw-Access: 0*\r\nX-Apigw-Backends: =default.bookservice.80\r\nX-Apigw-Path: " +
		"/prod" + path + "\r\n\r\n"
}

type contender struct {
	name, address string
	// pid is of the process whose CPU time is counted, with its children's; 0 for none.
	pid     int
	results []figures
}

func (c *contender) of(what func(figures) float64) samples {
	var all samples
	for _, f := range c.results {
		all = append(all, what(f))
	}
	return all
}

func rate(f figures) float64 { return f.rate }
func p50(f figures) float64  { return float64(f.p50.Microseconds()) / 1000 }
func p99(f figures) float64  { return float64(f.p99.Microseconds()) / 1000 }
func cpu(f figures) float64  { return float64(f.cpu.Nanoseconds()) / 1000 }

// against is how many times as much as the other a contender has, at the median.
func (c *contender) against(other *contender, what func(figures) float64) string {
	return fmt.Sprintf("%.2f", c.of(what).median()/other.of(what).median())
}

func dataPlane(t *testing.T, r *report) {
	binary, err := filepath.Abs(filepath.Join(repository, "bin", "books"))
	require.NoError(t, err)
	service := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	run(t, service, binary, "-addr", service)
	start := func(name string, config func(port int) string) *contender {
		port := freePort(t)
		address := fmt.Sprintf("127.0.0.1:%d", port)
		return &contender{name: name, address: address, pid: nginx(t, address, config(port))}
	}
	direct := &contender{name: "straight to the service", address: service}
	old := start("the old controller's NGINX", func(port int) string { return fmt.Sprintf(oldConfiguration, port, service, service) })
	own := start("our NGINX", func(port int) string { return ours(t, port, 0, service) })
	least := start("the least that NGINX can do", func(port int) string { return fmt.Sprintf(leastConfiguration, service, port) })
	all := []*contender{direct, least, own, old}
	compare(t, all, 0)

	r.section("Data plane: NGINX", "The book service behind NGINX with our configuration, and with one of the form that the old "+
		"controller generated (one worker, no "+
		"upstream keepalive, HTTP/1.0), next to the service alone. Both write their access logs. The least that NGINX can do is a "+
		"configuration without log, checks or headers. 32 connections, as fast as it goes.")
	var rows [][]string
	var bars []bar
	for _, c := range all {
		row := []string{c.name, c.of(rate).String(), c.against(old, rate), c.against(least, rate), c.of(p99).String(), "", ""}
		if c.pid > 0 {
			row[5], row[6] = c.of(cpu).String(), old.against(c, cpu)
		}
		rows = append(rows, row)
		bars = append(bars, bar{c.name, c.of(rate).median()})
	}
	r.table([]string{"", "requests/s", "ratio to the old", "ratio to the least", "p99, ms", "NGINX's CPU a request, µs",
		"requests for the same CPU, ratio to the old"}, rows)
	r.chart(t, "benchmark-dataplane", "Requests a second", "req/s", bars)
	most := old.of(rate).median()
	for _, percent := range []float64{50, 90} {
		fixedRate(t, r, []*contender{direct, own, old}, percent, most*percent/100)
	}
	manyRoutes(t, r, service)
	longAnswers(t, r)
}

func compare(t *testing.T, all []*contender, perSecond float64) {
	t.Helper()
	for _, c := range all {
		c.results = nil
	}
	for range rounds {
		for _, c := range all {
			c.results = append(c.results, load(t, c.address, get(bookPath), perSecond, c.pid))
		}
	}
}

func fixedRate(t *testing.T, r *report, all []*contender, percent, perSecond float64) {
	t.Helper()
	compare(t, all, perSecond)
	r.line("At %.0f %% of the old one's rate, %s requests a second:\n", percent, figure(perSecond))
	var rows [][]string
	for _, c := range all {
		rows = append(rows, []string{c.name, c.of(p50).String(), c.of(p99).String()})
	}
	r.table([]string{"", "p50, ms", "p99, ms"}, rows)
}

func manyRoutes(t *testing.T, r *report, service string) {
	t.Helper()
	var all []*contender
	for _, n := range []int{1, 10, 100, 1000} {
		port := freePort(t)
		address := fmt.Sprintf("127.0.0.1:%d", port)
		all = append(all, &contender{name: fmt.Sprint(n), address: address, pid: nginx(t, address, ours(t, port, n-1, service))})
	}
	compare(t, all, 0)
	r.line("With more routes it stays flat:\n")
	var rows [][]string
	for _, c := range all {
		rows = append(rows, []string{c.name, c.of(rate).String(), c.against(all[0], rate)})
	}
	r.table([]string{"routes", "requests/s", "ratio to one route"}, rows)
}

// longAnswers is what NGINX needs for answers as long as API Gateway takes them.
func longAnswers(t *testing.T, r *report) {
	t.Helper()
	answer := make([]byte, restapi.ResponseBody.Max)
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
		// A client that went away needs no answer.
		_, _ = w.Write(answer)
	}))
	t.Cleanup(service.Close)
	port := freePort(t)
	address := fmt.Sprintf("127.0.0.1:%d", port)
	members := group(nginx(t, address, ours(t, port, 0, service.Listener.Addr().String())))
	peak := func() (sum int64) {
		for _, pid := range members {
			sum += statusKB(pid, "VmHWM:")
		}
		return sum
	}
	before := peak()
	const clients = 16
	var asking sync.WaitGroup
	for range clients {
		asking.Go(func() {
			connection, err := net.Dial("tcp", address)
			if err == nil {
				_, err = io.WriteString(connection, get(bookPath))
			}
			if err == nil {
				var response *http.Response
				if response, err = http.ReadResponse(bufio.NewReader(connection), nil); err == nil {
					var length int64
					if length, err = io.Copy(io.Discard, response.Body); err == nil && length != int64(len(answer)) {
						err = fmt.Errorf("%s: %d bytes", response.Status, length)
					}
				}
				_ = connection.Close()
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	asking.Wait()
	r.line("%d answers of 10 MB at once take %s of NGINX's memory, all its processes together, at the peak.", clients,
		mebibytes(peak()-before))
}

package routetest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/nginx"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/openapi"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/restapi"
	"github.com/apigateway-ingress/apigateway-ingress/internal/nginxprogram"
	"github.com/stretchr/testify/require"
)

// Backends are those that Echoes stands for.
var Backends = []route.Backend{
	{Namespace: "default", Service: "one", Port: 80}, {Namespace: "default", Service: "two", Port: 80},
	{Namespace: "other", Service: "three", Port: 8080},
}

// Echoes serves Backends, and returns their addresses by host:port. They answer which one they are and what was asked for.
func Echoes(t testing.TB) map[string]string {
	addresses := map[string]string{}
	for _, b := range Backends {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Query().Get("do") {
			case "fail":
				w.WriteHeader(http.StatusBadGateway)
				_, _ = io.WriteString(w, "the service's own")
			case "headers":
				w.Header().Set("X-Long", strings.Repeat("x", 9000))
			case "close":
				connection, _, _ := w.(http.Hijacker).Hijack()
				_ = connection.Close()
				return
			}
			r.Header.Set("Host", r.Host)
			seen, _ := json.Marshal(r.Header)
			_, _ = io.WriteString(w, b.Service+" "+r.RequestURI+"\n"+string(seen))
		}))
		t.Cleanup(server.Close)
		addresses[fmt.Sprintf("%s:%d", b.Host(), b.Port)] = server.Listener.Addr().String()
	}
	return addresses
}

// Chain is an interpreter of an OpenAPI document in front of a real NGINX. Both may be made of different tables, as they are
// while a change is under way.
type Chain struct {
	t          testing.TB
	definition *restapi.Definition
	address    string
	stop       func()
}

// Start runs the chain until Stop, or until the test ends.
func Start(t testing.TB, gateway, proxy *route.Table, addresses map[string]string) *Chain {
	t.Helper()
	return StartWith(t, gateway, proxy, addresses, nginx.Options{})
}

// StartWith is Start with options of the configuration. The port is the chain's own.
func StartWith(t testing.TB, gateway, proxy *route.Table, addresses map[string]string, o nginx.Options) *Chain {
	t.Helper()
	o.Port = 1111
	document, err := openapi.Render(gateway, openapi.Document{Title: "x", Link: openapi.PrivateLink{ConnectionID: "l", Host: "nlb"},
		PassHeaders: o.PassHeaders})
	require.NoError(t, err)
	definition, err := restapi.Parse(document)
	require.NoError(t, err)
	c := &Chain{t: t, definition: definition, address: freeAddress(t)}
	c.run(string(nginx.Render(proxy, o)), addresses)
	return c
}

// Stop ends NGINX.
func (c *Chain) Stop() { c.stop() }

// With is the same NGINX behind another document.
func (c *Chain) With(gateway *route.Table) *Chain {
	document, err := openapi.Render(gateway, openapi.Document{Title: "x", Link: openapi.PrivateLink{ConnectionID: "l", Host: "nlb"}})
	require.NoError(c.t, err)
	definition, err := restapi.Parse(document)
	require.NoError(c.t, err)
	return &Chain{t: c.t, definition: definition, address: c.address, stop: c.stop}
}

func (c *Chain) run(config string, addresses map[string]string) {
	dir := c.t.TempDir()
	config = Relocate(config, dir, addresses)
	config = strings.Replace(config, "listen 1111 ", "listen "+c.address+" ", 1)
	config = strings.Replace(config, fmt.Sprintf("listen %d;", route.HealthPort), "listen unix:"+dir+"/health.sock;", 1)
	config = strings.Replace(config, "access_log /dev/stdout json buffer=32k flush=1s;", "access_log off;", 1)
	config = strings.Replace(config, "worker_processes 2;", "worker_processes 1;", 1)
	path, errors := filepath.Join(dir, "nginx.conf"), filepath.Join(dir, "error.log")
	require.NoError(c.t, os.WriteFile(path, []byte(config), 0o600))
	// One process without a master, so that nothing outlives it.
	program, err := nginxprogram.Find()
	require.NoError(c.t, err)
	process := exec.Command(program, "-p", dir, "-e", errors, "-c", path, "-g", "daemon off; master_process off;")
	require.NoError(c.t, process.Start())
	c.stop = func() {
		_ = process.Process.Kill()
		_ = process.Wait()
	}
	c.t.Cleanup(func() {
		c.stop()
		if said, err := os.ReadFile(errors); c.t.Failed() && err == nil {
			c.t.Logf("nginx said:\n%s", said)
		}
	})
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if connection, err := net.Dial("tcp", c.address); err == nil {
			require.NoError(c.t, connection.Close())
			return
		}
	}
	said, err := os.ReadFile(errors)
	c.t.Fatalf("nginx does not answer: %s %v\n%s", said, err, config)
}

// freeAddress has a host of its own, on which nobody else takes the port before NGINX does.
func freeAddress(t testing.TB) string {
	host := fmt.Sprintf("127.%d.%d.%d", 16+rand.IntN(200), rand.IntN(256), 1+rand.IntN(250))
	listener, err := net.Listen("tcp", host+":0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

// Answer is what came back. Method is nil, and Status that of API Gateway, where it has no method for the request.
type Answer struct {
	Method *restapi.Method
	Status int
	// Backend answered, and saw Path and the headers Seen; they are empty where none did.
	Backend, Path string
	Seen          http.Header
	// Body is that of any other answer than 200.
	Body string
	// Header is the answer's, as NGINX gives it.
	Header http.Header
}

// Ask sends GET for a path the whole way, called by the name host.
func (c *Chain) Ask(host, path string) Answer { return c.Send(http.MethodGet, host, path, nil) }

// Send is Ask with any method and with headers of the client's own.
func (c *Chain) Send(verb, host, path string, headers map[string]string) Answer {
	// API Gateway collapses slashes in front.
	method, variables := c.definition.Match(verb, "/"+strings.TrimLeft(path, "/"))
	if method == nil {
		return Answer{Status: http.StatusForbidden}
	}
	target := strings.TrimPrefix(method.Integration.URI, "http://nlb")
	target = strings.ReplaceAll(target[max(0, strings.Index(target, "/")):], "{proxy}", variables["proxy"])
	sent := map[string]string{}
	for name, value := range headers {
		sent[http.CanonicalHeaderKey(name)] = value
	}
	for name, source := range method.Integration.RequestParameters {
		header, isHeader := strings.CutPrefix(name, "integration.request.header.")
		if literal, ok := strings.CutPrefix(source, "'"); ok {
			source = strings.TrimSuffix(literal, "'")
		} else if name, ofClient := strings.CutPrefix(source, "method.request.header."); ofClient {
			source = sent[http.CanonicalHeaderKey(name)]
		} else {
			source = map[string]string{"context.path": "/stage" + path, "context.domainName": host}[source]
		}
		if isHeader && source != "" {
			sent[http.CanonicalHeaderKey(header)] = source
		}
	}
	answer := c.Direct(verb, target, sent)
	answer.Method = method
	return answer
}

// Direct asks NGINX alone.
func (c *Chain) Direct(verb, target string, headers map[string]string) Answer {
	connection, err := net.Dial("tcp", c.address)
	require.NoError(c.t, err)
	defer connection.Close()
	request := verb + " " + target + " HTTP/1.1\r\nHost: nlb\r\nConnection: close\r\n"
	for name, value := range headers {
		request += name + ": " + value + "\r\n"
	}
	_, err = io.WriteString(connection, request+"\r\n")
	require.NoError(c.t, err)
	response, err := http.ReadResponse(bufio.NewReader(connection), &http.Request{Method: verb})
	require.NoError(c.t, err, target)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(c.t, err)
	answer := Answer{Status: response.StatusCode, Header: response.Header}
	if response.StatusCode == http.StatusOK {
		line, seen, _ := strings.Cut(string(body), "\n")
		answer.Backend, answer.Path, _ = strings.Cut(line, " ")
		if seen != "" {
			require.NoError(c.t, json.Unmarshal([]byte(seen), &answer.Seen))
		}
	} else {
		answer.Body = string(body)
	}
	return answer
}

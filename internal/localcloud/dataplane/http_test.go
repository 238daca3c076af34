package dataplane

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/restapi"
	"github.com/stretchr/testify/require"
)

// open publishes everything below the root without authentication, with a backend of the test's own.
func (w *world) open(handler http.HandlerFunc) {
	w.t.Helper()
	w.openFor(patience, handler)
}

// openFor lets the backend take so many milliseconds.
func (w *world) openFor(timeout int, handler http.HandlerFunc) {
	w.t.Helper()
	backend := httptest.NewServer(handler)
	w.t.Cleanup(backend.Close)
	w.pods.addresses = []string{backend.Listener.Addr().String()}
	w.pods.generation.Add(1)
	all := w.operation(map[string]any{"parameters": []any{map[string]any{"name": "proxy", "in": "path"}}})
	integration := all["x-amazon-apigateway-integration"].(map[string]any)
	integration["uri"] = "http://nlb/{proxy}"
	integration["timeoutInMillis"] = timeout
	integration["requestParameters"] = map[string]any{"integration.request.path.proxy": "method.request.path.proxy",
		"integration.request.header.X-Asked": "context.path"}
	w.publish(everyone, map[string]any{"paths": map[string]any{"/{proxy+}": map[string]any{anyMethodKey: all}}})
}

// raw sends a request as it is written, without its last line.
func (w *world) raw(lines ...string) *http.Response {
	w.t.Helper()
	endpoint, err := url.Parse(w.ids["stage"].Text("invokeUrl"))
	require.NoError(w.t, err)
	connection, err := net.Dial("tcp", endpoint.Host)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { _ = connection.Close() })
	lines[0] = strings.Replace(lines[0], "STAGE", endpoint.Path, 1)
	_, err = io.WriteString(connection, strings.Join(append(lines, "Connection: close"), "\r\n")+"\r\n\r\n")
	require.NoError(w.t, err)
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	require.NoError(w.t, err)
	return response
}

// Every rule for headers holds in both directions, and what no rule names passes.
func TestHeadersAreTreatedAsTheTableSays(t *testing.T) {
	w := newWorld(t)
	var seen http.Header
	w.open(func(rw http.ResponseWriter, r *http.Request) {
		seen = r.Header.Clone()
		for _, rule := range ToClient {
			if rule.Fate == Renamed && rule.Name != "Content-Length" && rule.Name != "Connection" {
				rw.Header().Set(rule.Name, "backend")
			}
		}
		rw.Header().Set("Via", "backend")
		rw.Header().Set("X-Other", "backend")
	})
	for _, rule := range ToBackend {
		if rule.Name == "Transfer-Encoding" || rule.Name == "Expect" {
			continue // They change how the request is read.
		}
		value := "client"
		if rule.Fate == DroppedIfASignature {
			require.Equal(t, http.StatusOK, w.raw("GET STAGE/x HTTP/1.1", "Host: localhost", rule.Name+": Bearer client").StatusCode)
			require.Equal(t, "Bearer client", seen.Get(rule.Name), "what is no signature is the backend's business")
			value = "AWS4-HMAC-SHA256 Credential=x"
		}
		require.Equal(t, http.StatusOK, w.raw("GET STAGE/x HTTP/1.1", "Host: localhost", rule.Name+": "+value).StatusCode, rule.Name)
		require.NotEqual(t, value, seen.Get(rule.Name), rule.Name)
		require.Equal(t, rule.Fate == Written, seen.Get(rule.Name) != "", "%s is %s", rule.Name, rule.Fate)
	}
	response := w.raw("GET STAGE/x HTTP/1.1", "Host: localhost", "X-Other: client", "User-Agent: mine/1", "Forwarded: for=1.2.3.4",
		"Accept-Encoding: br")
	for name, want := range map[string]string{"X-Other": "client", "User-Agent": "mine/1", "Forwarded": "for=1.2.3.4",
		"Accept-Encoding": "br"} {
		require.Equal(t, want, seen.Get(name), name)
	}
	for _, rule := range ToClient {
		if rule.Fate == Renamed && rule.Name != "Content-Length" && rule.Name != "Connection" {
			require.Equal(t, "backend", response.Header.Get(Remapped+rule.Name), rule.Name)
		}
		require.NotEqual(t, "backend", response.Header.Get(rule.Name), rule.Name)
	}
	require.Equal(t, "backend", response.Header.Get("X-Other"))
	require.NotEmpty(t, response.Header.Get("X-Amzn-Requestid"))
	require.Equal(t, "application/json", response.Header.Get("Content-Type"), "a backend that names none")
}

// Answers that are cut off, late or too long are errors, never the beginning of a good answer.
func TestAnswersAreWholeOrErrors(t *testing.T) {
	w := newWorld(t)
	w.open(func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/cut":
			rw.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(rw, "the beginning")
		case "/cut-chunk":
			_, _ = io.WriteString(rw, "the beginning")
			_ = http.NewResponseController(rw).Flush()
			panic(http.ErrAbortHandler)
		}
	})
	require504 := func(path string) {
		a := w.send(http.MethodGet, path, "", nil)
		require.Equal(t, http.StatusGatewayTimeout, a.status, path)
		require.NotContains(t, a.body, "beginning", path)
	}
	require504("/cut")
	require504("/cut-chunk")
	w.openFor(300, func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(rw, "the beginning")
		_ = http.NewResponseController(rw).Flush()
		<-r.Context().Done()
	})
	require504("/late")
}

// What AWS does to paths and queries on the way to the backend.
func TestPathsAndQueriesAreTreatedAsByAWS(t *testing.T) {
	w := newWorld(t)
	var seen, asked string
	w.open(func(_ http.ResponseWriter, r *http.Request) { seen, asked = r.RequestURI, r.Header.Get("X-Asked") })
	for path, want := range map[string]string{
		"/a/b": "/a/b", "/a/": "/a", "///a//b": "/a//b", "/a%2Fb+c%2B": "/a%2Fb+c%2B", "/caf%C3%A9;v=1": "/caf%C3%A9;v=1",
		"/a?x=1&x=2": "/a?x=1&x=2",
		"/a?x=a+b":   "/a?x=a%20b", "/a?x=1;y=2": "/a?x=1&y=2", "/a?flag": "/a?flag=", "/a?x=%2f%7c": "/a?x=%2F%7C", "/a/?": "/a",
	} {
		require.Equal(t, http.StatusOK, w.raw("GET STAGE"+path+" HTTP/1.1", "Host: localhost").StatusCode, path)
		require.Equal(t, want, seen, path)
		wanted, _, _ := strings.Cut(path, "?")
		require.True(t, strings.HasSuffix(asked, wanted), "%s: context.path is what was asked for: %s", path, asked)
	}
	for _, path := range []string{"/a?x=|", "/a?x={}", "/a?x=%zz"} {
		require.Equal(t, http.StatusBadRequest, w.raw("GET STAGE"+path+" HTTP/1.1", "Host: localhost").StatusCode, path)
	}
	for _, verb := range []string{"TRACE", "PROPFIND", "CONNECTED"} {
		require.Equal(t, http.StatusForbidden, w.raw(verb+" STAGE/a HTTP/1.1", "Host: localhost").StatusCode, "ANY is seven methods")
	}
}

func TestForeignNamesAreRefused(t *testing.T) {
	w := newWorld(t)
	w.open(func(http.ResponseWriter, *http.Request) {})
	api := w.ids["api"].ID
	for host, want := range map[string]int{
		"localhost": 200, "127.0.0.1:8080": 200, api + ".execute-api.us-east-1.amazonaws.com": 200,
		"evil.example.com": 403, "other.execute-api.us-east-1.amazonaws.com": 403, "10.0.0.1": 403, api + ".example.com": 403,
	} {
		require.Equal(t, want, w.raw("GET STAGE/a HTTP/1.1", "Host: "+host).StatusCode, host)
	}
}

// The event of a REQUEST authorizer has every field that AWS documents.
func TestAuthorizerEventIsWhole(t *testing.T) {
	w := newWorld(t)
	x := &exchange{
		front: &front{w.plane, w.ids["api"].ID}, snapshot: w.plane.current(), requestID: requestID(), started: time.Now(), path: "/hello",
		sourceIP: "192.0.2.1",
		r:        httptest.NewRequest(http.MethodGet, "http://localhost/prod/hello?a=1&a=2", nil),
	}
	x.r.Header["X-Twice"] = []string{"one", "two"}
	x.api = x.snapshot.apis[w.ids["api"].ID]
	x.stage = x.api.stages["prod"]
	x.release = &x.stage.release
	x.method, x.variables = x.release.definition.Match(http.MethodGet, "/hello")
	encoded, err := json.Marshal(x.authorizerEvent(&restapi.Authorizer{Type: restapi.Request}, nil))
	require.NoError(t, err)
	var event map[string]any
	require.NoError(t, json.Unmarshal(encoded, &event))
	require.Equal(t, map[string]any{"a": "2"}, event["queryStringParameters"])
	require.Equal(t, []any{"1", "2"}, event["multiValueQueryStringParameters"].(map[string]any)["a"])
	require.Equal(t, "two", event["headers"].(map[string]any)["X-Twice"])
	require.Equal(t, []any{"one", "two"}, event["multiValueHeaders"].(map[string]any)["X-Twice"])
	about := event["requestContext"].(map[string]any)
	for _, field := range []string{"accountId", "apiId", "domainName", "domainPrefix", "extendedRequestId", "httpMethod", "identity",
		"path", "protocol", "requestId", "requestTime", "requestTimeEpoch", "resourcePath", "stage"} {
		require.NotEmpty(t, fmt.Sprint(about[field]), field)
		require.NotNil(t, about[field], field)
	}
}

// Each limit of the table lets pass what just keeps it, and what is over it gets the table's answer.
func TestLimitsAreThoseOfTheTable(t *testing.T) {
	w := newWorld(t)
	var calls int
	w.open(func(rw http.ResponseWriter, r *http.Request) {
		calls++
		length, _ := strconv.Atoi(r.Header.Get("X-Length"))
		if r.Header.Get("X-Chunks") == "" {
			rw.Header().Set("Content-Length", strconv.Itoa(length))
		}
		_, _ = rw.Write(make([]byte, length))
	})
	long := func(header string) func(int) answered {
		return func(n int) answered {
			return w.send(http.MethodGet, "/x", "", map[string]string{"X-Length": strconv.Itoa(n), header: "yes"})
		}
	}
	body := func(n int) answered { return w.send(http.MethodPost, "/x", strings.Repeat("x", n), nil) }
	head := func(n int) answered {
		line := "GET STAGE/x HTTP/1.1"
		stage, err := url.Parse(w.ids["stage"].Text("invokeUrl"))
		require.NoError(t, err)
		rest := n - len(line) + len("STAGE") - len(stage.Path) - len("localhost") - len("close")
		response := w.raw(line, "Host: localhost", "Cookie: "+strings.Repeat("c", rest))
		content, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return answered{response.StatusCode, string(content), response.Header}
	}
	tried := []restapi.Limit{restapi.CachedBody, restapi.IntegrationTime}
	for _, c := range []struct {
		limit restapi.Limit
		ask   func(int) answered
	}{
		{restapi.RequestHead, head}, {restapi.RequestBody, body},
		{restapi.ResponseBody, long("X-Other")}, {restapi.ResponseBody, long("X-Chunks")},
	} {
		require.Equal(t, http.StatusOK, c.ask(c.limit.Max).status, c.limit.What)
		before := calls
		over := c.ask(c.limit.Max + 1)
		require.Equal(t, c.limit.Status, over.status, c.limit.What)
		require.JSONEq(t, fmt.Sprintf(`{"message":%q}`, c.limit.Message), over.body)
		require.Equal(t, c.limit == restapi.ResponseBody, calls > before, "what is too large reaches no service")
		tried = append(tried, c.limit)
	}
	for _, limit := range restapi.Limits {
		require.Contains(t, tried, limit)
	}

	remembered := &responseCache{entries: map[string]cachedResponse{}}
	x := &exchange{front: &front{w.plane, ""}, r: httptest.NewRequest(http.MethodGet, "/x", nil), method: &restapi.Method{}}
	good := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}}
	x.remember(remembered, good, make([]byte, restapi.CachedBody.Max+1))
	require.Empty(t, remembered.entries)
	x.remember(remembered, good, make([]byte, restapi.CachedBody.Max))
	require.Len(t, remembered.entries, 1)

	for milliseconds, allowed := range map[int]bool{restapi.IntegrationTime.Max: true, restapi.IntegrationTime.Max + 1: false} {
		operation := w.operation(nil)
		operation["x-amazon-apigateway-integration"].(map[string]any)["timeoutInMillis"] = milliseconds
		document, err := json.Marshal(map[string]any{"openapi": "3.0.1", "paths": map[string]any{"/x": map[string]any{anyMethodKey: operation}}})
		require.NoError(t, err)
		_, err = restapi.Parse(document)
		require.Equal(t, allowed, err == nil, "%v", err)
	}
}

// A long answer is in memory once.
func TestLongAnswersAreReadOnce(t *testing.T) {
	payload := make([]byte, restapi.ResponseBody.Max)
	response := &http.Response{ContentLength: int64(len(payload)), Body: io.NopCloser(bytes.NewReader(payload))}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	body, failed := readWhole(response)
	runtime.ReadMemStats(&after)
	require.Nil(t, failed)
	require.Len(t, body, len(payload))
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(len(payload)+len(payload)/4))
}

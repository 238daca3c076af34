package integration

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/components/route/nginx"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/dataplane"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/restapi"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/supervisor"
	"github.com/apigateway-ingress/apigateway-ingress/tests/rawhttp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// rawAnswers are what the service sends as it stands here.
var rawAnswers = map[string]string{
	"big header": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Big: " + strings.Repeat("b", 9000) + "\r\n\r\nok",
	"gzip": "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: " + strconv.Itoa(len(zipped("packed"))) + "\r\n\r\n" +
		zipped("packed"),
	"no type":    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
	"chunks":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n",
	"redirect":   "HTTP/1.1 302 Found\r\nLocation: /home?next=/a\r\nContent-Length: 0\r\n\r\n",
	"abroad":     "HTTP/1.1 302 Found\r\nLocation: https://login.example.com/\r\nContent-Length: 0\r\n\r\n",
	"cookie":     "HTTP/1.1 200 OK\r\nSet-Cookie: sid=1; Path=/; HttpOnly\r\nContent-Length: 2\r\n\r\nok",
	"own 502":    "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\n\r\nmine",
	"no content": "HTTP/1.1 204 No Content\r\n\r\n",
	"unchanged":  "HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\n\r\n",
	"who":        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n",
	"cut":        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 100\r\n\r\nthe beginning",
	"cut chunk":  "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\nd\r\nthe beginning\r\n",
	"accel":      "HTTP/1.1 200 OK\r\nX-Accel-Redirect: /iam/secret\r\nContent-Length: 4\r\n\r\nmine",
	"headers": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + strings.Join(slices.Collect(func(yield func(string) bool) {
		for _, rule := range answerRules() {
			if !yield(rule.Name + ": backend\r\n") {
				return
			}
		}
	}), "") + "X-Other: backend\r\n\r\nok",
}

// answerRules are those for headers that do not frame an answer.
func answerRules() []dataplane.HeaderRule {
	return slices.DeleteFunc(slices.Clone(dataplane.ToClient), func(r dataplane.HeaderRule) bool {
		return slices.Contains([]string{"Connection", "Content-Length", "Transfer-Encoding", "Trailer", "Upgrade", "Keep-Alive", "Te"}, r.Name)
	})
}

func zipped(text string) string {
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	// A buffer takes everything.
	_, _ = io.WriteString(writer, text)
	_ = writer.Close()
	return packed.String()
}

// What applications and clients send goes through the whole chain as docs/reference/http.md says, with a signature and without.
func TestHTTPAsItIs(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t, nil)
	self, err := os.Executable()
	require.NoError(t, err)
	image := supervisor.Image{Command: []string{self, rawhttp.Verb, "${POD_IP}:${PORT}"}}
	require.NoError(t, e.cloud.AddImages(map[string]supervisor.Image{"acme/raw": image}))
	require.NoError(t, os.WriteFile(filepath.Join(e.root, "raw.yaml"), []byte(rawhttp.Routes), 0o600))
	e.setConfig("manifests", []string{"raw.yaml"})
	e.setConfig("services", []any{map[string]any{"name": "raw", "image": "acme/raw:1", "port": 80}})
	e.up()
	e.outputs()
	t.Run("all at once", func(t *testing.T) {
		for name, test := range map[string]func(*testing.T, *environment){
			"paths and queries": testShapesOfRequests, "headers of requests": testHeadersOfRequests, "bodies": testBodies,
			"answers": testAnswers, "idle connections": testIdleConnections, "smuggling": testSmuggling,
			"any bytes": func(t *testing.T, e *environment) { rapid.Check(t, rawhttp.AnyBytes(e.host())) },
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, e)
			})
		}
	})
	e.destroy()
}

// below is where a request is let in.
func below(signed bool) string {
	if signed {
		return "/iam"
	}
	return "/open"
}

// host is where the API listens.
func (e *environment) host() string {
	endpoint, err := url.Parse(e.output("apiEndpoint"))
	require.NoError(e.t, err)
	return endpoint.Host
}

// exchange is a request below /open, or signed and below /iam, and what came back. Redirects are not followed.
func (e *environment) exchange(t *testing.T, signed bool, method, path, body string, headers map[string]string) answer {
	t.Helper()
	r, err := http.NewRequest(method, e.output("apiEndpoint")+below(signed)+path, strings.NewReader(body))
	require.NoError(t, err)
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	if signed {
		e.signNormalized(r, body)
	}
	client := http.Transport{DisableCompression: true}
	defer client.CloseIdleConnections()
	response, err := client.RoundTrip(r)
	require.NoError(t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return answer{said{response.StatusCode, string(content), response.Header.Get("X-Local-Target-Reason")}, response.Header}
}

// signNormalized signs as botocore does: the path of the signature is the normalized one.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
func (e *environment) signNormalized(r *http.Request, body string) {
	normalized := r.Clone(r.Context())
	escaped := r.URL.EscapedPath()
	clean := path.Clean(escaped)
	if strings.HasSuffix(escaped, "/") && clean != "/" {
		clean += "/"
	}
	normalized.URL.Opaque = "//" + r.URL.Host + clean
	e.sign(normalized, body, *e.key())
	r.Header = normalized.Header
}

func readBack(t *testing.T, a answer) rawhttp.Request {
	t.Helper()
	require.Equal(t, http.StatusOK, a.status, "%s %s", a.body, a.reason)
	var read rawhttp.Request
	require.NoError(t, json.Unmarshal([]byte(a.body), &read), a.body)
	return read
}

func testShapesOfRequests(t *testing.T, e *environment) {
	for asked, seen := range map[string]string{
		"": "", "/": "/", "/a": "/a", "/a/": "/a/", "/a//b": "/a//b", "/a%2Fb": "/a%2Fb", "/a%252Fb": "/a%252Fb", "/a+b": "/a+b",
		"/a%20b": "/a%20b", "/caf%C3%A9/": "/caf%C3%A9/", "/a;v=1": "/a;v=1", "/~a:b@c,d!$&'()*=": "/~a:b@c,d!$&'()*=",
		"/group%2Fproject/x.git": "/group%2Fproject/x.git", "/a?x=1&x=2": "/a?x=1&x=2", "/a/?flag": "/a/?flag=",
		"/a?x=%2F%7C": "/a?x=%2F%7C", "/a?": "/a",
		"/../iam/x": "", "/a/../../iam": "", "/%2e%2e/iam": "", "/a/..%2fiam": "",
	} {
		for _, signed := range []bool{false, true} {
			a := e.exchange(t, signed, http.MethodGet, asked, "", nil)
			if strings.Contains(asked, "..") || strings.Contains(asked, "%2e") {
				require.Contains(t, []int{http.StatusBadRequest, http.StatusForbidden}, a.status, "%s signed %v: %s", asked, signed, a.body)
				continue
			}
			require.Equal(t, below(signed)+seen, readBack(t, a).Path(), "%s signed %v", asked, signed)
		}
	}
	for _, verb := range []string{"DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT"} {
		require.True(t, strings.HasPrefix(readBack(t, e.exchange(t, false, verb, "/x", "", nil)).Line, verb+" "))
	}
	require.Equal(t, http.StatusForbidden, e.exchange(t, false, "PROPFIND", "/x", "", nil).status)
	require.Equal(t, http.StatusForbidden, e.send(http.MethodGet, "/iam/x", "", nil, false).status, "unsigned")
}

// Every rule for headers holds for the whole chain, but for what the API's definition maps and what NGINX clears.
func testHeadersOfRequests(t *testing.T, e *environment) {
	headers := map[string]string{"X-Other": "client", "User-Agent": "mine/1", "Accept-Encoding": "br", "Range": "bytes=0-1",
		"If-None-Match": `W/"a"`, "Cookie": "a=b; c=d", "Accept": "text/html", "Origin": "https://a.example.com",
		"Referer": "https://b.example.com/"}
	pass := maps.Clone(headers)
	for _, rule := range dataplane.ToBackend {
		if !slices.Contains([]string{"Authorization", "Transfer-Encoding", "Connection", "Trailer", "Upgrade", "Te"}, rule.Name) {
			headers[rule.Name] = "client"
		}
	}
	for _, name := range append([]string{"X-Under_score", "X-Dot.ted"}, nginx.Cleared...) {
		headers[name] = "client"
	}
	delete(headers, "Expect") // Without a body nobody waits for it, and Go's client would.
	headers["Content-Encoding"], pass["Content-Encoding"] = "client", "client"
	for _, signed := range []bool{false, true} {
		seen := readBack(t, e.exchange(t, signed, http.MethodGet, "/h", "", headers)).Header
		for name := range headers {
			require.Equal(t, pass[name] != "", slices.Contains(seen.Values(name), "client") || pass[name] != "" && seen.Get(name) == pass[name],
				"%s signed %v: %v", name, signed, seen.Values(name))
		}
		require.Empty(t, seen.Get("Authorization"), "a signature for API Gateway is not the service's business")
		require.Equal(t, "/prod", seen.Get("X-Forwarded-Prefix"))
		require.Equal(t, "127.0.0.1", seen.Get("X-Forwarded-For"))
		require.NotEmpty(t, seen.Get("X-Request-Id"))
	}
	bearer := map[string]string{"Authorization": "Bearer mine"}
	require.Equal(t, "Bearer mine", readBack(t, e.exchange(t, false, http.MethodGet, "/h", "", bearer)).Header.Get("Authorization"))
}

// Bodies arrive as they were sent, and the service is told how they are encoded.
func testBodies(t *testing.T, e *environment) {
	binary := make([]byte, 256)
	for i := range binary {
		binary[i] = byte(i)
	}
	for _, signed := range []bool{false, true} {
		for _, body := range []string{"", "{}", string(binary), strings.Repeat("0123456789abcdef", 1<<16)} {
			read := readBack(t, e.exchange(t, signed, http.MethodPost, "/b", body, map[string]string{"Content-Type": "application/x-mine"}))
			require.Equal(t, body, string(read.Body))
			require.Equal(t, "application/x-mine", read.Header.Get("Content-Type"))
		}
		read := readBack(t, e.exchange(t, signed, http.MethodPut, "/b", zipped("text"), map[string]string{"Content-Encoding": "gzip"}))
		require.Equal(t, "gzip", read.Header.Get("Content-Encoding"))
		require.Equal(t, zipped("text"), string(read.Body))
		long := e.exchange(t, signed, http.MethodPost, "/b", strings.Repeat("x", restapi.RequestBody.Max+1), nil)
		require.Equal(t, http.StatusRequestEntityTooLarge, long.status)
		// A signature takes some of what a head may have.
		cookie := strings.Repeat("c", restapi.RequestHead.Max-1000)
		read = readBack(t, e.exchange(t, signed, http.MethodGet, "/h", "", map[string]string{"Cookie": cookie}))
		require.Equal(t, cookie, read.Header.Get("Cookie"))
		longer := e.exchange(t, signed, http.MethodGet, "/h", "", map[string]string{"Cookie": cookie + cookie})
		require.Equal(t, restapi.RequestHead.Status, longer.status)
	}
}

func testAnswers(t *testing.T, e *environment) {
	for _, signed := range []bool{false, true} {
		ask := func(name string) answer {
			return e.exchange(t, signed, http.MethodGet, "/r", "", map[string]string{"X-Answer": name})
		}
		require.Len(t, ask("big header").header.Get("X-Big"), 9000)
		packed := ask("gzip")
		require.Equal(t, "gzip", packed.header.Get("Content-Encoding"))
		require.Equal(t, zipped("packed"), packed.body)
		require.Equal(t, "application/json", ask("no type").header.Get("Content-Type"))
		require.Equal(t, "abcdef", ask("chunks").body)
		require.Equal(t, "/prod/home?next=/a", ask("redirect").header.Get("Location"))
		require.Equal(t, "https://login.example.com/", ask("abroad").header.Get("Location"))
		require.Equal(t, "sid=1; Path=/prod/; HttpOnly", ask("cookie").header.Get("Set-Cookie"))
		require.Equal(t, said{http.StatusBadGateway, "mine", ""}, ask("own 502").said)
		require.Equal(t, said{http.StatusNoContent, "", ""}, ask("no content").said)
		require.Equal(t, http.StatusNotModified, ask("unchanged").status)
		require.Equal(t, "Basic realm=x", ask("who").header.Get(dataplane.Remapped+"www-authenticate"))
		require.Equal(t, said{http.StatusOK, "mine", ""}, ask("accel").said, "no service sends a request on to another one")
		for _, broken := range []string{"cut", "cut chunk"} {
			cut := ask(broken)
			require.GreaterOrEqual(t, cut.status, http.StatusInternalServerError, broken)
			require.NotContains(t, cut.body, "beginning")
		}
		headers := ask("headers").header
		require.Equal(t, "backend", headers.Get("X-Other"))
		for _, rule := range answerRules() {
			require.NotEqual(t, "backend", headers.Get(rule.Name), rule.Name)
			// NGINX writes a date and a server of its own.
			if rule.Fate == dataplane.Renamed && rule.Name != "Date" && rule.Name != "Server" {
				require.Equal(t, "backend", headers.Get(dataplane.Remapped+rule.Name), rule.Name)
			}
		}
		head := e.exchange(t, signed, http.MethodHead, "/r", "", nil)
		require.Equal(t, http.StatusOK, head.status)
		require.Empty(t, head.body)
	}
}

// A service that closes idle connections first costs no request, not even one that must not be sent twice.
func testIdleConnections(t *testing.T, e *environment) {
	var asking sync.WaitGroup
	for i := range 60 {
		asking.Go(func() {
			for round := range 2 {
				a := e.exchange(t, false, http.MethodPost, "/idle", "{}", nil)
				if a.status != http.StatusOK {
					t.Errorf("round %d, %d: %d %s", round, i, a.status, a.reason)
				}
				// The second round comes around the moment when connections of the first one end.
				if round == 0 {
					time.Sleep(rawhttp.IdleTimeout + time.Duration(i-30)*10*time.Millisecond)
				}
			}
		})
	}
	asking.Wait()
}

// Two readings of where a request ends never make a second request of its body.
func testSmuggling(t *testing.T, e *environment) {
	hidden := "GET /iam/hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"
	rapid.Check(t, func(rt *rapid.T) {
		framing := rapid.SampledFrom([]string{
			"Content-Length: 0\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 5", "Transfer-Encoding : chunked",
			"Transfer-Encoding: xchunked", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "Transfer-Encoding:\tchunked",
			"Content-Length: 0\r\nContent-Length: 60", "Content-Length: +0", "Content-Length: 0, 60",
			"Transfer_Encoding: chunked\r\nContent-Length: 5",
			"X: y\nTransfer-Encoding: chunked\r\nContent-Length: 5", "Content-Length: 0x5",
		}).Draw(rt, "framing")
		body := rapid.SampledFrom([]string{"0\r\n\r\n", "", "5\r\nabcde\r\n0\r\n\r\n", "0;x\r\n\r\n"}).Draw(rt, "body") + hidden
		for _, response := range rawhttp.Send(rt, e.host(), "POST /prod/open/x HTTP/1.1\r\nHost: localhost\r\n"+framing+"\r\n\r\n"+body) {
			// 501 is what Go's server says to an encoding that it does not know.
			require.True(rt, response.StatusCode < 500 || response.StatusCode == http.StatusNotImplemented, framing)
			content, err := io.ReadAll(response.Body)
			require.NoError(rt, err)
			require.NotContains(rt, string(content), `"Line":"GET /iam/hidden`, framing)
		}
		// What was left on a connection to the service would be the answer to this one.
		read := readBack(t, e.exchange(t, false, http.MethodGet, "/after", "", nil))
		require.Equal(rt, "/open/after", read.Path())
	})
}

// Package rawhttp is a service that tells what it read from its socket, byte for byte, and what clients may see of it through a
// whole chain. It needs nothing of Pulumi, so that fuzz targets compile quickly.
package rawhttp

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Verb is that by which a test's program becomes the service.
const Verb = "raw-http"

// IdleTimeout is after which the service closes a connection, as Node's server does.
const IdleTimeout = 5 * time.Second

// Request is one as the service read it.
type Request struct {
	Line   string
	Header http.Header
	Body   []byte
}

// Path is the target of the request, with its query.
func (r Request) Path() string { return strings.Fields(r.Line)[1] }

// Serve listens, and answers what it read as JSON, or the bytes that the header X-Answer names among answers. It takes no byte
// more than a request has, so that another one behind it is one of its own.
func Serve(address string, answers map[string]string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer connection.Close()
			reader := bufio.NewReader(connection)
			for {
				if connection.SetReadDeadline(time.Now().Add(IdleTimeout)) != nil {
					return
				}
				read, err := readRequest(reader)
				if err != nil {
					return
				}
				answer, canned := answers[read.Header.Get("X-Answer")]
				if !canned {
					body, _ := json.Marshal(read)
					answer = fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", len(body))
					if !strings.HasPrefix(read.Line, "HEAD ") {
						answer += string(body)
					}
				}
				if _, err := io.WriteString(connection, answer); err != nil || strings.Contains(answer, "Connection: close") {
					return
				}
			}
		}()
	}
}

func readRequest(reader *bufio.Reader) (Request, error) {
	lines := textproto.NewReader(reader)
	line, err := lines.ReadLine()
	if err != nil {
		return Request{}, err
	}
	header, err := lines.ReadMIMEHeader()
	if err != nil {
		return Request{}, err
	}
	read := Request{Line: line, Header: http.Header(header)}
	if header.Get("Transfer-Encoding") != "" {
		if read.Body, err = io.ReadAll(httputil.NewChunkedReader(reader)); err == nil {
			_, err = lines.ReadLine()
		}
		return read, err
	}
	length, _ := strconv.Atoi(header.Get("Content-Length"))
	read.Body = make([]byte, length)
	_, err = io.ReadFull(reader, read.Body)
	return read, err
}

// Routes publish the service raw at /open for everybody, and at /iam for who signs.
const Routes = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: open, annotations: {apigateway.ingress.kubernetes.io/auth: none}}
spec:
  ingressClassName: apigateway
  rules: [{http: {paths: [{path: /open, pathType: Prefix, backend: {service: {name: raw, port: {number: 80}}}}]}}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: iam}
spec:
  ingressClassName: apigateway
  rules: [{http: {paths: [{path: /iam, pathType: Prefix, backend: {service: {name: raw, port: {number: 80}}}}]}}]
`

// Send sends bytes as they are to an address, and gives the answers until the connection ends.
func Send(t *rapid.T, address, text string) []*http.Response {
	connection, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer connection.Close()
	require.NoError(t, connection.SetDeadline(time.Now().Add(time.Minute)))
	_, err = io.WriteString(connection, text)
	require.NoError(t, err)
	reader := bufio.NewReader(connection)
	var got []*http.Response
	for {
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			return got
		}
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		response.Body = io.NopCloser(bytes.NewReader(body))
		got = append(got, response)
		// Another answer comes at once or never.
		require.NoError(t, connection.SetDeadline(time.Now().Add(30*time.Millisecond)))
	}
}

// AnyBytes is a property of the chain at address, whose stage is prod and which has Routes: whatever bytes a client sends, the
// service sees the same ones, or the client gets an error of its own.
func AnyBytes(address string) func(*rapid.T) {
	pieces := []string{"a", "Z", "/", "//", ".", "..", "%2e", "%2F", "%5c", "\\", ";", "+", "%2B", "%", "%zz", "%00", "%0a", "%25",
		"\x80", "\xff",
		"\"", "<", "$", "{", "}", "|", "^", "`", "~", "@", ":", "?", "=", "&", "#", "\t", "%E2%82%AC"}
	return func(rt *rapid.T) {
		path := "/" + strings.TrimLeft(strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 8).Draw(rt, "path"), ""), "/")
		value := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 4).Draw(rt, "header"), "")
		// JSON, in which the service tells, has no other bytes.
		value = strings.NewReplacer("\x80", "é", "\xff", "ÿ").Replace(value)
		name := rapid.SampledFrom([]string{"X-Mine", "X-Apigw-Caller", "X-Apigw-Path", "x_apigw_caller", "X-Apigw-Verified", "X-Forwarded-For",
			"X-Forwarded-Host", "X-Forwarded-Prefix"}).Draw(rt, "name")
		got := Send(rt, address, "GET /prod/open"+path+" HTTP/1.1\r\nHost: localhost\r\n"+name+": "+value+"\r\nConnection: close\r\n\r\n")
		require.Len(rt, got, 1)
		if got[0].StatusCode >= 400 {
			require.Less(rt, got[0].StatusCode, 500, "%q %q", path, value)
			return
		}
		var read Request
		require.NoError(rt, json.NewDecoder(got[0].Body).Decode(&read))
		asked, _, _ := strings.Cut(path, "?")
		seen, _, _ := strings.Cut(read.Path(), "?")
		if utf8.ValidString(asked) && !strings.ContainsAny(asked, "\"<{}|^`\\#") {
			require.Equal(rt, "/open"+asked, seen)
		}
		// Go's server, which is API Gateway's here, encodes a whole path anew that holds what must be encoded.
		require.Equal(rt, decodedPath(rt, "/open"+asked), decodedPath(rt, seen))
		if name == "X-Mine" {
			require.Equal(rt, strings.Trim(value, "\t"), read.Header.Get(name))
		} else if value != "" {
			require.NotContains(rt, read.Header.Values(textproto.CanonicalMIMEHeaderKey(name)), value, name)
		}
	}
}

func decodedPath(t *rapid.T, path string) string {
	decoded, err := url.PathUnescape(path)
	require.NoError(t, err)
	return decoded
}

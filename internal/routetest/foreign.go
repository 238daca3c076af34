package routetest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// Foreign services behave as servers that people already have. Each returns its address.

// RawEcho answers with the bytes of the request's head as they arrived, whatever they are, with status 201.
func RawEcho(t testing.TB) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go echoHead(connection)
		}
	}()
	return listener.Addr().String()
}

func echoHead(connection net.Conn) {
	defer connection.Close()
	reader := bufio.NewReader(connection)
	head := ""
	for !strings.HasSuffix(head, "\r\n\r\n") {
		line, err := reader.ReadString('\n')
		if err != nil {
			return
		}
		head += line
	}
	// Who asked may be gone.
	_, _ = fmt.Fprintf(connection, "HTTP/1.1 201 Created\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(head), head)
}

// Folder serves files as net/http does: a folder without a slash at its end is redirected to the one with it, and index.html
// to its folder.
func Folder(t testing.TB) string {
	files := fstest.MapFS{
		"site/index.html": {Data: []byte("<p>the site</p>")}, "site/docs/index.html": {Data: []byte("<p>the pages</p>")},
		"site/a b.txt": {Data: []byte("text")},
	}
	server := httptest.NewServer(http.FileServerFS(files))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// Express answers as applications on Express do: a sign-in by form ends with a cookie for / and a redirect from the root, and
// pages want the cookie.
func Express(t testing.TB) string {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /app/login", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Powered-By", "Express")
		w.Header().Set("Set-Cookie", "connect.sid=s%3Aabc; Path=/; HttpOnly")
		w.Header().Set("Vary", "Accept")
		w.Header().Set("Location", "/app/home")
		w.WriteHeader(http.StatusFound)
		_, _ = io.WriteString(w, "Found. Redirecting to /app/home")
	})
	mux.HandleFunc("GET /app/home", func(w http.ResponseWriter, r *http.Request) {
		cookie, err := r.Cookie("connect.sid")
		if err != nil {
			w.Header().Set("Location", "/app/login")
			w.WriteHeader(http.StatusFound)
			return
		}
		w.Header().Set("ETag", `W/"c-abc"`)
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "hello "+cookie.Value)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

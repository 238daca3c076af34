package httpservice

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func hello(mux *http.ServeMux) {
	mux.HandleFunc("GET /hello", func(w http.ResponseWriter, _ *http.Request) {
		WriteJSON(w, http.StatusOK, map[string]string{"hello": "world"})
	})
}

func TestEveryAnswerIsJSON(t *testing.T) {
	var draining atomic.Bool
	handler := Handler(slog.New(slog.DiscardHandler), &draining, hello)
	for _, c := range []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/hello", 200, `{"hello":"world"}`},
		{"GET", "/healthz", 200, `{"status":"ok"}`},
		{"GET", "/readyz", 200, `{"status":"ready"}`},
		{"GET", "/nowhere", 404, `{"error":"no such path: /nowhere"}`},
		{"POST", "/hello", 405, `{"error":"method POST is not allowed here"}`},
	} {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequest(c.method, c.path, nil))
		require.Equal(t, c.status, answer.Code, c.path)
		require.JSONEq(t, c.body, answer.Body.String())
		require.Equal(t, "application/json", answer.Header().Get("Content-Type"))
	}

	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/hello", nil))
	require.Equal(t, "GET, HEAD", answer.Header().Get("Allow"))

	draining.Store(true)
	answer = httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	require.Equal(t, http.StatusServiceUnavailable, answer.Code)
}

func TestLogCarriesTheRequestID(t *testing.T) {
	var out bytes.Buffer
	handler := Handler(slog.New(slog.NewJSONHandler(&out, nil)), new(atomic.Bool), hello)
	request := httptest.NewRequest(http.MethodGet, "/hello", nil)
	request.Header.Set(RequestIDHeader, "11-22")
	handler.ServeHTTP(httptest.NewRecorder(), request)

	var line map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	require.Equal(t, "11-22", line["requestId"])
	require.EqualValues(t, 200, line["status"])
	require.Equal(t, "/hello", line["path"])
}

func TestShutdownFinishesTheRequestInFlight(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	started, release := make(chan struct{}), make(chan struct{})
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() {
		served <- Serve(ctx, listener, slog.New(slog.DiscardHandler), func(mux *http.ServeMux) {
			mux.HandleFunc("GET /slow", func(w http.ResponseWriter, _ *http.Request) {
				close(started)
				<-release
				WriteJSON(w, http.StatusOK, "done")
			})
		})
	}()
	answered := make(chan string, 1)
	go func() {
		response, err := http.Get("http://" + listener.Addr().String() + "/slow")
		if err != nil {
			answered <- err.Error()
			return
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		answered <- string(body)
	}()
	<-started
	stop()
	close(release)
	require.Equal(t, "\"done\"\n", <-answered)
	require.NoError(t, <-served)
}

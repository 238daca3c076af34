// Package httpservice is the frame around a small HTTP service: health and
// readiness, JSON errors, one structured log line a request, graceful shutdown.
package httpservice

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

// RequestIDHeader carries the id that API Gateway gave the request, through NGINX, to the service's log.
const RequestIDHeader = "X-Request-Id"

const shutdownGrace = 20 * time.Second

// Main runs a service with its arguments until SIGINT or SIGTERM and returns the exit code:
// 0 after a clean stop, 1 when serving failed, 2 for wrong usage.
func Main(name string, args []string, routes func(*http.ServeMux)) int {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	addr := flags.String("addr", ":8080", "address to listen on, host:port")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil)).With("service", name)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", *addr)
	if err != nil {
		log.Error("cannot listen", "error", err.Error())
		return 1
	}
	if err := Serve(ctx, listener, log, routes); err != nil {
		log.Error("serving failed", "error", err.Error())
		return 1
	}
	return 0
}

// Serve answers requests on listener until ctx ends, then stops accepting,
// lets requests in flight finish for up to 20 seconds and returns.
func Serve(ctx context.Context, listener net.Listener, log *slog.Logger, routes func(*http.ServeMux)) error {
	var draining atomic.Bool
	server := &http.Server{Handler: Handler(log, &draining, routes), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	log.Info("listening", "address", listener.Addr().String())

	select {
	case err := <-served:
		return fmt.Errorf("serve %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	draining.Store(true)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		return fmt.Errorf("requests still open after %s: %w", shutdownGrace, err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	log.Info("stopped")
	return nil
}

// Handler adds to routes what every service has: /healthz (the process lives),
// /readyz (503 once draining is set), JSON errors and the access log.
func Handler(log *slog.Logger, draining *atomic.Bool, routes func(*http.ServeMux)) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if draining.Load() {
			WriteError(w, http.StatusServiceUnavailable, "shutting down")
			return
		}
		WriteJSON(w, http.StatusOK, map[string]string{"status": "ready"})
	})
	routes(mux)
	return accessLog(log, jsonErrors(mux))
}

// WriteJSON sends value as the JSON body of a response with the given status.
func WriteJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		http.Error(w, `{"error":"internal server error"}`, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

// WriteError sends {"error": message}.
func WriteError(w http.ResponseWriter, status int, message string) {
	WriteJSON(w, status, map[string]string{"error": message})
}

// jsonErrors replaces the plain-text 404 and 405 of http.ServeMux, keeping its Allow header.
func jsonErrors(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		refused := &statusOnly{ResponseWriter: w}
		mux.ServeHTTP(refused, r)
		if refused.status == http.StatusMethodNotAllowed {
			WriteError(w, refused.status, fmt.Sprintf("method %s is not allowed here", r.Method))
			return
		}
		WriteError(w, http.StatusNotFound, fmt.Sprintf("no such path: %s", r.URL.Path))
	})
}

type statusOnly struct {
	http.ResponseWriter
	status int
}

func (w *statusOnly) WriteHeader(status int)      { w.status = status }
func (w *statusOnly) Write(b []byte) (int, error) { return io.Discard.Write(b) }

func accessLog(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		seen := &recorder{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(seen, r)
		log.LogAttrs(r.Context(), slog.LevelInfo, "request",
			slog.String("requestId", r.Header.Get(RequestIDHeader)),
			slog.String("method", r.Method),
			slog.String("path", r.URL.Path),
			slog.Int("status", seen.status),
			slog.Int64("bytes", seen.bytes),
			slog.Duration("duration", time.Since(start)))
	})
}

type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *recorder) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

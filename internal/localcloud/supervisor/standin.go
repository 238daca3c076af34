package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"
)

// Echo is what a stand-in answers: that it is one, and the request as it arrived.
type Echo struct {
	// StandIn is the container image in whose place it answers.
	StandIn   string      `json:"standIn"`
	Namespace string      `json:"namespace"`
	Pod       string      `json:"pod"`
	Method    string      `json:"method"`
	URI       string      `json:"uri"`
	Host      string      `json:"host"`
	Headers   http.Header `json:"headers"`
	// Body is the request's, if it is text and not long; Bytes is its length.
	Body  string `json:"body,omitempty"`
	Bytes int    `json:"bytes"`
}

const (
	// longestEcho is the longest body that is sent back.
	longestEcho = 64 << 10
	// longestBody is more than API Gateway lets through.
	longestBody = 16 << 20
)

// serveStandIn answers on the container's ports until the pod is stopped.
func (p *pod) serveStandIn() error {
	server := &http.Server{Handler: http.HandlerFunc(p.echo), ReadHeaderTimeout: time.Minute}
	failed := make(chan error, len(p.ports()))
	var serving sync.WaitGroup
	for _, port := range p.ports() {
		listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", net.JoinHostPort(p.ip, strconv.Itoa(hostPort(port))))
		if err != nil {
			return errors.Join(err, server.Close())
		}
		serving.Go(func() { failed <- server.Serve(listener) })
	}
	p.setReady(true, "")
	var err error
	select {
	case err = <-failed:
	case <-p.stopping:
	}
	grace, cancel := context.WithTimeout(context.Background(), stopGrace)
	defer cancel()
	err = errors.Join(err, server.Shutdown(grace))
	serving.Wait()
	return err
}

func (p *pod) echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, longestBody))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	answer := Echo{
		StandIn: p.container().Image, Namespace: p.namespace, Pod: p.name,
		Method: r.Method, URI: r.RequestURI, Host: r.Host, Headers: r.Header, Bytes: len(body),
	}
	if len(body) <= longestEcho && utf8.Valid(body) {
		answer.Body = string(body)
	}
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	// A client that went away needs no answer.
	_ = encoder.Encode(answer)
}

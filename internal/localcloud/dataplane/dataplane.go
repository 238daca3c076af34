// Package dataplane is the way of a request: API Gateway's front with authentication, policies and stages, and
// the chain behind it as the objects in the store declare it.
package dataplane

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/awsrules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/cognito"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/functions"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/restapi"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
)

// DataPlane serves the REST APIs, each on a loopback port of its own.
type DataPlane struct {
	// Registration is how long a new target of a load balancer is initial, to be set before Run. Default none.
	Registration time.Duration

	store   *store.Store
	cluster Cluster
	// pools and functions are what authorizers ask.
	pools     *cognito.Pools
	functions *functions.Functions
	log       *slog.Logger
	logDir    string
	now       func() time.Time

	snapshot  atomic.Pointer[snapshot]
	rebuild   sync.Mutex
	verifiers sync.Map
	keyUses   keyUses
	// methodSettings outlive snapshots: a throttle must remember.
	methodSettings, meters sync.Map
	decisions              decisions
	turn                   atomic.Uint64
	client                 *http.Transport

	mu      sync.Mutex
	servers map[string]*http.Server
	// stored are the APIs that have been in the store: one that is being made has its port before.
	stored map[string]bool
	// unserved says why an API is not served: its port is another program's.
	unserved map[string]string
	logs     map[string]*accessLog
	closed   bool
}

// New makes a data plane that writes access logs to logDir.
func New(objects *store.Store, cluster Cluster, pools *cognito.Pools, lambda *functions.Functions, logDir string,
	log *slog.Logger) *DataPlane {
	return &DataPlane{
		store: objects, cluster: cluster, pools: pools, functions: lambda, log: log, logDir: logDir, now: time.Now,
		servers: map[string]*http.Server{}, stored: map[string]bool{}, unserved: map[string]string{}, logs: map[string]*accessLog{},
		client: &http.Transport{
			DisableCompression: true, MaxIdleConnsPerHost: 256, IdleConnTimeout: 90 * time.Second,
			DialContext: (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
			// Below NGINX's own limit, so that it is not the client that finds a connection closed.
			WriteBufferSize: 16 << 10, ReadBufferSize: 16 << 10,
		},
	}
}

// ListenForAPI opens a port for a REST API that is being made, and returns it.
func (d *DataPlane) ListenForAPI(id string) (int, error) { return d.listen(id, 0) }

func (d *DataPlane) listen(id string, port int) (int, error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return 0, fmt.Errorf("listen for REST API %s: %w", id, err)
	}
	server := &http.Server{
		Handler:           &front{d, id},
		ReadHeaderTimeout: 30 * time.Second,
		IdleTimeout:       time.Minute,
		// The front refuses less than that in API Gateway's words.
		MaxHeaderBytes: 4 * restapi.RequestHead.Max,
		Addr:           listener.Addr().String(),
		ErrorLog:       slog.NewLogLogger(d.log.Handler(), slog.LevelWarn),
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return 0, errors.Join(errors.New("the local cloud is stopping"), listener.Close())
	}
	d.servers[id] = server
	delete(d.unserved, id)
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			d.log.Error("REST API is not served any more", "api", id, "error", err.Error())
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// Run serves until ctx ends: it opens the ports of APIs that were made before a restart and closes those of
// APIs that are gone.
func (d *DataPlane) Run(ctx context.Context) {
	defer d.close()
	for {
		changed := d.store.Changed()
		d.reconcile()
		select {
		case <-changed:
		case <-time.After(flushPeriod):
			d.flushLogs()
		case <-ctx.Done():
			return
		}
	}
}

func (d *DataPlane) reconcile() {
	wanted := map[string]*store.Object{}
	for _, o := range d.store.List(awsrules.RestAPI) {
		wanted[o.ID] = o
	}
	d.mu.Lock()
	var missing []*store.Object
	for id, o := range wanted {
		if d.servers[id] == nil {
			missing = append(missing, o)
		}
	}
	for id, server := range d.servers {
		if wanted[id] == nil && d.stored[id] {
			delete(d.servers, id)
			delete(d.stored, id)
			go d.shut(server)
		}
	}
	for id := range wanted {
		d.stored[id] = true
	}
	d.mu.Unlock()
	for _, o := range missing {
		port, _ := o.Private["port"].(float64)
		if _, err := d.listen(o.ID, int(port)); err != nil {
			d.mu.Lock()
			d.unserved[o.ID] = err.Error()
			d.mu.Unlock()
			d.log.Error("REST API is not served", "api", o.ID, "error", err.Error())
		}
	}
}

func (d *DataPlane) shut(server *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		d.log.Warn("requests were cut off", "error", errors.Join(err, server.Close()).Error())
	}
}

func (d *DataPlane) close() {
	d.mu.Lock()
	d.closed = true
	servers := d.servers
	d.servers = map[string]*http.Server{}
	d.mu.Unlock()
	for _, server := range servers {
		d.shut(server)
	}
	d.client.CloseIdleConnections()
	d.flushLogs()
}

// requestID has the form of a random UUID.
func requestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: https://pkg.go.dev/crypto/rand#Read
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

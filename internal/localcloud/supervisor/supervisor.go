// Package supervisor runs the pods of the local clusters as processes: it does the work of the Deployment
// controller, the scheduler, the kubelet and kube-proxy.
package supervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/awsrules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/kuberules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
)

const (
	// idlePeriod is how often the controllers look without being told.
	idlePeriod = 500 * time.Millisecond
	pollPeriod = 10 * time.Millisecond
	// rolloutTimeout is how long a workload may take to become ready.
	rolloutTimeout = 60 * time.Second
)

// Supervisor keeps the pods as the objects in the store want them.
type Supervisor struct {
	store  *store.Store
	dir    string
	log    *slog.Logger
	images *Images

	mu   sync.Mutex
	pods []*pod
	// generation changes whenever a pod's readiness does.
	generation atomic.Uint64
	// rounds counts reconciliations.
	rounds  atomic.Uint64
	wake    chan struct{}
	stopped chan struct{}
	// problems says why a workload has fewer pods than it wants, by owner.
	problems  map[owner]string
	decodings decodings
	// configured are the generations of store and readiness that every nginx is configured for.
	configured [2]uint64
}

// owner is a Deployment or DaemonSet.
type owner struct{ cluster, token, id string }

// New makes a supervisor that keeps its files in dir. Processes that an earlier one left in dir are killed.
func New(objects *store.Store, dir string, images *Images, log *slog.Logger) (*Supervisor, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := killLeftovers(dir, log); err != nil {
		return nil, err
	}
	if err := clearPods(dir); err != nil {
		return nil, err
	}
	return &Supervisor{
		store: objects, dir: dir, log: log, images: images,
		wake: make(chan struct{}, 1), stopped: make(chan struct{}), problems: map[owner]string{},
		decodings: decodings{current: map[*store.Object]any{}},
	}, nil
}

func clearPods(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.IsDir() {
			if err := os.RemoveAll(filepath.Join(dir, entry.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// Run reconciles until ctx ends, then stops every pod.
func (s *Supervisor) Run(ctx context.Context) {
	defer close(s.stopped)
	for {
		changed := s.store.Changed()
		s.reconcile()
		select {
		case <-changed:
		case <-s.wake:
		case <-time.After(idlePeriod):
		case <-ctx.Done():
			s.stopAll()
			return
		}
	}
}

// Done is closed when Run has returned.
func (s *Supervisor) Done() <-chan struct{} { return s.stopped }

// Wake lets the controllers look now.
func (s *Supervisor) Wake() { s.poke() }

func (s *Supervisor) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// readinessChanged tells the data plane and the controllers.
func (s *Supervisor) readinessChanged() {
	s.generation.Add(1)
	s.poke()
}

// Generation changes whenever the set of ready pods does.
func (s *Supervisor) Generation() uint64 { return s.generation.Load() }

func (s *Supervisor) reconcile() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.decodings.turn()
	wanted := s.wantedWorkloads()
	for _, w := range wanted {
		s.rollOut(w)
	}
	for _, p := range s.pods {
		if !slices.ContainsFunc(wanted, func(w workload) bool { return w.owner == p.owner }) {
			s.terminate(p)
		}
	}
	s.pods = slices.DeleteFunc(s.pods, func(p *pod) bool { return p.gone() })
	s.refreshConfigs()
}

func (s *Supervisor) wantedWorkloads() []workload {
	var wanted []workload
	for _, o := range s.store.Find(isWorkload) {
		w, err := s.workloadOf(o, awsrules.Instances(s.store, o.Scope))
		if err != nil {
			s.log.Error("workload cannot be read", "id", o.ID, "error", err.Error())
			continue
		}
		wanted = append(wanted, w)
	}
	return wanted
}

// AwaitRollout returns when all pods of a workload are of its newest template and ready.
func (s *Supervisor) AwaitRollout(ctx context.Context, cluster, token, id string) error {
	who := owner{cluster, token, id}
	deadline := time.NewTimer(rolloutTimeout)
	defer deadline.Stop()
	s.poke()
	for {
		done, status := s.rolloutStatus(who)
		if done {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %s", ctx.Err(), status)
		case <-deadline.C:
			return errors.New(status)
		case <-time.After(pollPeriod):
		}
	}
}

func (s *Supervisor) rolloutStatus(who owner) (bool, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	object := s.store.GetIn(who.cluster, who.token, who.id)
	if object == nil {
		return false, "it was deleted"
	}
	w, err := s.workloadOf(object, awsrules.Instances(s.store, who.cluster))
	if err != nil {
		return false, err.Error()
	}
	ready, old := 0, 0
	var waiting []*pod
	for _, p := range s.pods {
		switch {
		case p.owner != who || p.terminating():
		case p.hash != w.hash:
			old++
		case p.isReady():
			ready++
		default:
			waiting = append(waiting, p)
		}
	}
	if ready == w.replicas && old == 0 && s.configsApplied() {
		return true, ""
	}
	status := []string{fmt.Sprintf("%d of %d pods are ready", ready, w.replicas)}
	if problem := s.problems[who]; problem != "" {
		status = append(status, problem)
	}
	return false, strings.Join(append(status, whyNotReady(waiting)...), "\n")
}

func (s *Supervisor) stopAll() {
	s.mu.Lock()
	pods := slices.Clone(s.pods)
	s.mu.Unlock()
	var all sync.WaitGroup
	for _, p := range pods {
		all.Go(p.stop)
	}
	all.Wait()
}

// Settled says whether every workload has all its pods and every proxy knows them.
func (s *Supervisor) Settled() bool {
	for _, o := range s.store.Find(isWorkload) {
		if done, _ := s.rolloutStatus(owner{o.Scope, o.Type, o.ID}); !done {
			return false
		}
	}
	return true
}

func isWorkload(o *store.Object) bool {
	return o.Type == kuberules.Deployment || o.Type == kuberules.DaemonSet
}

// PodStatus is what people want to know of a pod.
type PodStatus struct {
	Cluster   string `json:"cluster"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Labels are those by which Services select it.
	Labels map[string]string `json:"labels,omitempty"`
	// Owner is the URN of its Deployment or DaemonSet.
	Owner string `json:"owner"`
	Node  string `json:"node"`
	IP    string `json:"ip"`
	PID   int    `json:"pid,omitempty"`
	Ready bool   `json:"ready"`
	// Terminating says that it is being taken away, or replaced.
	Terminating bool   `json:"terminating,omitempty"`
	Reason      string `json:"reason,omitempty"`
	Restarts    int    `json:"restarts"`
	Log         string `json:"log,omitempty"`
	// Probes are the paths at which the pod is asked whether it is ready or alive.
	Probes []string `json:"probes,omitempty"`
	// StandIn is the image in whose place a stand-in answers; empty for a pod that does its own work.
	StandIn string `json:"standIn,omitempty"`
}

// Pods reports every pod.
func (s *Supervisor) Pods() []PodStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]PodStatus, 0, len(s.pods))
	for _, p := range s.pods {
		list = append(list, p.status())
	}
	return list
}

package supervisor

import (
	"fmt"
	"maps"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// refreshConfigs opens and closes the addresses of Services, and tells running nginx pods of those that have changed, as if the
// time for which DNS's answers hold had run out. The caller holds s.mu.
func (s *Supervisor) refreshConfigs() {
	defer s.rounds.Add(1)
	generations := [2]uint64{s.store.Generation(), s.Generation()}
	if generations == s.configured {
		return
	}
	s.configured = generations
	for _, p := range s.pods {
		if p.nginx == nil {
			continue
		}
		if err := p.nginx.services.refresh(); err != nil {
			s.log.Warn("an address of a Service is not open", "pod", p.name, "error", err.Error())
			s.configured = [2]uint64{}
		}
		if !p.isReady() {
			// A process that is only starting would die of the signal; it is looked at again when it is ready.
			continue
		}
		if err := p.tellNginx(); err != nil {
			s.log.Warn("nginx keeps its configuration", "pod", p.name, "error", err.Error())
			// The next round tries again.
			s.configured = [2]uint64{}
		}
	}
}

// tellNginx reloads nginx where names have other addresses. The caller holds s.mu.
func (p *pod) tellNginx() error {
	before := p.nginx.followed
	if err := p.writeConfig(); err != nil {
		return err
	}
	if maps.Equal(before, p.nginx.followed) {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.outdated = workersOf(p.process.Process.Pid)
	return p.process.Process.Signal(syscall.SIGHUP)
}

// configsApplied says whether every nginx knows the Services as they are. The caller holds s.mu.
func (s *Supervisor) configsApplied() bool {
	for _, p := range s.pods {
		if p.nginx != nil && (!p.configApplied() || !p.nginx.knowsAddresses()) {
			return false
		}
	}
	return true
}

func (p *pod) configApplied() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.outdated) == 0 || p.process == nil {
		return true
	}
	for pid := range workersOf(p.process.Process.Pid) {
		if p.outdated[pid] {
			return false
		}
	}
	p.outdated = nil
	return true
}

// knowsAddresses says whether DNS has told nginx where each Service is that there is.
func (n *proxied) knowsAddresses() bool {
	for name, addresses := range n.followed {
		if n.follows && addresses != "" && !n.services.hasAnswered(name, addresses) {
			return false
		}
	}
	return true
}

// knowsServices is true of everything but an nginx that has just started and has not heard of its Services yet.
func (p *pod) knowsServices() bool {
	p.supervisor.mu.Lock()
	defer p.supervisor.mu.Unlock()
	return p.nginx == nil || p.nginx.knowsAddresses()
}

// workersOf are the worker processes of an nginx that accept requests.
func workersOf(master int) map[int]bool {
	workers := map[int]bool{}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", master, master))
	if err != nil {
		return workers
	}
	for field := range strings.FieldsSeq(string(children)) {
		title, err := os.ReadFile(fmt.Sprintf("/proc/%s/cmdline", field))
		if err != nil || strings.Contains(string(title), "shutting down") {
			continue
		}
		if pid, err := strconv.Atoi(field); err == nil {
			workers[pid] = true
		}
	}
	return workers
}

// awaitDrained returns when no proxy sends requests to pods that are not ready any more.
func (s *Supervisor) awaitDrained() {
	seen := s.rounds.Load()
	s.poke()
	for deadline := time.Now().Add(longestDrain); time.Now().Before(deadline); time.Sleep(pollPeriod) {
		// A round that was under way may have missed the change, so that two must have begun.
		if s.rounds.Load() < seen+2 {
			s.poke()
			continue
		}
		s.mu.Lock()
		applied := s.configsApplied()
		s.mu.Unlock()
		if applied {
			return
		}
	}
}

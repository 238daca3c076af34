package supervisor

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// refreshConfigs gives running nginx pods the endpoints of now. The caller holds s.mu.
func (s *Supervisor) refreshConfigs() {
	defer s.rounds.Add(1)
	generations := [2]uint64{s.store.Generation(), s.Generation()}
	if generations == s.configured {
		return
	}
	s.configured = generations
	for _, p := range s.pods {
		if !s.runsNginx(p) || !p.isReady() {
			// A process that is only starting would die of the signal; it is looked at again when it is ready.
			continue
		}
		changed, err := p.writeConfig()
		if err != nil {
			s.log.Warn("nginx keeps its configuration", "pod", p.name, "error", err.Error())
			// The next round tries again.
			s.configured = [2]uint64{}
		}
		if !changed {
			continue
		}
		p.mu.Lock()
		p.outdated = workersOf(p.process.Process.Pid)
		err = p.process.Process.Signal(syscall.SIGHUP)
		p.mu.Unlock()
		if err != nil {
			s.log.Warn("nginx was not reloaded", "pod", p.name, "error", err.Error())
		}
	}
}

func (s *Supervisor) runsNginx(p *pod) bool {
	_, who := s.images.find(p.container().Image)
	return who == nginx
}

// configsApplied says whether no worker of nginx serves with an older configuration. The caller holds s.mu.
func (s *Supervisor) configsApplied() bool {
	for _, p := range s.pods {
		if s.runsNginx(p) && !p.configApplied() {
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

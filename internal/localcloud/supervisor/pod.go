package supervisor

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// pod is one container of a workload, as a process with an address of its own on the loopback interface.
type pod struct {
	supervisor *Supervisor
	owner      owner
	// urn is the owner's in its stack.
	urn       string
	namespace string
	name      string
	hash      string
	node      string
	ip        string
	spec      corev1.PodSpec
	labels    map[string]string
	// dir is the process's working directory; root beneath it holds what the pod mounts.
	dir     string
	logPath string

	mu       sync.Mutex
	process  *exec.Cmd
	ready    bool
	why      string
	restarts int
	ending   bool
	ended    bool
	stopOnce sync.Once
	// stopping is closed when the pod is to end.
	stopping chan struct{}
	// nginx is there while one runs; Supervisor.mu guards it. outdated are its workers that may still serve with what they
	// knew before.
	nginx    *proxied
	outdated map[int]bool
}

const (
	firstRestartDelay = 200 * time.Millisecond
	lastRestartDelay  = 5 * time.Second
	// longestDrain is how long a pod that goes waits for proxies to take up their new configuration.
	longestDrain = 5 * time.Second
	stopGrace    = 10 * time.Second
)

func (s *Supervisor) newPod(w workload, node string) (*pod, error) {
	suffix := make([]byte, 3)
	_, _ = rand.Read(suffix) // never fails: https://pkg.go.dev/crypto/rand#Read
	p := &pod{
		supervisor: s, owner: w.owner, urn: w.urn, namespace: w.namespace, hash: w.hash, node: node,
		name: fmt.Sprintf("%s-%s-%s", w.name, w.hash, hex.EncodeToString(suffix)),
		spec: w.template.Spec, labels: w.template.Labels, stopping: make(chan struct{}), why: "ContainerCreating",
	}
	var err error
	if p.ip, err = freeAddress(p.ports()); err != nil {
		return nil, err
	}
	p.dir = filepath.Join(s.dir, p.namespace+"."+p.name)
	p.logPath = filepath.Join(s.dir, p.namespace+"."+p.name+".log")
	return p, os.MkdirAll(p.root(), 0o700)
}

func (p *pod) root() string { return filepath.Join(p.dir, "root") }

func (p *pod) container() corev1.Container { return p.spec.Containers[0] }

func (p *pod) ports() []int {
	var ports []int
	for _, port := range p.container().Ports {
		ports = append(ports, int(port.ContainerPort))
	}
	return ports
}

// freeAddress picks a loopback address on which every port is free. All of 127.0.0.0/8 is this machine's.
func freeAddress(ports []int) (string, error) {
	var last error
	for range 20 {
		var number [4]byte
		_, _ = rand.Read(number[:]) // never fails: https://pkg.go.dev/crypto/rand#Read
		n := binary.BigEndian.Uint32(number[:])
		ip := fmt.Sprintf("127.%d.%d.%d", 16+n>>24%224, n>>16&0xff, 1+n&0xff%250)
		if last = probeFree(ip, ports); last == nil {
			return ip, nil
		}
	}
	return "", fmt.Errorf("no loopback address is free: %w", last)
}

func probeFree(ip string, ports []int) error {
	for _, port := range ports {
		listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", net.JoinHostPort(ip, fmt.Sprint(hostPort(port))))
		if err != nil {
			return err
		}
		if err := listener.Close(); err != nil {
			return err
		}
	}
	return nil
}

// run keeps the container running until the pod is stopped.
func (p *pod) run() {
	delay := firstRestartDelay
	for {
		err := p.runOnce()
		if p.stopped() {
			p.finish()
			return
		}
		p.setReady(false, p.explain(err))
		p.supervisor.log.Warn("container does not run", "pod", p.name, "error", fmt.Sprint(err))
		select {
		case <-time.After(delay):
		case <-p.stopping:
			p.finish()
			return
		}
		p.mu.Lock()
		p.restarts++
		p.mu.Unlock()
		delay = min(2*delay, lastRestartDelay)
	}
}

// errConfig is why a container does not even start.
var errConfig = errors.New("CreateContainerConfigError")

func (p *pod) explain(err error) string {
	if errors.Is(err, errConfig) {
		return err.Error()
	}
	if ended := new(exec.ExitError); errors.As(err, &ended) {
		return fmt.Sprintf("CrashLoopBackOff, %s", strings.Replace(ended.Error(), "exit status", "exit", 1))
	}
	return fmt.Sprintf("CrashLoopBackOff: %s", strings.ReplaceAll(fmt.Sprint(err), "\n", ": "))
}

func (p *pod) runOnce() error {
	image, who := p.supervisor.images.find(p.container().Image)
	if err := p.mountVolumes(); err != nil {
		return fmt.Errorf("%w: %w", errConfig, err)
	}
	environment, err := p.environment(image)
	if err != nil {
		return err
	}
	switch who {
	case idle:
		p.setReady(true, "")
		<-p.stopping
		return nil
	case standIn:
		return p.serveStandIn()
	case nginx:
		return p.runNginx(environment)
	}
	network, err := p.openNetwork()
	if err != nil {
		return err
	}
	return errors.Join(p.supervise(p.expand(image.Command), append(network.env, environment...)), network.close())
}

func (p *pod) supervise(command, environment []string) error {
	output, err := os.OpenFile(p.logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer output.Close()
	process := exec.CommandContext(context.Background(), command[0], command[1:]...)
	process.Dir = p.dir
	process.Env = environment
	process.Stdout, process.Stderr = output, output
	// A group of its own: signals meant for the local cloud do not reach pods, and a pod ends as a whole.
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := process.Start(); err != nil {
		return err
	}
	p.mu.Lock()
	p.process, p.why = process, "Running, not ready"
	p.mu.Unlock()
	exited := make(chan error, 1)
	go func() { exited <- process.Wait() }()
	probing, unhealthy := make(chan struct{}), make(chan error, 1)
	go p.probe(probing, unhealthy)
	defer close(probing)
	select {
	case err := <-exited:
		p.killGroup(process)
		return errors.Join(errors.New("the process ended"), err)
	case err := <-unhealthy:
		p.signal(process, exited)
		return err
	case <-p.stopping:
	}
	p.signal(process, exited)
	return nil
}

// signal asks the process to stop as Kubernetes would, and does not wait for ever.
func (p *pod) signal(process *exec.Cmd, exited <-chan error) {
	stop := syscall.SIGTERM
	if _, who := p.supervisor.images.find(p.container().Image); who == nginx {
		// The image's STOPSIGNAL: finish the requests in flight.
		stop = syscall.SIGQUIT
	}
	_ = process.Process.Signal(stop)
	select {
	case <-exited:
	case <-time.After(stopGrace):
	}
	p.killGroup(process)
}

func (p *pod) killGroup(process *exec.Cmd) {
	// It fails when nothing of the group is left, which is what it is for.
	_ = syscall.Kill(-process.Process.Pid, syscall.SIGKILL)
}

func (p *pod) expand(command []string) []string {
	port := ""
	if ports := p.ports(); len(ports) > 0 {
		port = fmt.Sprint(hostPort(ports[0]))
	}
	replacer := strings.NewReplacer("${POD_IP}", p.ip, "${PORT}", port)
	expanded := make([]string, len(command))
	for i, argument := range command {
		expanded[i] = replacer.Replace(argument)
	}
	return expanded
}

// terminate takes a pod out of service and ends it. The caller holds s.mu.
func (s *Supervisor) terminate(p *pod) {
	p.mu.Lock()
	already := p.ending
	p.ending, p.ready = true, false
	p.mu.Unlock()
	if already {
		return
	}
	s.generation.Add(1)
	go func() {
		s.awaitDrained()
		p.stop()
		s.poke()
	}()
}

// stop ends the pod and waits for the end.
func (p *pod) stop() {
	p.stopOnce.Do(func() { close(p.stopping) })
	for !p.gone() {
		time.Sleep(5 * time.Millisecond)
	}
}

func (p *pod) finish() {
	if err := os.RemoveAll(p.dir); err != nil {
		p.supervisor.log.Warn("pod's folder stays", "pod", p.name, "error", err.Error())
	}
	p.mu.Lock()
	p.ended, p.ready = true, false
	p.mu.Unlock()
	p.supervisor.readinessChanged()
}

func (p *pod) stopped() bool {
	select {
	case <-p.stopping:
		return true
	default:
		return false
	}
}

func (p *pod) setReady(ready bool, why string) {
	p.mu.Lock()
	changed := p.ready != ready && !p.ending
	if changed {
		p.ready = ready
	}
	p.why = why
	p.mu.Unlock()
	if changed {
		p.supervisor.readinessChanged()
	}
}

func (p *pod) isReady() bool     { p.mu.Lock(); defer p.mu.Unlock(); return p.ready }
func (p *pod) terminating() bool { p.mu.Lock(); defer p.mu.Unlock(); return p.ending }
func (p *pod) gone() bool        { p.mu.Lock(); defer p.mu.Unlock(); return p.ended }
func (p *pod) reason() string    { p.mu.Lock(); defer p.mu.Unlock(); return p.why }

func (p *pod) status() PodStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	status := PodStatus{
		Cluster: p.owner.cluster, Namespace: p.namespace, Name: p.name, Labels: p.labels, Owner: p.urn, Node: p.node, IP: p.ip,
		Ready: p.ready, Terminating: p.ending, Reason: p.why, Restarts: p.restarts, Log: p.logPath,
	}
	if _, who := p.supervisor.images.find(p.container().Image); who == standIn {
		status.StandIn, status.Log = p.container().Image, ""
	}
	for _, probe := range []*corev1.Probe{p.container().ReadinessProbe, p.container().LivenessProbe, p.container().StartupProbe} {
		if probe != nil && probe.HTTPGet != nil && !slices.Contains(status.Probes, probe.HTTPGet.Path) {
			status.Probes = append(status.Probes, probe.HTTPGet.Path)
		}
	}
	if p.process != nil {
		status.PID = p.process.Process.Pid
	}
	return status
}

package supervisor

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// startupPeriod is how often a pod is asked until it is ready for the first time.
const startupPeriod = 20 * time.Millisecond

var prober = &http.Client{
	// As the kubelet, which does not check the certificates of pods either.
	Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // the kubelet checks no certificate either
	},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// probe does the kubelet's part until done is closed: it asks whether the container has started, then for its readiness, and whether
// it lives. What it says to unhealthy is why the container has to be started anew.
// https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
func (p *pod) probe(done <-chan struct{}, unhealthy chan<- error) {
	if !p.awaitStart(done, unhealthy) {
		return
	}
	if liveness := p.container().LivenessProbe; liveness != nil {
		go p.watchLiveness(liveness, done, unhealthy)
	}
	p.watchReadiness(done)
}

// awaitStart is false when the container did not start.
func (p *pod) awaitStart(done <-chan struct{}, unhealthy chan<- error) bool {
	startup := p.container().StartupProbe
	if startup == nil {
		return true
	}
	deadline := time.Now().Add(seconds(startup.InitialDelaySeconds, 0) +
		time.Duration(threshold(startup))*seconds(startup.PeriodSeconds, 10))
	for {
		err := p.ask(startup)
		if err == nil {
			return true
		}
		p.setReady(false, "Running, not ready: startup probe: "+err.Error())
		if time.Now().After(deadline) {
			unhealthy <- fmt.Errorf("startup probe: %w", err)
			return false
		}
		if !pause(done, startupPeriod) {
			return false
		}
	}
}

func (p *pod) watchLiveness(liveness *corev1.Probe, done <-chan struct{}, unhealthy chan<- error) {
	for failures := 0; pause(done, seconds(liveness.PeriodSeconds, 10)); {
		err := p.ask(liveness)
		if err == nil {
			failures = 0
		} else if failures++; failures >= threshold(liveness) {
			unhealthy <- fmt.Errorf("liveness probe: %w", err)
			return
		}
	}
}

func (p *pod) watchReadiness(done <-chan struct{}) {
	readiness := p.container().ReadinessProbe
	if readiness == nil {
		p.setReady(true, "")
		return
	}
	failures, period := 0, startupPeriod
	for {
		if err := p.ask(readiness); err == nil && !p.isReady() && !p.knowsServices() {
			// The kubelet begins to ask some time after the start (initialDelaySeconds), which here is as long as it takes.
			period = startupPeriod
		} else if err == nil {
			failures, period = 0, seconds(readiness.PeriodSeconds, 10)
			p.setReady(true, "")
		} else if failures++; failures >= threshold(readiness) {
			p.setReady(false, "Running, not ready: readiness probe: "+err.Error())
		}
		if !pause(done, period) {
			return
		}
	}
}

// threshold is how many failures in a row count.
func threshold(probe *corev1.Probe) int { return int(max(probe.FailureThreshold, 1)) }

// pause is false when done was closed.
func pause(done <-chan struct{}, period time.Duration) bool {
	select {
	case <-done:
		return false
	case <-time.After(period):
		return true
	}
}

func seconds(value, otherwise int32) time.Duration {
	if value == 0 {
		value = otherwise
	}
	return time.Duration(value) * time.Second
}

func (p *pod) ask(probe *corev1.Probe) error {
	ctx, cancel := context.WithTimeout(context.Background(), seconds(probe.TimeoutSeconds, 1))
	defer cancel()
	switch {
	case probe.HTTPGet != nil:
		return p.askHTTP(ctx, probe.HTTPGet)
	case probe.TCPSocket != nil:
		connection, err := new(net.Dialer).DialContext(ctx, "tcp",
			net.JoinHostPort(p.ip, fmt.Sprint(hostPort(p.portNumber(probe.TCPSocket.Port)))))
		if err != nil {
			return err
		}
		return connection.Close()
	}
	return nil
}

func (p *pod) askHTTP(ctx context.Context, get *corev1.HTTPGetAction) error {
	scheme := "http"
	if get.Scheme == corev1.URISchemeHTTPS {
		scheme = "https"
	}
	url := fmt.Sprintf("%s://%s:%d%s", scheme, p.ip, hostPort(p.portNumber(get.Port)), get.Path)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	// As the kubelet names itself, with the version of its cluster:
	// https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#http-probes
	request.Header.Set("User-Agent", "kube-probe/1.36")
	response, err := prober.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(response.Body, 4096)) // what could be read says enough
	if response.StatusCode < 200 || response.StatusCode >= 400 {
		answer := response.Status
		if first, _, _ := strings.Cut(strings.TrimSpace(string(said)), "\n"); first != "" {
			answer += ": " + printable(first)
		}
		return fmt.Errorf("GET %s on port %d answered %s", get.Path, p.portNumber(get.Port), answer)
	}
	return nil
}

// portNumber resolves a port's name in the container; 0 when there is none.
func (p *pod) portNumber(port intstr.IntOrString) int {
	if port.Type == intstr.Int {
		return port.IntValue()
	}
	for _, candidate := range p.container().Ports {
		if candidate.Name == port.StrVal {
			return int(candidate.ContainerPort)
		}
	}
	return 0
}

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

// probe asks for the container's readiness until done is closed.
func (p *pod) probe(done <-chan struct{}) {
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
		} else if failures++; failures >= int(max(readiness.FailureThreshold, 1)) {
			p.setReady(false, "Running, not ready: readiness probe: "+err.Error())
		}
		select {
		case <-done:
			return
		case <-time.After(period):
		}
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

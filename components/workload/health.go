package workload

import (
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Health says how the kubelet asks for a container's state. Without a path it opens a TCP connection, which every server
// takes.
type Health struct {
	// Path is asked by GET whether the container can take requests: 200 to 399 means yes.
	Path string `pulumi:"path,optional"`
	// LivenessPath is asked whether it has to be started anew. It must not look at what other services do: all pods would be
	// restarted with them. Default a TCP connection.
	LivenessPath string `pulumi:"livenessPath,optional"`
	// Port is the container's. Default that of the first port.
	Port int `pulumi:"port,optional" range:"1..65535"`
	// Scheme is that of the paths. Certificates are not checked.
	Scheme string `pulumi:"scheme,optional" default:"HTTP" enum:"HTTP,HTTPS"`
	// StartupSeconds is how long a container may take to start before it is started anew.
	StartupSeconds int `pulumi:"startupSeconds,optional" default:"60" range:"1..540"`
	// InitialDelaySeconds is how long after its start the container is asked for the first time. Default 0.
	InitialDelaySeconds int `pulumi:"initialDelaySeconds,optional" range:"0..300"`
}

// healthPort is the name of a port that no Service has.
const healthPort = "health"

func (h Health) check() error {
	var p settings.Problems
	for _, path := range []struct{ name, text string }{{"Path", h.Path}, {"LivenessPath", h.LivenessPath}} {
		p.When(path.text != "" && !strings.HasPrefix(path.text, "/"), "{"+path.name+"} %q does not begin with a slash", path.text)
	}
	p.When(h.Scheme == "HTTPS" && h.Path == "" && h.LivenessPath == "", "{Scheme} HTTPS has no effect without {Path}")
	return p.Err()
}

// probe asks a path, or only for a connection, every so many seconds.
func (h Health) probe(path, port string, periodSeconds, failures int) corev1.ProbeArgs {
	args := corev1.ProbeArgs{
		PeriodSeconds: pulumi.Int(periodSeconds), TimeoutSeconds: pulumi.Int(2), FailureThreshold: pulumi.Int(failures),
	}
	if path == "" {
		args.TcpSocket = corev1.TCPSocketActionArgs{Port: pulumi.String(port)}
		return args
	}
	get := corev1.HTTPGetActionArgs{Path: pulumi.String(path), Port: pulumi.String(port)}
	if h.Scheme == "HTTPS" {
		get.Scheme = pulumi.String(h.Scheme)
	}
	args.HttpGet = get
	return args
}

// probes are asked at the port of this name. A container that starts slowly is left alone until it has started.
func (h Health) probes(container *corev1.ContainerArgs, port string) {
	readiness := h.probe(h.Path, port, 5, 3)
	if h.InitialDelaySeconds > 0 {
		readiness.InitialDelaySeconds = pulumi.Int(h.InitialDelaySeconds)
	}
	container.ReadinessProbe = readiness
	container.LivenessProbe = h.probe(h.LivenessPath, port, 5, 3)
	container.StartupProbe = h.probe(h.LivenessPath, port, 1, h.StartupSeconds)
}

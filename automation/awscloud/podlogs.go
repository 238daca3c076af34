package awscloud

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/logs"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
)

// PodLogs reads the logs of a cluster's pods.
type PodLogs struct{ pods typedcorev1.PodsGetter }

// Pod is one whose log can be read.
type Pod struct {
	Namespace, Name string
	// Probes are the paths at which it is asked whether it is ready or alive.
	Probes []string
}

// PodLogs connects to a cluster.
func (a *Account) PodLogs(ctx context.Context, cluster string) (*PodLogs, error) {
	config, err := a.kubeconfig(ctx, cluster)
	if err != nil {
		return nil, err
	}
	client, err := typedcorev1.NewForConfig(config)
	return &PodLogs{client}, err
}

// Pods are those of a namespace that have all labels.
func (p *PodLogs) Pods(ctx context.Context, namespace string, selector map[string]string) ([]Pod, error) {
	found, err := p.pods.Pods(namespace).List(ctx, metav1.ListOptions{
		LabelSelector: metav1.FormatLabelSelector(&metav1.LabelSelector{MatchLabels: selector})})
	if err != nil {
		return nil, err
	}
	var pods []Pod
	for _, item := range found.Items {
		pod := Pod{Namespace: item.Namespace, Name: item.Name}
		for _, container := range item.Spec.Containers {
			for _, probe := range []*corev1.Probe{container.ReadinessProbe, container.LivenessProbe, container.StartupProbe} {
				if probe != nil && probe.HTTPGet != nil {
					pod.Probes = append(pod.Probes, probe.HTTPGet.Path)
				}
			}
		}
		pods = append(pods, pod)
	}
	return pods, nil
}

// Read gives the log of a pod's first container: its last lines, or all with 0, that are not older than since, unless that
// is zero. With follow it goes on until the container or the context ends.
func (p *PodLogs) Read(ctx context.Context, pod Pod, since time.Time, lines int64, follow bool, take func(logs.Entry)) error {
	// The kubelet puts the time of each line before it.
	options := &corev1.PodLogOptions{Timestamps: true, Follow: follow}
	if !since.IsZero() {
		options.SinceTime = &metav1.Time{Time: since}
	}
	if lines > 0 {
		options.TailLines = &lines
	}
	stream, err := p.pods.Pods(pod.Namespace).GetLogs(pod.Name, options).Stream(ctx)
	if err != nil {
		return err
	}
	defer stream.Close()
	reader := bufio.NewReader(stream)
	for {
		line, err := reader.ReadString('\n')
		if line != "" {
			stamp, text, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
			at, _ := time.Parse(time.RFC3339Nano, stamp)
			entry := logs.Parse("", pod.Namespace+"/"+pod.Name, text, at)
			entry.Time = at
			take(entry)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

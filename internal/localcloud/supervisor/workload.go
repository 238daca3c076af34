package supervisor

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/awsrules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/kuberules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// workload is what a Deployment or DaemonSet wants.
type workload struct {
	owner     owner
	urn       string
	namespace string
	name      string
	template  corev1.PodTemplateSpec
	// hash names the version of the template.
	hash     string
	replicas int
	// surge is how many pods there may be above replicas, spare how many may be missing.
	surge, spare int
	nodes        []awsrules.Instance
}

// workloadOf reads what an object wants. The caller holds s.mu.
func (s *Supervisor) workloadOf(o *store.Object, nodes []awsrules.Instance) (workload, error) {
	w := workload{owner: owner{o.Scope, o.Type, o.ID}, urn: o.URN}
	if o.Type == kuberules.DaemonSet {
		daemonSet, err := decode[appsv1.DaemonSet](s, o)
		if err != nil {
			return w, err
		}
		w.namespace, w.name, w.template = daemonSet.Namespace, daemonSet.Name, daemonSet.Spec.Template
		w.nodes = selectNodes(nodes, w.template.Spec.NodeSelector)
		w.replicas, w.spare = len(w.nodes), 1
	} else {
		deployment, err := decode[appsv1.Deployment](s, o)
		if err != nil {
			return w, err
		}
		w.namespace, w.name, w.template = deployment.Namespace, deployment.Name, deployment.Spec.Template
		w.nodes = selectNodes(nodes, w.template.Spec.NodeSelector)
		w.replicas = 1
		if deployment.Spec.Replicas != nil {
			w.replicas = int(*deployment.Spec.Replicas)
		}
		w.replicas = s.autoscaled(o.Scope, w)
		w.surge, w.spare = rolling(deployment.Spec.Strategy, w.replicas)
	}
	encoded, err := json.Marshal([]any{w.template, s.programs(w.template.Spec)})
	if err != nil {
		return w, fmt.Errorf("template: %w", err)
	}
	sum := sha256.Sum256(encoded)
	w.hash = hex.EncodeToString(sum[:])[:10]
	return w, nil
}

// programs are what stands for a pod's images: a pod whose program changed is as outdated as one of another image.
func (s *Supervisor) programs(pod corev1.PodSpec) []any {
	var programs []any
	for _, container := range pod.Containers {
		programs = append(programs, s.images.version(container.Image))
	}
	return programs
}

// autoscaled keeps the number of pods within what an autoscaler allows. There is no metrics-server here, and without metrics an
// autoscaler does no more. The caller holds s.mu.
func (s *Supervisor) autoscaled(cluster string, w workload) int {
	for _, o := range s.store.ListIn(cluster, kuberules.Autoscaler) {
		autoscaler, err := decode[autoscalingv2.HorizontalPodAutoscaler](s, o)
		if err != nil || autoscaler.Namespace != w.namespace || autoscaler.Spec.ScaleTargetRef.Name != w.name {
			continue
		}
		least := 1
		if autoscaler.Spec.MinReplicas != nil {
			least = int(*autoscaler.Spec.MinReplicas)
		}
		return min(max(w.replicas, least), int(autoscaler.Spec.MaxReplicas))
	}
	return w.replicas
}

// rolling gives maxSurge and maxUnavailable; both are 25 % by default, rounded up and down.
func rolling(strategy appsv1.DeploymentStrategy, replicas int) (surge, spare int) {
	quarter := intstr.FromString("25%")
	surgeSpec, spareSpec := &quarter, &quarter
	if strategy.RollingUpdate != nil {
		if strategy.RollingUpdate.MaxSurge != nil {
			surgeSpec = strategy.RollingUpdate.MaxSurge
		}
		if strategy.RollingUpdate.MaxUnavailable != nil {
			spareSpec = strategy.RollingUpdate.MaxUnavailable
		}
	}
	surge, err1 := intstr.GetScaledValueFromIntOrPercent(surgeSpec, replicas, true)
	spare, err2 := intstr.GetScaledValueFromIntOrPercent(spareSpec, replicas, false)
	if err1 != nil || err2 != nil || surge+spare == 0 {
		return 1, 0
	}
	return surge, spare
}

func selectNodes(nodes []awsrules.Instance, selector map[string]string) []awsrules.Instance {
	var selected []awsrules.Instance
	for _, node := range nodes {
		fits := true
		for key, value := range selector {
			fits = fits && node.Labels[key] == value
		}
		if fits {
			selected = append(selected, node)
		}
	}
	return selected
}

// rollOut brings the pods of one workload a step nearer to what it wants. The caller holds s.mu.
func (s *Supervisor) rollOut(w workload) {
	current, outdated, ready := s.podsOf(w)
	delete(s.problems, w.owner)
	if len(w.nodes) == 0 && w.replicas > 0 {
		s.problems[w.owner] = "no node is available that its nodeSelector allows"
		return
	}
	for len(current) < w.replicas && len(current)+len(outdated) < w.replicas+w.surge {
		p, err := s.start(w)
		if err != nil {
			s.problems[w.owner] = err.Error()
			return
		}
		current = append(current, p)
	}
	for len(current) > w.replicas {
		last := current[len(current)-1]
		current = current[:len(current)-1]
		s.terminate(last)
	}
	for _, p := range outdated {
		if !p.isReady() {
			s.terminate(p)
		} else if ready > w.replicas-w.spare {
			s.terminate(p)
			ready--
		}
	}
}

// podsOf sorts a workload's pods by whether they are of its newest template, and counts the ready ones. Pods
// of nodes that are gone end. The caller holds s.mu.
func (s *Supervisor) podsOf(w workload) (current, outdated []*pod, ready int) {
	for _, p := range s.pods {
		if p.owner != w.owner || p.terminating() {
			continue
		}
		if !nodeExists(w.nodes, p.node) {
			s.terminate(p)
			continue
		}
		if p.isReady() {
			ready++
		}
		if p.hash == w.hash {
			current = append(current, p)
		} else {
			outdated = append(outdated, p)
		}
	}
	return current, outdated, ready
}

func nodeExists(nodes []awsrules.Instance, name string) bool {
	for _, node := range nodes {
		if node.Name == name {
			return true
		}
	}
	return false
}

// start makes a pod on the node that runs fewest of the workload's.
func (s *Supervisor) start(w workload) (*pod, error) {
	load := map[string]int{}
	for _, p := range s.pods {
		if p.owner == w.owner && !p.terminating() {
			load[p.node]++
		}
	}
	best := w.nodes[0].Name
	for _, node := range w.nodes {
		if load[node.Name] < load[best] {
			best = node.Name
		}
	}
	p, err := s.newPod(w, best)
	if err != nil {
		return nil, err
	}
	s.pods = append(s.pods, p)
	go p.run()
	return p, nil
}

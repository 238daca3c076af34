package workload

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Spec is what runs behind a Service. Its pods serve HTTP.
//
// With the security standard restricted, the default, they run as an ordinary user (65532) with a file system that only /tmp
// lets write, and may listen on any port. What needs more than these fields is an ordinary Deployment that somebody else makes.
type Spec struct {
	// Image is the container image, pinned by version or digest.
	Image pulumi.StringInput `pulumi:"image,optional"`
	// Port is the Service's only port, which is named http. Required without ports.
	Port int `pulumi:"port,optional" range:"1..65535"`
	// ContainerPort is where the container serves it. Default 8080.
	ContainerPort int `pulumi:"containerPort,optional" range:"1..65535"`
	// Ports are the Service's ports by name, instead of port and containerPort.
	Ports []Port `pulumi:"ports,optional"`
	// Command replaces the image's entry point.
	Command []string `pulumi:"command,optional"`
	// Args replace the arguments that the image gives its entry point.
	Args []string `pulumi:"args,optional"`
	// Env are environment variables by name.
	Env map[string]Variable `pulumi:"env,optional"`
	// Health says how the kubelet asks whether a container works.
	Health Health `pulumi:"health,optional"`
	// Resources is what a container is promised, and gets at most.
	Resources Resources `pulumi:"resources,optional"`
	// Replicas is the number of pods. Default 2; with autoscaling it is not set.
	Replicas int `pulumi:"replicas,optional" range:"1..1000"`
	// Autoscaling lets a HorizontalPodAutoscaler choose the number of pods. A cluster that the stack makes gets the add-on
	// metrics-server for it; another one needs it.
	Autoscaling *Autoscaling `pulumi:"autoscaling,optional"`
	// NodeSelector restricts the nodes by label.
	NodeSelector map[string]string `pulumi:"nodeSelector,optional"`
	// PodSecurity is the Pod Security Standard that the pods keep. With baseline a container is the user that its image says, root
	// included, and may write to its file system. https://kubernetes.io/docs/concepts/security/pod-security-standards/
	PodSecurity string `pulumi:"podSecurity,optional" default:"restricted" enum:"restricted,baseline"`
}

// Values of Spec.PodSecurity.
const (
	Restricted = "restricted"
	Baseline   = "baseline"
)

const defaultReplicas = 2

// Variable is the value of an environment variable, written as a text, or where it is read from.
type Variable struct {
	// Value stands in the Deployment for everybody who may read that; passwords belong into a Secret.
	Value pulumi.StringInput `pulumi:"value,optional" short:"true"`
	// Secret is one of the service's namespace. A container does not start without it.
	Secret string `pulumi:"secret,optional"`
	// ConfigMap is one of the service's namespace. A container does not start without it.
	ConfigMap string `pulumi:"configMap,optional"`
	// Key is the entry of the Secret or the ConfigMap. Default the variable's name.
	Key string `pulumi:"key,optional"`
}

// Resources are Kubernetes quantities, for example 250m and 1Gi.
type Resources struct {
	// Requests is what the node keeps free for the container. Default 100m of a CPU and 64Mi.
	Requests Amounts `pulumi:"requests,optional"`
	// Limits is what it gets at most. Default no limit of CPU, and 256Mi or the memory that it requests, if that is more.
	Limits Amounts `pulumi:"limits,optional"`
}

// Amounts are quantities of what a node has. https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
type Amounts struct {
	// CPU is in CPUs, for example 250m, which is a quarter.
	CPU string `pulumi:"cpu,optional"`
	// Memory is in bytes, for example 512Mi.
	Memory string `pulumi:"memory,optional"`
}

// Autoscaling is how many pods there may be.
type Autoscaling struct {
	// Min is how many there are at least.
	Min int `pulumi:"min" range:"1..1000"`
	// Max is how many there are at most.
	Max int `pulumi:"max" range:"1..1000"`
	// CPUPercent is how much of the CPU that they request the pods should use.
	CPUPercent int `pulumi:"cpuPercent,optional" default:"70" range:"1..1000"`
}

const defaultMemoryLimit = "256Mi"

// complete puts in the defaults that depend on other fields.
func (s Spec) complete() Spec {
	s.Resources.Requests.CPU = cmp.Or(s.Resources.Requests.CPU, "100m")
	s.Resources.Requests.Memory = cmp.Or(s.Resources.Requests.Memory, "64Mi")
	s.Resources.Limits.Memory = cmp.Or(s.Resources.Limits.Memory, larger(s.Resources.Requests.Memory, defaultMemoryLimit))
	if s.Autoscaling != nil {
		autoscaling := *s.Autoscaling
		settings.Complete(&autoscaling)
		s.Autoscaling = &autoscaling
	}
	return s
}

// replicas is how many pods there are before an autoscaler decides.
func (s Spec) replicas() int {
	if s.Autoscaling != nil {
		return s.Autoscaling.Min
	}
	return cmp.Or(s.Replicas, defaultReplicas)
}

func larger(a, b string) string {
	first, err1 := resource.ParseQuantity(a)
	second, err2 := resource.ParseQuantity(b)
	if err1 == nil && err2 == nil && first.Cmp(second) > 0 {
		return a
	}
	return b
}

// Check reports what is wrong beyond the tags.
func (s Spec) Check() error {
	var p settings.Problems
	p.Add(s.CheckPorts())
	p.In("Health", s.Health.check())
	p.In("Resources", s.Resources.check())
	for _, name := range slices.Sorted(maps.Keys(s.Env)) {
		if found := validation.IsEnvVarName(name); len(found) > 0 {
			p.When(true, "{Env}: %q is not a variable's name: %s", name, found[0])
			continue
		}
		p.In("Env["+name+"]", s.Env[name].check())
	}
	if a := s.Autoscaling; a != nil {
		p.When(a.Max < a.Min, "{Autoscaling.Max} %d is less than {Autoscaling.Min} %d", a.Max, a.Min)
		p.When(s.Replicas != 0, "{Replicas} beside {Autoscaling}, which decides: write one of them")
	}
	return p.Err()
}

func (v Variable) check() error {
	var p settings.Problems
	sources := 0
	for _, given := range []bool{v.Value != nil, v.Secret != "", v.ConfigMap != ""} {
		if given {
			sources++
		}
	}
	p.When(sources > 1, "{Value}, {Secret} and {ConfigMap} are different sources: write one of them")
	p.When(v.Key != "" && v.Value != nil, "{Key} has no effect beside {Value}")
	for _, object := range []struct{ field, name string }{{"Secret", v.Secret}, {"ConfigMap", v.ConfigMap}} {
		if found := validation.IsDNS1123Subdomain(object.name); object.name != "" && len(found) > 0 {
			p.When(true, "{"+object.field+"} %q is not the name of an object: %s", object.name, found[0])
		}
	}
	if found := validation.IsConfigMapKey(v.Key); v.Key != "" && len(found) > 0 {
		p.When(true, "{Key} %q is not valid: %s", v.Key, found[0])
	}
	return p.Err()
}

func (r Resources) check() error {
	var p settings.Problems
	for _, pair := range []struct{ name, request, limit string }{
		{"CPU", r.Requests.CPU, r.Limits.CPU}, {"Memory", r.Requests.Memory, r.Limits.Memory},
	} {
		request, known := quantity(&p, "Requests."+pair.name, pair.request)
		limit, limited := quantity(&p, "Limits."+pair.name, pair.limit)
		p.When(known && limited && request.Cmp(limit) > 0, "{Requests."+pair.name+"} %s is more than {Limits."+pair.name+"} %s",
			pair.request, pair.limit)
	}
	return p.Err()
}

// quantity parses an amount; the second result is false where none is given, or none that can be.
func quantity(p *settings.Problems, field, text string) (resource.Quantity, bool) {
	if text == "" {
		return resource.Quantity{}, false
	}
	parsed, err := resource.ParseQuantity(text)
	p.When(err != nil || strings.HasPrefix(text, "-"), "{"+field+"} %q is not a quantity, for example 250m of a CPU or 512Mi of memory", text)
	return parsed, err == nil
}

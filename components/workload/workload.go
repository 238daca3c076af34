// Package workload declares one stateless HTTP service in the cluster: a service account,
// a Deployment, a Service and a PodDisruptionBudget. Its pods pass the restricted Pod Security Standard.
package workload

import (
	"fmt"

	"cmp"
	"errors"

	"github.com/apigateway-ingress/apigateway-ingress/components/change"
	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	policyv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/policy/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"k8s.io/apimachinery/pkg/util/validation"
)

// AnyType is a type of the package kubernetes, by which a component's Kubernetes provider is found.
const AnyType = "kubernetes:core/v1:Service"

const (
	typeToken = "apigateway-ingress:workload:Workload"
	nameLabel = "app.kubernetes.io/name"
	// portName is the container port's and the Service's.
	portName = "http"
	// drainSeconds is how long a pod goes on serving after it was taken out of the endpoints,
	// so that proxies which have not heard of it yet still get an answer.
	drainSeconds = 5
)

// Args describe the service.
type Args struct {
	// ServiceName is the name of every object and the Service's DNS name: a DNS label, at most 63 characters. Required.
	ServiceName string `pulumi:"serviceName"`
	// Namespace is an existing namespace.
	Namespace pulumi.StringInput `pulumi:"namespace,optional" default:"default"`
	// Image is the container image, pinned by version or digest. Required.
	Image pulumi.StringInput `pulumi:"image"`
	// Command replaces the image's entry point; empty keeps it.
	Command []string `pulumi:"command,optional"`
	// ContainerPort is where the container serves HTTP. Not below 1024, because it runs as an ordinary user.
	ContainerPort int `pulumi:"containerPort,optional" default:"8080" range:"1024..65535"`
	// ServicePort is the Service's port. Required.
	ServicePort int `pulumi:"servicePort"`
	// NodePort opens the Service on every node at this port, 30000 to 32767. 0 keeps it inside the cluster.
	NodePort int `pulumi:"nodePort,optional" range:"30000..32767"`
	// Health tells how the kubelet asks for the container's state.
	Health Health `pulumi:"health,optional"`
	// Replicas is the number of pods.
	Replicas int `pulumi:"replicas,optional" default:"2" range:"1..1000"`
	// NodeSelector restricts the nodes by label.
	NodeSelector map[string]string `pulumi:"nodeSelector,optional"`
	// Mounts are folders with the keys of ConfigMaps and Secrets as files.
	Mounts []Mount `pulumi:"mounts,optional"`
	// User is the numeric user of the container.
	User int `pulumi:"user,optional" default:"65532"`
	// Traffic is what the pods' network lets through; nil makes no NetworkPolicy.
	Traffic *Traffic
}

// Health names the endpoints for probes.
type Health struct {
	// Port is where they are. Default the container port.
	Port int `pulumi:"port,optional" range:"1..65535"`
	// Liveness says that the container works, Readiness that it can take requests.
	Liveness  string `pulumi:"liveness,optional" default:"/healthz"`
	Readiness string `pulumi:"readiness,optional" default:"/readyz"`
	// InitialDelaySeconds is how long after its start the container is asked for the first time. Default 0.
	InitialDelaySeconds int `pulumi:"initialDelaySeconds,optional" range:"0..300"`
}

// Mount is a ConfigMap or a Secret, and the folder where the container finds its keys as files.
type Mount struct {
	// Name is the volume's, a DNS label.
	Name string `pulumi:"name"`
	// ConfigMap or Secret is the object's name.
	ConfigMap pulumi.StringInput `pulumi:"configMap,optional"`
	Secret    pulumi.StringInput `pulumi:"secret,optional"`
	// Path is the folder.
	Path string `pulumi:"path"`
}

func (m Mount) volume() corev1.VolumeArgs {
	volume := corev1.VolumeArgs{Name: pulumi.String(m.Name)}
	if m.Secret != nil {
		volume.Secret = corev1.SecretVolumeSourceArgs{SecretName: m.Secret.ToStringOutput().ToStringPtrOutput()}
	} else {
		volume.ConfigMap = corev1.ConfigMapVolumeSourceArgs{Name: m.ConfigMap.ToStringOutput().ToStringPtrOutput()}
	}
	return volume
}

// Workload is the running service.
type Workload struct {
	pulumi.ResourceState

	ServiceName pulumi.StringOutput `pulumi:"serviceName"`
	Namespace   pulumi.StringOutput `pulumi:"namespace"`

	service *corev1.Service
}

// Service is what gives the workload its name in the cluster's DNS.
func (w *Workload) Service() pulumi.Resource { return w.service }

// Complete puts in the defaults and reports every problem of the arguments.
func (a Args) Complete() (Args, error) {
	settings.Complete(&a)
	a.Health.Port = cmp.Or(a.Health.Port, a.ContainerPort)
	var p settings.Problems
	p.Add(settings.Check(a))
	if found := validation.IsDNS1035Label(a.ServiceName); len(found) > 0 {
		p.When(true, "{ServiceName} %q is not valid: %s", a.ServiceName, found[0])
	}
	image, known := settings.Known(a.Image)
	p.When(known && image == "", "{Image} is required: name a container image")
	p.When(a.ServicePort < 1 || a.ServicePort > 65535, "{ServicePort} %d is not from 1 to 65535", a.ServicePort)
	return a, p.Err()
}

// mayChange: a Service leaves its port at once, while those who call it still ask for the old one.
func mayChange(before, after change.Inputs) error {
	from, known := before["servicePort"].(float64)
	to, wanted := after["servicePort"].(float64)
	if !known || !wanted || from == to || before.Text("serviceName") != after.Text("serviceName") {
		return nil
	}
	return fmt.Errorf("the port of service %s cannot change from %v to %v: requests on their way would fail. Declare another service with "+
		"the new port, move the routes to it, bring the stack up, and take this one away", after.Text("serviceName"), from, to)
}

// New declares the service. The Kubernetes provider comes with opts; without one it is the program's own, which is told.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Workload, error) {
	if args == nil {
		args = &Args{}
	}
	a, err := args.Complete()
	if err != nil {
		return nil, settings.Named("service", name, err)
	}
	w := &Workload{}
	guard, err := change.Guard(ctx, typeToken, name, mayChange)
	if err != nil {
		return nil, err
	}
	if err := ctx.RegisterComponentResourceV2(typeToken, name, settings.Inputs(a), w, append(opts, guard)...); err != nil {
		return nil, err
	}
	if w.GetProvider(AnyType) == nil {
		notice := "it has no Kubernetes provider and takes the program's own, which may be another cluster's: give it one with pulumi.Provider"
		if err := ctx.Log.Warn(settings.Named("service", name, errors.New(notice)).Error(), &pulumi.LogArgs{Resource: w}); err != nil {
			return nil, err
		}
	}
	if err := w.declare(ctx, name, a); err != nil {
		return nil, settings.Named("service", name, err)
	}
	return w, ctx.RegisterResourceOutputs(w, pulumi.Map{"serviceName": w.ServiceName, "namespace": w.Namespace})
}

func (w *Workload) declare(ctx *pulumi.Context, name string, a Args) error {
	parent := pulumi.Parent(w)
	labels := pulumi.StringMap{nameLabel: pulumi.String(a.ServiceName), "app.kubernetes.io/managed-by": pulumi.String("apigateway-ingress")}
	selector := pulumi.StringMap{nameLabel: pulumi.String(a.ServiceName)}
	meta := metav1.ObjectMetaArgs{Name: pulumi.String(a.ServiceName), Namespace: a.Namespace.ToStringOutput().ToStringPtrOutput(),
		Labels: labels}

	account, err := corev1.NewServiceAccount(ctx, name, &corev1.ServiceAccountArgs{
		Metadata: meta, AutomountServiceAccountToken: pulumi.Bool(false),
	}, parent)
	if err != nil {
		return err
	}
	service, err := corev1.NewService(ctx, name, serviceArgs(a, meta, selector), parent)
	if err != nil {
		return err
	}
	w.service = service
	if a.NodePort != 0 {
		if err := nodePort(ctx, name, a, selector, service, parent); err != nil {
			return err
		}
	}
	if a.Traffic != nil {
		if err := networkPolicy(ctx, name, a, meta, selector, service, parent); err != nil {
			return err
		}
	}
	w.ServiceName = service.Metadata.Name().Elem()
	w.Namespace = service.Metadata.Namespace().Elem()
	if _, err := appsv1.NewDeployment(ctx, name, &appsv1.DeploymentArgs{
		Metadata: meta,
		Spec: appsv1.DeploymentSpecArgs{
			Replicas: pulumi.Int(a.Replicas),
			Selector: metav1.LabelSelectorArgs{MatchLabels: selector},
			Strategy: appsv1.DeploymentStrategyArgs{
				Type: pulumi.String("RollingUpdate"),
				// A new pod serves before an old one goes.
				RollingUpdate: appsv1.RollingUpdateDeploymentArgs{MaxUnavailable: pulumi.Int(0), MaxSurge: pulumi.Int(1)},
			},
			Template: corev1.PodTemplateSpecArgs{
				Metadata: metav1.ObjectMetaArgs{Labels: labels},
				Spec:     podSpec(a, account.Metadata.Name(), selector),
			},
		},
	}, parent); err != nil {
		return err
	}
	_, err = policyv1.NewPodDisruptionBudget(ctx, name, &policyv1.PodDisruptionBudgetArgs{
		Metadata: meta,
		Spec: policyv1.PodDisruptionBudgetSpecArgs{
			MaxUnavailable: pulumi.Int(1),
			Selector:       metav1.LabelSelectorArgs{MatchLabels: selector},
		},
	}, parent)
	return err
}

func serviceArgs(a Args, meta metav1.ObjectMetaArgs, selector pulumi.StringMap) *corev1.ServiceArgs {
	port := corev1.ServicePortArgs{
		Name: pulumi.String(portName), Port: pulumi.Int(a.ServicePort), TargetPort: pulumi.String(portName), Protocol: pulumi.String("TCP"),
	}
	return &corev1.ServiceArgs{
		Metadata: meta,
		Spec:     corev1.ServiceSpecArgs{Type: pulumi.String("ClusterIP"), Selector: selector, Ports: corev1.ServicePortArray{port}},
	}
}

// nodePort is a Service of its own, named after its port: another port gets another one, and both are open until nothing
// comes to the old.
func nodePort(ctx *pulumi.Context, name string, a Args, selector pulumi.StringMap, service *corev1.Service,
	parent pulumi.ResourceOption) error {
	suffix := fmt.Sprintf("-%d", a.NodePort)
	_, err := corev1.NewService(ctx, name+suffix, &corev1.ServiceArgs{
		Metadata: metav1.ObjectMetaArgs{
			Name: pulumi.String(a.ServiceName + suffix), Namespace: a.Namespace.ToStringOutput().ToStringPtrOutput(), Labels: selector,
		},
		Spec: corev1.ServiceSpecArgs{
			Type: pulumi.String("NodePort"), Selector: selector,
			Ports: corev1.ServicePortArray{corev1.ServicePortArgs{
				Name: pulumi.String(portName), Port: pulumi.Int(a.ServicePort), TargetPort: pulumi.String(portName), Protocol: pulumi.String("TCP"),
				NodePort: pulumi.Int(a.NodePort),
			}},
		},
		// Before, the port was the first Service's, which must let go of it.
	}, parent, pulumi.DependsOn([]pulumi.Resource{service}))
	return err
}

func podSpec(a Args, account pulumi.StringPtrOutput, selector pulumi.StringMap) corev1.PodSpecArgs {
	volumes := corev1.VolumeArray{corev1.VolumeArgs{Name: pulumi.String("tmp"), EmptyDir: corev1.EmptyDirVolumeSourceArgs{}}}
	for _, m := range a.Mounts {
		volumes = append(volumes, m.volume())
	}
	spec := corev1.PodSpecArgs{
		ServiceAccountName:           account,
		AutomountServiceAccountToken: pulumi.Bool(false),
		SecurityContext: corev1.PodSecurityContextArgs{
			RunAsNonRoot:   pulumi.Bool(true),
			RunAsUser:      pulumi.Int(a.User),
			RunAsGroup:     pulumi.Int(a.User),
			SeccompProfile: corev1.SeccompProfileArgs{Type: pulumi.String("RuntimeDefault")},
		},
		TopologySpreadConstraints: corev1.TopologySpreadConstraintArray{corev1.TopologySpreadConstraintArgs{
			MaxSkew: pulumi.Int(1), TopologyKey: pulumi.String("kubernetes.io/hostname"),
			WhenUnsatisfiable: pulumi.String("ScheduleAnyway"),
			LabelSelector:     metav1.LabelSelectorArgs{MatchLabels: selector},
		}},
		TerminationGracePeriodSeconds: pulumi.Int(30),
		Containers:                    corev1.ContainerArray{container(a)},
		Volumes:                       volumes,
	}
	if len(a.NodeSelector) > 0 {
		spec.NodeSelector = pulumi.ToStringMap(a.NodeSelector)
	}
	return spec
}

func container(a Args) corev1.ContainerArgs {
	mounts := corev1.VolumeMountArray{corev1.VolumeMountArgs{Name: pulumi.String("tmp"), MountPath: pulumi.String("/tmp")}}
	for _, m := range a.Mounts {
		mounts = append(mounts, corev1.VolumeMountArgs{Name: pulumi.String(m.Name), MountPath: pulumi.String(m.Path),
			ReadOnly: pulumi.Bool(true)})
	}
	ports := corev1.ContainerPortArray{corev1.ContainerPortArgs{Name: pulumi.String(portName), ContainerPort: pulumi.Int(a.ContainerPort)}}
	healthPort := portName
	if a.Health.Port != a.ContainerPort {
		healthPort = "health"
		ports = append(ports, corev1.ContainerPortArgs{Name: pulumi.String(healthPort), ContainerPort: pulumi.Int(a.Health.Port)})
	}
	probe := func(path string) corev1.ProbeArgs {
		args := corev1.ProbeArgs{
			HttpGet:       corev1.HTTPGetActionArgs{Path: pulumi.String(path), Port: pulumi.String(healthPort)},
			PeriodSeconds: pulumi.Int(5), TimeoutSeconds: pulumi.Int(2), FailureThreshold: pulumi.Int(3),
		}
		if delay := a.Health.InitialDelaySeconds; delay > 0 {
			args.InitialDelaySeconds = pulumi.Int(delay)
		}
		return args
	}
	result := corev1.ContainerArgs{
		Name:           pulumi.String(a.ServiceName),
		Image:          a.Image,
		Ports:          ports,
		VolumeMounts:   mounts,
		LivenessProbe:  probe(a.Health.Liveness),
		ReadinessProbe: probe(a.Health.Readiness),
		Lifecycle: corev1.LifecycleArgs{
			PreStop: corev1.LifecycleHandlerArgs{Sleep: corev1.SleepActionArgs{Seconds: pulumi.Int(drainSeconds)}},
		},
		Resources: corev1.ResourceRequirementsArgs{
			Requests: pulumi.StringMap{"cpu": pulumi.String("100m"), "memory": pulumi.String("64Mi")},
			Limits:   pulumi.StringMap{"memory": pulumi.String("256Mi")},
		},
		SecurityContext: corev1.SecurityContextArgs{
			AllowPrivilegeEscalation: pulumi.Bool(false),
			ReadOnlyRootFilesystem:   pulumi.Bool(true),
			Capabilities:             corev1.CapabilitiesArgs{Drop: pulumi.StringArray{pulumi.String("ALL")}},
		},
	}
	if len(a.Command) > 0 {
		result.Command = pulumi.ToStringArray(a.Command)
	}
	return result
}

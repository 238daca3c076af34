package workload

import (
	"cmp"
	"maps"
	"slices"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	autoscalingv2 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/autoscaling/v2"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	// drainSeconds is how long a pod goes on serving after it was taken out of the endpoints,
	// so that proxies which have not heard of it yet still get an answer.
	drainSeconds = 5
	// graceSeconds covers this and the longest request that API Gateway waits for.
	graceSeconds = drainSeconds + int(route.MaxTimeout/1e9) + 1
	// ordinaryUser is no user of the machine.
	ordinaryUser = 65532
	// deadlineSeconds is how long a Deployment may make no progress; it covers the longest start.
	deadlineSeconds = 600
)

func deployment(ctx *pulumi.Context, name string, a Args, meta metav1.ObjectMetaArgs, account pulumi.StringPtrOutput, w *Workload) error {
	opts := []pulumi.ResourceOption{pulumi.Parent(w)}
	if a.Autoscaling != nil {
		// The autoscaler owns the number of pods, and none is taken away while it takes over.
		opts = append(opts, pulumi.IgnoreChanges([]string{"spec.replicas"}))
	}
	selector := pulumi.StringMap{nameLabel: pulumi.String(a.ServiceName)}
	_, err := appsv1.NewDeployment(ctx, name, &appsv1.DeploymentArgs{
		Metadata: meta,
		Spec: appsv1.DeploymentSpecArgs{
			Replicas:                pulumi.Int(a.Spec.replicas()),
			ProgressDeadlineSeconds: pulumi.Int(deadlineSeconds),
			Selector:                metav1.LabelSelectorArgs{MatchLabels: selector},
			Strategy: appsv1.DeploymentStrategyArgs{
				Type: pulumi.String("RollingUpdate"),
				// A new pod serves before an old one goes.
				RollingUpdate: appsv1.RollingUpdateDeploymentArgs{MaxUnavailable: pulumi.Int(0), MaxSurge: pulumi.Int(1)},
			},
			Template: corev1.PodTemplateSpecArgs{
				Metadata: metav1.ObjectMetaArgs{Labels: a.podLabels()},
				Spec:     podSpec(a, account, selector),
			},
		},
	}, opts...)
	if err != nil || a.Autoscaling == nil {
		return err
	}
	return autoscaler(ctx, name, a, meta, w)
}

// podSecurityLabel tells the policies, which look at one object at a time, what the pods promise.
const podSecurityLabel = "apigateway-ingress/pod-security"

func (a Args) podLabels() pulumi.StringMap {
	labels := a.labels()
	if a.PodSecurity == Baseline {
		labels[podSecurityLabel] = pulumi.String(Baseline)
	}
	return labels
}

func autoscaler(ctx *pulumi.Context, name string, a Args, meta metav1.ObjectMetaArgs, w *Workload) error {
	_, err := autoscalingv2.NewHorizontalPodAutoscaler(ctx, name, &autoscalingv2.HorizontalPodAutoscalerArgs{
		Metadata: meta,
		Spec: autoscalingv2.HorizontalPodAutoscalerSpecArgs{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReferenceArgs{
				ApiVersion: pulumi.String("apps/v1"), Kind: pulumi.String("Deployment"), Name: pulumi.String(a.ServiceName),
			},
			MinReplicas: pulumi.Int(a.Autoscaling.Min),
			MaxReplicas: pulumi.Int(a.Autoscaling.Max),
			Metrics: autoscalingv2.MetricSpecArray{autoscalingv2.MetricSpecArgs{
				Type: pulumi.String("Resource"),
				Resource: autoscalingv2.ResourceMetricSourceArgs{
					Name: pulumi.String("cpu"),
					Target: autoscalingv2.MetricTargetArgs{
						Type: pulumi.String("Utilization"), AverageUtilization: pulumi.Int(a.Autoscaling.CPUPercent),
					},
				},
			}},
		},
	}, pulumi.Parent(w))
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
		SecurityContext:              a.podSecurity(),
		TopologySpreadConstraints: corev1.TopologySpreadConstraintArray{
			spread("topology.kubernetes.io/zone", selector), spread("kubernetes.io/hostname", selector),
		},
		TerminationGracePeriodSeconds: pulumi.Int(graceSeconds),
		Containers:                    corev1.ContainerArray{container(a)},
		Volumes:                       volumes,
	}
	if len(a.NodeSelector) > 0 {
		spec.NodeSelector = pulumi.ToStringMap(a.NodeSelector)
	}
	return spec
}

// spread keeps the loss of one zone, or of one node, from taking all pods with it.
func spread(key string, selector pulumi.StringMap) corev1.TopologySpreadConstraintArgs {
	return corev1.TopologySpreadConstraintArgs{
		MaxSkew: pulumi.Int(1), TopologyKey: pulumi.String(key), WhenUnsatisfiable: pulumi.String("ScheduleAnyway"),
		LabelSelector: metav1.LabelSelectorArgs{MatchLabels: selector},
	}
}

func (a Args) podSecurity() corev1.PodSecurityContextArgs {
	security := corev1.PodSecurityContextArgs{SeccompProfile: corev1.SeccompProfileArgs{Type: pulumi.String("RuntimeDefault")}}
	if a.PodSecurity == Baseline {
		if a.User != 0 {
			security.RunAsUser = pulumi.Int(a.User)
		}
		return security
	}
	user := cmp.Or(a.User, ordinaryUser)
	security.RunAsNonRoot, security.RunAsUser, security.RunAsGroup = pulumi.Bool(true), pulumi.Int(user), pulumi.Int(user)
	if lowest := slices.MinFunc(a.AllPorts(), func(a, b Port) int { return a.ContainerPort - b.ContainerPort }).ContainerPort; lowest < 1024 {
		// One of the sysctls that the standard restricted admits:
		// https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
		security.Sysctls = corev1.SysctlArray{corev1.SysctlArgs{
			Name: pulumi.String("net.ipv4.ip_unprivileged_port_start"), Value: pulumi.String("0"),
		}}
	}
	return security
}

func container(a Args) corev1.ContainerArgs {
	mounts := corev1.VolumeMountArray{corev1.VolumeMountArgs{Name: pulumi.String("tmp"), MountPath: pulumi.String("/tmp")}}
	for _, m := range a.Mounts {
		mounts = append(mounts, corev1.VolumeMountArgs{Name: pulumi.String(m.Name), MountPath: pulumi.String(m.Path),
			ReadOnly: pulumi.Bool(true)})
	}
	result := corev1.ContainerArgs{
		Name:         pulumi.String(a.ServiceName),
		Image:        a.Image,
		VolumeMounts: mounts,
		Lifecycle: corev1.LifecycleArgs{
			PreStop: corev1.LifecycleHandlerArgs{Sleep: corev1.SleepActionArgs{Seconds: pulumi.Int(drainSeconds)}},
		},
		Resources: corev1.ResourceRequirementsArgs{Requests: a.Resources.Requests.args(), Limits: a.Resources.Limits.args()},
	}
	if a.PodSecurity != Baseline {
		result.SecurityContext = corev1.SecurityContextArgs{
			AllowPrivilegeEscalation: pulumi.Bool(false),
			ReadOnlyRootFilesystem:   pulumi.Bool(true),
			Capabilities:             corev1.CapabilitiesArgs{Drop: pulumi.StringArray{pulumi.String("ALL")}},
		}
	}
	ports, health := a.containerPorts()
	result.Ports = ports
	a.Health.probes(&result, health)
	if len(a.Command) > 0 {
		result.Command = pulumi.ToStringArray(a.Command)
	}
	if len(a.Spec.Args) > 0 {
		result.Args = pulumi.ToStringArray(a.Spec.Args)
	}
	if len(a.Env) > 0 {
		result.Env = a.Spec.env()
	}
	return result
}

// containerPorts are those of the container, and the name of the one that is asked for its health.
func (a Args) containerPorts() (ports corev1.ContainerPortArray, health string) {
	list := a.AllPorts()
	for _, p := range list {
		ports = append(ports, corev1.ContainerPortArgs{Name: pulumi.String(p.Name), ContainerPort: pulumi.Int(p.ContainerPort)})
	}
	asked := cmp.Or(a.Health.Port, list[0].ContainerPort)
	for _, p := range list {
		if p.ContainerPort == asked {
			return ports, p.Name
		}
	}
	return append(ports, corev1.ContainerPortArgs{Name: pulumi.String(healthPort), ContainerPort: pulumi.Int(asked)}), healthPort
}

func (s Spec) env() corev1.EnvVarArray {
	var variables corev1.EnvVarArray
	for _, name := range slices.Sorted(maps.Keys(s.Env)) {
		variables = append(variables, s.Env[name].args(name))
	}
	return variables
}

func (v Variable) args(name string) corev1.EnvVarArgs {
	variable := corev1.EnvVarArgs{Name: pulumi.String(name)}
	key := pulumi.String(cmp.Or(v.Key, name))
	switch {
	case v.Secret != "":
		variable.ValueFrom = corev1.EnvVarSourceArgs{SecretKeyRef: corev1.SecretKeySelectorArgs{Name: pulumi.String(v.Secret), Key: key}}
	case v.ConfigMap != "":
		variable.ValueFrom = corev1.EnvVarSourceArgs{
			ConfigMapKeyRef: corev1.ConfigMapKeySelectorArgs{Name: pulumi.String(v.ConfigMap), Key: key},
		}
	case v.Value != nil:
		variable.Value = v.Value.ToStringOutput().ToStringPtrOutput()
	}
	return variable
}

func (a Amounts) args() pulumi.StringMap {
	amounts := pulumi.StringMap{}
	if a.CPU != "" {
		amounts["cpu"] = pulumi.String(a.CPU)
	}
	if a.Memory != "" {
		amounts["memory"] = pulumi.String(a.Memory)
	}
	return amounts
}

package podrole

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	rbacv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/rbac/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	kube2iamName = "kube2iam"
	// kube2iamNamespace is where EKS keeps what runs on every node; it needs the host's network.
	kube2iamNamespace = "kube-system"
	kube2iamImage     = "docker.io/jtblin/kube2iam:0.11.2"
)

func (p *PodRole) kube2iamTrust() pulumi.StringOutput {
	return p.args.Cluster.NodeRoleARN.ToStringOutput().ApplyT(func(node string) (string, error) {
		return trustPolicy(statement{Effect: "Allow", Action: "sts:AssumeRole", Principal: map[string]string{"AWS": node}})
	}).(pulumi.StringOutput)
}

// kube2iam lets the nodes assume this one role and runs the agent that hands it to annotated pods.
func (p *PodRole) kube2iam(ctx *pulumi.Context, role *iam.Role) error {
	policy := role.Arn.ApplyT(func(arn string) (string, error) {
		return trustPolicy(statement{Effect: "Allow", Action: "sts:AssumeRole", Resource: arn})
	}).(pulumi.StringOutput)
	if _, err := iam.NewRolePolicy(ctx, p.name+"-kube2iam", &iam.RolePolicyArgs{
		Role: p.args.Cluster.NodeRoleName, Policy: policy,
	}, pulumi.Parent(p)); err != nil {
		return err
	}
	account, err := corev1.NewServiceAccount(ctx, p.name+"-kube2iam", &corev1.ServiceAccountArgs{
		Metadata: metav1.ObjectMetaArgs{Name: pulumi.String(kube2iamName), Namespace: pulumi.String(kube2iamNamespace)},
	}, pulumi.Parent(p))
	if err != nil {
		return err
	}
	if err := p.kube2iamAccess(ctx); err != nil {
		return err
	}
	labels := pulumi.StringMap{"app.kubernetes.io/name": pulumi.String(kube2iamName)}
	_, err = appsv1.NewDaemonSet(ctx, p.name+"-kube2iam", &appsv1.DaemonSetArgs{
		Metadata: metav1.ObjectMetaArgs{Name: pulumi.String(kube2iamName), Namespace: pulumi.String(kube2iamNamespace), Labels: labels},
		Spec: appsv1.DaemonSetSpecArgs{
			Selector: metav1.LabelSelectorArgs{MatchLabels: labels},
			Template: corev1.PodTemplateSpecArgs{
				Metadata: metav1.ObjectMetaArgs{Labels: labels},
				Spec: corev1.PodSpecArgs{
					ServiceAccountName: account.Metadata.Name(),
					HostNetwork:        pulumi.Bool(true),
					Containers:         corev1.ContainerArray{p.kube2iamContainer()},
				},
			},
		},
	}, pulumi.Parent(p))
	return err
}

func (p *PodRole) kube2iamContainer() corev1.ContainerArgs {
	field := func(name, path string) corev1.EnvVarArgs {
		return corev1.EnvVarArgs{Name: pulumi.String(name), ValueFrom: corev1.EnvVarSourceArgs{
			FieldRef: corev1.ObjectFieldSelectorArgs{FieldPath: pulumi.String(path)},
		}}
	}
	return corev1.ContainerArgs{
		Name:  pulumi.String(kube2iamName),
		Image: pulumi.String(kube2iamImage),
		Args: pulumi.ToStringArray([]string{
			"--auto-discover-base-arn",
			"--iptables=true",
			"--host-ip=$(HOST_IP)",
			"--node=$(NODE_NAME)",
			"--host-interface=eni+",
			"--namespace-restrictions",
		}),
		Env: corev1.EnvVarArray{field("HOST_IP", "status.podIP"), field("NODE_NAME", "spec.nodeName")},
		Ports: corev1.ContainerPortArray{corev1.ContainerPortArgs{Name: pulumi.String("http"), ContainerPort: pulumi.Int(8181),
			HostPort: pulumi.Int(8181)}},
		Resources: corev1.ResourceRequirementsArgs{
			Requests: pulumi.StringMap{"cpu": pulumi.String("20m"), "memory": pulumi.String("64Mi")},
			Limits:   pulumi.StringMap{"memory": pulumi.String("128Mi")},
		},
		// Redirecting the metadata address takes the right to change the node's packet filter.
		SecurityContext: corev1.SecurityContextArgs{
			Capabilities: corev1.CapabilitiesArgs{
				Drop: pulumi.ToStringArray([]string{"ALL"}), Add: pulumi.ToStringArray([]string{"NET_ADMIN", "NET_RAW"}),
			},
		},
	}
}

func (p *PodRole) kube2iamAccess(ctx *pulumi.Context) error {
	role, err := rbacv1.NewClusterRole(ctx, p.name+"-kube2iam", &rbacv1.ClusterRoleArgs{
		Metadata: metav1.ObjectMetaArgs{Name: pulumi.String(kube2iamName)},
		Rules: rbacv1.PolicyRuleArray{rbacv1.PolicyRuleArgs{
			ApiGroups: pulumi.ToStringArray([]string{""}),
			Resources: pulumi.ToStringArray([]string{"namespaces", "pods"}),
			Verbs:     pulumi.ToStringArray([]string{"get", "list", "watch"}),
		}},
	}, pulumi.Parent(p))
	if err != nil {
		return err
	}
	_, err = rbacv1.NewClusterRoleBinding(ctx, p.name+"-kube2iam", &rbacv1.ClusterRoleBindingArgs{
		Metadata: metav1.ObjectMetaArgs{Name: pulumi.String(kube2iamName)},
		RoleRef: rbacv1.RoleRefArgs{
			ApiGroup: pulumi.String("rbac.authorization.k8s.io"), Kind: pulumi.String("ClusterRole"), Name: role.Metadata.Name().Elem(),
		},
		Subjects: rbacv1.SubjectArray{rbacv1.SubjectArgs{
			Kind: pulumi.String("ServiceAccount"), Name: pulumi.String(kube2iamName), Namespace: pulumi.String(kube2iamNamespace),
		}},
	}, pulumi.Parent(p))
	return err
}

package gateway

import (
	"fmt"
	"maps"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/autoscaling"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lb"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apiextensions"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumiverse/pulumi-time/sdk/go/time"
)

// TargetType is what the load balancer sends requests to.
type TargetType string

// Instance sends them to a port of every node, from where Kubernetes takes them to a pod. IP sends them to the
// proxy's pods at once; the AWS Load Balancer Controller, which must run in the cluster, tells the balancer their
// addresses. https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/targetgroupbinding/targetgroupbinding/
const (
	Instance TargetType = "instance"
	IP       TargetType = "ip"
)

// targetPort is where targets take requests.
func (g *Gateway) targetPort() pulumi.IntOutput {
	if g.args.Balancer.TargetType == IP {
		return g.args.Target.Pods.Port.ToIntOutput()
	}
	return g.args.Target.NodePort.ToIntOutput()
}

// portName is a name with the port where targets take requests, as far as it is known at once.
func (g *Gateway) portName(name string) string {
	port := g.args.Target.NodePort
	if g.args.Balancer.TargetType == IP {
		port = g.args.Target.Pods.Port
	}
	if number, known := port.(pulumi.Int); known {
		return fmt.Sprintf("%s-%d", name, number)
	}
	return name
}

// registration is how long AWS may take until a new target of a Network Load Balancer is healthy:
// https://github.com/kubernetes-sigs/aws-load-balancer-controller/issues/1834, https://github.com/aws/containers-roadmap/issues/470
const registration = "300s"

// register makes targets and waits until they are healthy. No resource of AWS does: an attachment is made when AWS has heard
// of it. What is replaced meanwhile goes only afterwards, because the engine deletes last.
func (g *Gateway) register(ctx *pulumi.Context, targets *lb.TargetGroup, listener *lb.Listener) (pulumi.Resource, error) {
	made := pulumi.StringMap{"listener": listener.Arn}
	if g.args.Balancer.TargetType == IP {
		binding, err := g.bindPods(ctx, targets)
		if err != nil {
			return nil, err
		}
		made["pods"] = binding.ID()
	} else {
		for i, name := range slices.Sorted(maps.Keys(g.args.Target.Nodes.AutoScalingGroups)) {
			counted := g.name
			if i > 0 {
				counted = fmt.Sprintf("%s-%d", g.name, i)
			}
			attachment, err := autoscaling.NewAttachment(ctx, join(g.name, name), &autoscaling.AttachmentArgs{
				AutoscalingGroupName: g.args.Target.Nodes.AutoScalingGroups[name], LbTargetGroupArn: targets.Arn,
			}, pulumi.Parent(g), formerly(counted))
			if err != nil {
				return nil, err
			}
			made["nodes "+name] = attachment.ID()
		}
	}
	return time.NewSleep(ctx, g.name+"-targets", &time.SleepArgs{
		CreateDuration: pulumi.String(registration), Triggers: made,
	}, pulumi.Parent(g))
}

func join(name, suffix string) string {
	if suffix == "" {
		return name
	}
	return name + "-" + suffix
}

func (g *Gateway) bindPods(ctx *pulumi.Context, targets *lb.TargetGroup) (*apiextensions.CustomResource, error) {
	pods := g.args.Target.Pods
	options := []pulumi.ResourceOption{pulumi.Parent(g)}
	if pods.Kubernetes != nil {
		options = append(options, pulumi.Provider(pods.Kubernetes))
	}
	return apiextensions.NewCustomResource(ctx, g.name, &apiextensions.CustomResourceArgs{
		ApiVersion: pulumi.String("elbv2.k8s.aws/v1beta1"),
		Kind:       pulumi.String("TargetGroupBinding"),
		Metadata:   metav1.ObjectMetaArgs{Namespace: pods.Namespace.ToStringOutput().ToStringPtrOutput()},
		OtherFields: kubernetes.UntypedArgs{"spec": pulumi.Map{
			"targetGroupARN": targets.Arn,
			"targetType":     pulumi.String(IP),
			"serviceRef":     pulumi.Map{"name": pods.ServiceName, "port": pods.ServicePort},
		}},
	}, options...)
}

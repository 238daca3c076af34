package gateway

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/autoscaling"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lb"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apiextensions"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
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

func (g *Gateway) register(ctx *pulumi.Context, targets *lb.TargetGroup) error {
	if g.args.Balancer.TargetType == IP {
		return g.bindPods(ctx, targets)
	}
	for i, group := range g.args.Target.Nodes.AutoScalingGroups {
		name := g.name
		if i > 0 {
			name = fmt.Sprintf("%s-%d", g.name, i)
		}
		if _, err := autoscaling.NewAttachment(ctx, name, &autoscaling.AttachmentArgs{
			AutoscalingGroupName: group, LbTargetGroupArn: targets.Arn,
		}, pulumi.Parent(g)); err != nil {
			return err
		}
	}
	return nil
}

func (g *Gateway) bindPods(ctx *pulumi.Context, targets *lb.TargetGroup) error {
	pods := g.args.Target.Pods
	options := []pulumi.ResourceOption{pulumi.Parent(g)}
	if pods.Kubernetes != nil {
		options = append(options, pulumi.Provider(pods.Kubernetes))
	}
	_, err := apiextensions.NewCustomResource(ctx, g.name, &apiextensions.CustomResourceArgs{
		ApiVersion: pulumi.String("elbv2.k8s.aws/v1beta1"),
		Kind:       pulumi.String("TargetGroupBinding"),
		Metadata:   metav1.ObjectMetaArgs{Namespace: pods.Namespace.ToStringOutput().ToStringPtrOutput()},
		OtherFields: kubernetes.UntypedArgs{"spec": pulumi.Map{
			"targetGroupARN": targets.Arn,
			"targetType":     pulumi.String(IP),
			"serviceRef":     pulumi.Map{"name": pods.ServiceName, "port": pods.ServicePort},
		}},
	}, options...)
	return err
}

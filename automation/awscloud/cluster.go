package awscloud

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	kubeerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// cluster asks the Kubernetes API of an EKS cluster. It is found at the first question.
type cluster struct {
	account *Account
	name    string

	once    sync.Once
	client  dynamic.Interface
	problem error
}

func (c *cluster) connect(ctx context.Context) (dynamic.Interface, error) {
	c.once.Do(func() { c.client, c.problem = c.account.kubernetes(ctx, c.name) })
	return c.client, c.problem
}

func (a *Account) kubernetes(ctx context.Context, name string) (dynamic.Interface, error) {
	config, err := a.kubeconfig(ctx, name)
	if err != nil {
		return nil, err
	}
	return dynamic.NewForConfig(config)
}

// kubeconfig is how the Kubernetes API of a cluster is reached, with the account's credentials.
func (a *Account) kubeconfig(ctx context.Context, name string) (*rest.Config, error) {
	if name == "" {
		return nil, errors.New("the stack names no cluster")
	}
	found, err := a.clusters.DescribeCluster(ctx, &eks.DescribeClusterInput{Name: &name})
	if err != nil {
		return nil, err
	}
	if found.Cluster.Endpoint == nil || found.Cluster.CertificateAuthority == nil {
		return nil, fmt.Errorf("cluster %s is %s", name, found.Cluster.Status)
	}
	authority, err := base64.StdEncoding.DecodeString(aws.ToString(found.Cluster.CertificateAuthority.Data))
	if err != nil {
		return nil, fmt.Errorf("cluster %s: its certificate authority: %w", name, err)
	}
	token, err := a.clusterToken(ctx, name)
	if err != nil {
		return nil, err
	}
	return &rest.Config{Host: *found.Cluster.Endpoint, BearerToken: token, TLSClientConfig: rest.TLSClientConfig{CAData: authority}}, nil
}

const (
	presignedScheme = "k8s-aws-v1."
	tokenLifetime   = "60" // seconds, the most that EKS accepts
	clusterHeader   = "x-k8s-aws-id"
)

// clusterToken is what an EKS cluster takes for credentials: a presigned request to STS that names the cluster,
// https://docs.aws.amazon.com/eks/latest/best-practices/identity-and-access-management.html
func (a *Account) clusterToken(ctx context.Context, name string) (string, error) {
	presigned, err := sts.NewPresignClient(a.tokens).PresignGetCallerIdentity(ctx, &sts.GetCallerIdentityInput{},
		func(o *sts.PresignOptions) {
			o.ClientOptions = append(o.ClientOptions, func(o *sts.Options) {
				o.APIOptions = append(o.APIOptions, smithyhttp.SetHeaderValue(clusterHeader, name),
					smithyhttp.SetHeaderValue("X-Amz-Expires", tokenLifetime))
			})
		})
	if err != nil {
		return "", err
	}
	return presignedScheme + base64.RawURLEncoding.EncodeToString([]byte(presigned.URL)), nil
}

// get reads an object by the id that the engine knows it by: NAMESPACE/NAME.
func (c *cluster) get(ctx context.Context, kind string, r engine.Resource, into any) error {
	client, err := c.connect(ctx)
	if err != nil {
		return err
	}
	namespace, name, _ := strings.Cut(r.ID, "/")
	objects := client.Resource(schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: kind})
	found, err := objects.Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	if kubeerrors.IsNotFound(err) {
		return broken("it is gone: run refresh, then up")
	}
	if err != nil {
		return err
	}
	return runtime.DefaultUnstructuredConverter.FromUnstructured(found.Object, into)
}

func (c *cluster) deployment(ctx context.Context, r engine.Resource) (string, error) {
	var found appsv1.Deployment
	if err := c.get(ctx, "deployments", r, &found); err != nil {
		return "", err
	}
	wanted := int32(1)
	if found.Spec.Replicas != nil {
		wanted = *found.Spec.Replicas
	}
	var why string
	for _, condition := range found.Status.Conditions {
		if condition.Type == appsv1.DeploymentAvailable && condition.Status != corev1.ConditionTrue {
			why = condition.Message
		}
	}
	if found.Status.ReadyReplicas < wanted && found.Spec.Selector != nil {
		why = cmp.Or(c.trouble(ctx, r, found.Spec.Selector), why)
	}
	return podState(found.Status.ReadyReplicas, wanted, why)
}

// trouble is what keeps the first pod that is not ready from it. Where pods may not be read it is empty.
func (c *cluster) trouble(ctx context.Context, r engine.Resource, selector *metav1.LabelSelector) string {
	client, err := c.connect(ctx)
	if err != nil {
		return ""
	}
	namespace, _, _ := strings.Cut(r.ID, "/")
	list, err := client.Resource(corev1.SchemeGroupVersion.WithResource("pods")).Namespace(namespace).
		List(ctx, metav1.ListOptions{LabelSelector: metav1.FormatLabelSelector(selector)})
	if err != nil {
		return ""
	}
	for _, item := range list.Items {
		var pod corev1.Pod
		if runtime.DefaultUnstructuredConverter.FromUnstructured(item.Object, &pod) != nil {
			continue
		}
		for _, status := range pod.Status.ContainerStatuses {
			if !status.Ready && status.State.Waiting != nil {
				return containerTrouble(status)
			}
		}
	}
	return ""
}

// containerTrouble says why a container waits, how it ended before, and how often it was started anew.
func containerTrouble(status corev1.ContainerStatus) string {
	text := status.State.Waiting.Reason
	if ended := status.LastTerminationState.Terminated; ended != nil {
		text += fmt.Sprintf(", exit %d", ended.ExitCode)
	}
	if status.RestartCount > 0 {
		text += fmt.Sprintf(", restarted %d times", status.RestartCount)
	}
	return text
}

// publishedService is a Service that the stack reads, because its routes name it.
const publishedService = "kubernetes:core/v1:Service"

// service counts the endpoints that its EndpointSlices hold. One ready address answers requests; with none NGINX says 502.
// https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
func (c *cluster) service(ctx context.Context, r engine.Resource) (string, error) {
	client, err := c.connect(ctx)
	if err != nil {
		return "", err
	}
	namespace, name, _ := strings.Cut(r.ID, "/")
	slices, err := client.Resource(discoveryv1.SchemeGroupVersion.WithResource("endpointslices")).Namespace(namespace).
		List(ctx, metav1.ListOptions{LabelSelector: discoveryv1.LabelServiceName + "=" + name})
	if err != nil {
		return "", err
	}
	ready, all := 0, 0
	for _, item := range slices.Items {
		var slice discoveryv1.EndpointSlice
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(item.Object, &slice); err != nil {
			return "", err
		}
		for _, endpoint := range slice.Endpoints {
			all++
			// Not known means ready.
			if endpoint.Conditions.Ready == nil || *endpoint.Conditions.Ready {
				ready++
			}
		}
	}
	text := fmt.Sprintf("%s: %d of %d endpoints ready", r.ID, ready, all)
	if ready == 0 {
		return "", broken("%s", text)
	}
	return text, nil
}

func (c *cluster) daemonSet(ctx context.Context, r engine.Resource) (string, error) {
	var found appsv1.DaemonSet
	if err := c.get(ctx, "daemonsets", r, &found); err != nil {
		return "", err
	}
	return podState(found.Status.NumberReady, found.Status.DesiredNumberScheduled, "")
}

// podState: one ready pod answers requests, and is not what was asked for; with none nothing does.
func podState(ready, wanted int32, why string) (string, error) {
	text := fmt.Sprintf("%d of %d pods ready", ready, wanted)
	if why != "" {
		text += ": " + why
	}
	if ready == 0 && wanted > 0 {
		return "", broken("%s", text)
	}
	if ready < wanted {
		return "", fmt.Errorf("%w%s", errDegraded, text)
	}
	return text, nil
}

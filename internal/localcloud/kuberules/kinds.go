package kuberules

import (
	"fmt"
	"maps"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Type tokens that other rooms of the local cloud ask for.
const (
	Namespace      = "kubernetes:core/v1:Namespace"
	ServiceAccount = "kubernetes:core/v1:ServiceAccount"
	ConfigMap      = "kubernetes:core/v1:ConfigMap"
	Secret         = "kubernetes:core/v1:Secret"
	Service        = "kubernetes:core/v1:Service"
	Deployment     = "kubernetes:apps/v1:Deployment"
	DaemonSet      = "kubernetes:apps/v1:DaemonSet"
	Autoscaler     = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
	NetworkPolicy  = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
	// TargetGroupBinding is the AWS Load Balancer Controller's.
	TargetGroupBinding = "kubernetes:elbv2.k8s.aws/v1beta1:TargetGroupBinding"
)

// Binding is a TargetGroupBinding, as far as it is used.
type Binding struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              struct {
		TargetGroupARN string `json:"targetGroupARN"`
		TargetType     string `json:"targetType"`
		ServiceRef     struct {
			Name string `json:"name"`
			Port int    `json:"port"`
		} `json:"serviceRef"`
	} `json:"spec"`
}

var kinds = []*kind{
	{token: Namespace, apiVersion: "v1", kind: "Namespace", clusterWide: true, empty: func() any { return new(corev1.Namespace) }},
	{token: ServiceAccount, apiVersion: "v1", kind: "ServiceAccount", empty: func() any { return new(corev1.ServiceAccount) }},
	{
		// The provider treats data as immutable, so that pods never see half of a change.
		token: ConfigMap, apiVersion: "v1", kind: "ConfigMap", empty: func() any { return new(corev1.ConfigMap) }, check: checkConfigMap,
		immutable: []string{"data", "binaryData", "immutable"},
	},
	{
		// As with ConfigMaps: https://www.pulumi.com/registry/packages/kubernetes/api-docs/core/v1/secret/
		token: Secret, apiVersion: "v1", kind: "Secret", empty: func() any { return new(corev1.Secret) }, check: checkSecret,
		immutable: []string{"data", "stringData", "immutable", "type"},
	},
	{
		token: Service, apiVersion: "v1", kind: "Service", empty: func() any { return new(corev1.Service) },
		check: checkService, immutable: []string{"spec.clusterIP"}, admit: admitService,
	},
	{token: TargetGroupBinding, apiVersion: "elbv2.k8s.aws/v1beta1", kind: "TargetGroupBinding", empty: func() any { return new(Binding) }},
	{
		token: Deployment, apiVersion: "apps/v1", kind: "Deployment", empty: func() any { return new(appsv1.Deployment) }, runs: true,
		check: func(object any) []schema.Failure {
			spec := object.(*appsv1.Deployment).Spec
			return checkTemplate(spec.Selector, spec.Template)
		},
		immutable: []string{"spec.selector"}, admit: accountExists,
	},
	{
		token: DaemonSet, apiVersion: "apps/v1", kind: "DaemonSet", empty: func() any { return new(appsv1.DaemonSet) }, runs: true,
		check: func(object any) []schema.Failure {
			spec := object.(*appsv1.DaemonSet).Spec
			return checkTemplate(spec.Selector, spec.Template)
		},
		immutable: []string{"spec.selector"}, admit: accountExists,
	},
	{
		token: "kubernetes:policy/v1:PodDisruptionBudget", apiVersion: "policy/v1", kind: "PodDisruptionBudget",
		empty: func() any { return new(policyv1.PodDisruptionBudget) },
		check: func(object any) []schema.Failure {
			if spec := object.(*policyv1.PodDisruptionBudget).Spec; spec.MinAvailable != nil && spec.MaxUnavailable != nil {
				return []schema.Failure{{Property: "spec", Reason: "minAvailable and maxUnavailable cannot be both set"}}
			}
			return nil
		},
	},
	{
		token: Autoscaler, apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler",
		empty: func() any { return new(autoscalingv2.HorizontalPodAutoscaler) }, check: checkAutoscaler,
	},
	{token: NetworkPolicy, apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy",
		empty: func() any { return new(networkingv1.NetworkPolicy) }},
	{
		token: "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole", apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole",
		clusterWide: true, empty: func() any { return new(rbacv1.ClusterRole) },
	},
	{
		token: "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding", apiVersion: "rbac.authorization.k8s.io/v1",
		kind:        "ClusterRoleBinding",
		clusterWide: true, empty: func() any { return new(rbacv1.ClusterRoleBinding) }, immutable: []string{"roleRef"},
	},
}

// checkAutoscaler is what the API server says of the numbers:
// https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/horizontal-pod-autoscaler-v2/
func checkAutoscaler(object any) []schema.Failure {
	spec := object.(*autoscalingv2.HorizontalPodAutoscaler).Spec
	var failures []schema.Failure
	least := int32(1)
	if spec.MinReplicas != nil {
		least = *spec.MinReplicas
	}
	if least < 1 {
		failures = append(failures, schema.Failure{Property: "spec.minReplicas", Reason: "must be greater than or equal to 1"})
	}
	if spec.MaxReplicas < max(least, 1) {
		failures = append(failures, schema.Failure{Property: "spec.maxReplicas", Reason: "must be greater than or equal to `minReplicas`"})
	}
	if spec.ScaleTargetRef.Kind == "" || spec.ScaleTargetRef.Name == "" {
		failures = append(failures, schema.Failure{Property: "spec.scaleTargetRef", Reason: "kind and name are required"})
	}
	return failures
}

// checkTemplate holds for everything that makes pods.
func checkTemplate(selector *metav1.LabelSelector, template corev1.PodTemplateSpec) []schema.Failure {
	if selector == nil || len(selector.MatchLabels)+len(selector.MatchExpressions) == 0 {
		return []schema.Failure{{Property: "spec.selector", Reason: "is required"}}
	}
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return []schema.Failure{{Property: "spec.selector", Reason: err.Error()}}
	}
	if !parsed.Matches(labels.Set(template.Labels)) {
		return []schema.Failure{{Property: "spec.template.metadata.labels", Reason: "`selector` does not match template `labels`"}}
	}
	if len(template.Spec.Containers) == 0 {
		return []schema.Failure{{Property: "spec.template.spec.containers", Reason: "is required"}}
	}
	return checkPod(template.Spec)
}

func checkPod(spec corev1.PodSpec) []schema.Failure {
	var failures []schema.Failure
	volumes := map[string]bool{}
	for _, volume := range spec.Volumes {
		volumes[volume.Name] = true
	}
	for i, container := range spec.Containers {
		path := fmt.Sprintf("spec.template.spec.containers[%d]", i)
		if container.Image == "" {
			failures = append(failures, schema.Failure{Property: path + ".image", Reason: "is required"})
		}
		for _, port := range container.Ports {
			for _, problem := range append(validation.IsValidPortNum(int(port.ContainerPort)),
				validation.IsValidPortName(orPlaceholder(port.Name))...) {
				failures = append(failures, schema.Failure{Property: path + ".ports", Reason: problem})
			}
		}
		for _, mount := range container.VolumeMounts {
			if !volumes[mount.Name] {
				failures = append(failures, schema.Failure{Property: path + ".volumeMounts", Reason: fmt.Sprintf("Not found: %q", mount.Name)})
			}
		}
	}
	return failures
}

func orPlaceholder(name string) string {
	if name == "" {
		return "unnamed"
	}
	return name
}

// maxSecret is the API server's limit: https://kubernetes.io/docs/concepts/configuration/secret/#restriction-data-size
const maxSecret = 1 << 20

func checkSecret(object any) []schema.Failure {
	secret := object.(*corev1.Secret)
	var failures []schema.Failure
	size := 0
	check := func(property, key string, length int) {
		size += length
		for _, problem := range validation.IsConfigMapKey(key) {
			failures = append(failures, schema.Failure{Property: property, Reason: fmt.Sprintf("%q: %s", key, problem)})
		}
	}
	for key, value := range secret.Data {
		check("data", key, len(value))
	}
	for key, value := range secret.StringData {
		check("stringData", key, len(value))
	}
	if size > maxSecret {
		failures = append(failures, schema.Failure{Property: "data", Reason: fmt.Sprintf("Too long: must have at most %d bytes", maxSecret)})
	}
	return failures
}

// maxConfigMap is the API server's limit: https://kubernetes.io/docs/concepts/configuration/configmap/#motivation
const maxConfigMap = 1 << 20

func checkConfigMap(object any) []schema.Failure {
	config := object.(*corev1.ConfigMap)
	var failures []schema.Failure
	size := 0
	check := func(property, key string, length int) {
		size += length
		for _, problem := range validation.IsConfigMapKey(key) {
			failures = append(failures, schema.Failure{Property: property, Reason: fmt.Sprintf("%q: %s", key, problem)})
		}
	}
	for key, value := range config.Data {
		check("data", key, len(value))
	}
	for key, value := range config.BinaryData {
		check("binaryData", key, len(value))
	}
	if size > maxConfigMap {
		failures = append(failures, schema.Failure{Property: "data", Reason: fmt.Sprintf("Too long: must have at most %d bytes", maxConfigMap)})
	}
	return failures
}

// Node ports may be chosen in this range: https://kubernetes.io/docs/concepts/services-networking/service/#type-nodeport
const firstNodePort, lastNodePort = 30000, 32767

func checkService(object any) []schema.Failure {
	service := object.(*corev1.Service)
	var failures []schema.Failure
	if found := validation.IsDNS1035Label(service.Name); len(found) > 0 {
		failures = append(failures, schema.Failure{Property: "metadata.name", Reason: found[0]})
	}
	if len(service.Spec.Ports) == 0 {
		failures = append(failures, schema.Failure{Property: "spec.ports", Reason: "is required"})
	}
	for i, port := range service.Spec.Ports {
		path := fmt.Sprintf("spec.ports[%d]", i)
		for _, problem := range validation.IsValidPortNum(int(port.Port)) {
			failures = append(failures, schema.Failure{Property: path + ".port", Reason: problem})
		}
		if port.NodePort != 0 && (port.NodePort < firstNodePort || port.NodePort > lastNodePort) {
			failures = append(failures, schema.Failure{Property: path + ".nodePort",
				Reason: "provided port is not in the valid range. The range of valid ports is 30000-32767"})
		}
		if port.NodePort != 0 && service.Spec.Type != corev1.ServiceTypeNodePort {
			failures = append(failures, schema.Failure{Property: path + ".nodePort", Reason: "may not be used when `type` is 'ClusterIP'"})
		}
	}
	return failures
}

// admitService refuses a node port that is taken and gives the Service its address.
func admitService(c *call) error {
	service, err := Decode[corev1.Service](c.object)
	if err != nil {
		return err
	}
	taken := map[int32]string{}
	addresses := map[string]bool{}
	for _, other := range c.store.ListIn(c.cluster, Service) {
		decoded, err := Decode[corev1.Service](other)
		if err != nil {
			return err
		}
		if other.ID == c.object.ID {
			service.Spec.ClusterIP = decoded.Spec.ClusterIP
			continue
		}
		addresses[decoded.Spec.ClusterIP] = true
		for _, port := range decoded.Spec.Ports {
			taken[port.NodePort] = other.ID
		}
	}
	for _, port := range service.Spec.Ports {
		if owner := taken[port.NodePort]; port.NodePort != 0 && owner != "" {
			return fmt.Errorf("spec.ports[0].nodePort: Invalid value: %d: provided port is already allocated", port.NodePort)
		}
	}
	for i := 10; service.Spec.ClusterIP == ""; i++ {
		if candidate := fmt.Sprintf("172.20.%d.%d", i/250, i%250); !addresses[candidate] {
			service.Spec.ClusterIP = candidate
		}
	}
	spec, _ := c.object.Inputs["spec"].(map[string]any)
	spec = maps.Clone(spec)
	spec["clusterIP"] = service.Spec.ClusterIP
	c.object.Outputs["spec"] = spec
	return nil
}

// accountExists: pods of an account that is not there are never made.
func accountExists(c *call) error {
	deployment, err := Decode[appsv1.Deployment](c.object)
	if err != nil {
		return err
	}
	name := deployment.Spec.Template.Spec.ServiceAccountName
	if name == "" || name == "default" {
		return nil
	}
	if c.store.GetIn(c.cluster, ServiceAccount, deployment.Namespace+"/"+name) == nil {
		return fmt.Errorf("error looking up service account %s/%s: serviceaccount %q not found", deployment.Namespace, name, name)
	}
	return nil
}

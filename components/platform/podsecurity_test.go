package platform_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/cluster"
	"github.com/apigateway-ingress/apigateway-ingress/components/componenttest"
	"github.com/apigateway-ingress/apigateway-ingress/components/platform"
	"github.com/apigateway-ingress/apigateway-ingress/components/podrole"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/refgrant"
	"github.com/apigateway-ingress/apigateway-ingress/components/workload"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// Every pod passes the Pod Security Standard that its namespace enforces, as the API server's own library judges it:
// restricted, but for kube2iam, which changes the nodes' network.
func TestPodsPassRestricted(t *testing.T) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	require.NoError(t, err)
	judge := func(r componenttest.Resource) policy.AggregateCheckResult {
		var workload struct {
			Spec struct {
				Template struct {
					Metadata metav1.ObjectMeta `json:"metadata"`
					Spec     corev1.PodSpec    `json:"spec"`
				} `json:"template"`
			} `json:"spec"`
		}
		encoded, err := json.Marshal(r.Inputs)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(encoded, &workload))
		require.NotEmpty(t, workload.Spec.Template.Spec.Containers)
		require.False(t, *workload.Spec.Template.Spec.AutomountServiceAccountToken, "no token where none is used")
		level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
		return policy.AggregateCheckResults(evaluator.EvaluatePod(level, &workload.Spec.Template.Metadata, &workload.Spec.Template.Spec))
	}
	args := bookstore(t, "ingress.yaml")
	args.Services[0].ContainerPort = 80
	graph := componenttest.Run(t, declare(args))
	deployments := graph.All("kubernetes:apps/v1:Deployment")
	require.Len(t, deployments, 3)
	for _, r := range deployments {
		result := judge(r)
		require.True(t, result.Allowed, "%s: %s", r.Name, result.ForbiddenDetail())
		weaker := r.Inputs["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)
		weaker["securityContext"].(map[string]any)["runAsNonRoot"] = false
		require.False(t, judge(r).Allowed, "the judge would notice")
	}
	require.Empty(t, graph.All("kubernetes:apps/v1:DaemonSet"), "kube2iam only where it was chosen")

	args.PodRole = podrole.Settings{Mode: podrole.Kube2IAM}
	require.Len(t, componenttest.Run(t, declare(args)).All("kubernetes:apps/v1:DaemonSet"), 1)
}

// A namespace that the platform makes enforces what all of its services keep.
func TestNamespacesEnforceAStandard(t *testing.T) {
	args := bookstore(t, "ingress.yaml")
	for i, name := range []string{"legacy", "modern"} {
		args.Services = append(args.Services, platform.Service{Name: name, Namespace: name, Spec: platform.Spec{
			Image: pulumi.String("web:1"), Port: 80, PodSecurity: []string{workload.Baseline, workload.Restricted}[i],
		}})
	}
	for _, r := range componenttest.Run(t, declare(args)).All("kubernetes:core/v1:Namespace") {
		metadata := r.Inputs["metadata"].(map[string]any)
		want := workload.Restricted
		if metadata["name"] == "legacy" {
			want = workload.Baseline
		}
		require.Equal(t, want, metadata["labels"].(map[string]any)["pod-security.kubernetes.io/enforce"], metadata["name"])
	}
}

// A cluster of the platform's own knows what pods use, where an autoscaler asks; of another one it is said.
func TestAutoscalersHaveMetrics(t *testing.T) {
	args := bookstore(t, "ingress.yaml")
	addons := func() []string {
		var names []string
		for _, r := range componenttest.Run(t, declare(args)).All("aws:eks/addon:Addon") {
			names = append(names, r.Inputs["addonName"].(string))
		}
		return names
	}
	require.NotContains(t, addons(), "metrics-server")
	args.Services[0].Autoscaling = &workload.Autoscaling{Min: 2, Max: 4}
	require.Contains(t, addons(), "metrics-server")
	args.Cluster.Addons = []cluster.Addon{{Name: "metrics-server", Version: "v0.8.0-eksbuild.2"}}
	require.Len(t, addons(), 2, "it and coredns, each once")
}

// NetworkPolicies let in the chain alone, from its first link to its last.
func TestNetworkPolicies(t *testing.T) {
	args := bookstore(t, "ingress.yaml")
	graph := componenttest.Run(t, declare(args))
	specs := map[string]string{}
	for _, r := range graph.All("kubernetes:networking.k8s.io/v1:NetworkPolicy") {
		specs[r.Name] = r.JSON(t, "spec")
	}
	require.Len(t, specs, 3)
	fromProxy := `{"spec": {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "bookservice"}}, "policyTypes": ["Ingress"], "ingress": [{
		"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "shop-proxy"}}}], "ports": [{"protocol": "TCP", "port": "http"}]}]}}`
	require.JSONEq(t, fromProxy, specs["shop-bookservice"])
	require.JSONEq(t, `{"spec": {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "shop-proxy"}}, "policyTypes": ["Ingress", "Egress"],
		"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/16"}}], "ports": [{"protocol": "TCP", "port": "http"}]}],
		"egress": [{"ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]}, {"to": [
			{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "default"}}, "podSelector": {"matchLabels": {"app.kubernetes.io/name": "authorservice"}}},
			{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "default"}}, "podSelector": {"matchLabels": {"app.kubernetes.io/name": "bookservice"}}}]}]}}`, specs["shop-proxy"])
	require.Equal(t, true, graph.One(t, "eks:index:Cluster").Inputs["vpcCniOptions"].(map[string]any)["enableNetworkPolicy"],
		"somebody enforces them")

	args.Grants = []refgrant.Grant{{Namespace: "default", Spec: refgrant.Spec{
		From: []refgrant.From{{Group: "networking.k8s.io", Kind: "Ingress", Namespace: "partners-proxy"}},
		To:   []refgrant.To{{Kind: "Service", Name: "bookservice"}},
	}}}
	for _, r := range componenttest.Run(t, declare(args)).All("kubernetes:networking.k8s.io/v1:NetworkPolicy") {
		require.Equal(t, r.Name == "shop-bookservice", strings.Contains(r.JSON(t, "spec"), "partners-proxy"),
			"%s: consent is for the Service that it names", r.Name)
	}

	args.OpenPods = true
	open := componenttest.Run(t, declare(args))
	require.Empty(t, open.All("kubernetes:networking.k8s.io/v1:NetworkPolicy"))
	require.JSONEq(t, `{"vpcCniOptions": null}`, open.One(t, "eks:index:Cluster").JSON(t, "vpcCniOptions"))
}

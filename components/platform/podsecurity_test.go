package platform_test

import (
	"encoding/json"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/componenttest"
	"github.com/apigateway-ingress/apigateway-ingress/components/podrole"
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

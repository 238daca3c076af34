package podrole

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/componenttest"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

func run(t *testing.T, settings Settings) *componenttest.Graph {
	t.Helper()
	args := Args{Settings: settings}
	args.Cluster = ClusterIdentity{
		OIDCProviderARN: pulumi.String("arn:oidc"), OIDCIssuer: pulumi.String("issuer"),
		NodeRoleARN: pulumi.String("arn:node"), NodeRoleName: pulumi.String("node"),
		Name: pulumi.String("c"),
	}
	return componenttest.Run(t, func(ctx *pulumi.Context) error {
		_, err := New(ctx, "p", &args)
		return err
	})
}

func TestPolicyIsLeastPrivilege(t *testing.T) {
	var policy struct {
		Statement []struct {
			Sid       string
			Action    []string
			Resource  any
			Condition map[string]any
		}
	}
	text := Policy("aws", "us-east-1", "111122223333")
	require.NoError(t, json.Unmarshal([]byte(text), &policy))
	require.NotContains(t, text, "${", "every placeholder is filled in")
	for _, s := range policy.Statement {
		for _, action := range s.Action {
			require.NotContains(t, action, "*", s.Sid)
		}
		require.True(t, slices.IsSorted(s.Action), s.Sid)
		if s.Resource == "*" {
			require.NotEmpty(t, s.Condition, s.Sid)
			for _, action := range s.Action {
				_, verb, _ := strings.Cut(action, ":")
				require.True(t, strings.HasPrefix(verb, "Describe"), "%s may only read", s.Sid)
			}
		}
	}
}

func TestFurtherServiceAccounts(t *testing.T) {
	graph := run(t, Settings{ServiceAccounts: []string{"ci/deployer"}})
	require.JSONEq(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity","Principal":{"Federated":"arn:oidc"},
		"Condition":{"StringEquals":{"issuer:aud":"sts.amazonaws.com","issuer:sub":["system:serviceaccount:apigw-ingress:apigw-ingress","system:serviceaccount:ci:deployer"]}}}]}`,
		graph.One(t, "aws:iam/role:Role").Inputs["assumeRolePolicy"].(string))
	account := graph.One(t, "kubernetes:core/v1:ServiceAccount")
	require.Equal(t, map[string]any{"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/p"},
		account.Inputs["metadata"].(map[string]any)["annotations"])
}

func TestKube2IAMAllowsExactlyThisRole(t *testing.T) {
	graph := run(t, Settings{Mode: Kube2IAM})
	for _, r := range graph.All("aws:iam/rolePolicy:RolePolicy") {
		if r.Name == "p-kube2iam" {
			require.Equal(t, "node", r.Inputs["role"])
			require.JSONEq(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::111122223333:role/p"}]}`, r.Inputs["policy"].(string))
		}
	}
	namespace := graph.One(t, "kubernetes:core/v1:Namespace")
	require.Equal(t, map[string]any{"iam.amazonaws.com/allowed-roles": `["arn:aws:iam::111122223333:role/p"]`},
		namespace.Inputs["metadata"].(map[string]any)["annotations"])
}

func TestPodIdentityAssociatesEveryAccount(t *testing.T) {
	graph := run(t, Settings{Mode: PodIdentity, ServiceAccounts: []string{"ci/deployer"}})
	require.JSONEq(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession"],"Principal":{"Service":"pods.eks.amazonaws.com"}}]}`,
		graph.One(t, "aws:iam/role:Role").Inputs["assumeRolePolicy"].(string))
	var accounts []string
	for _, r := range graph.All("aws:eks/podIdentityAssociation:PodIdentityAssociation") {
		require.Equal(t, "c", r.Inputs["clusterName"])
		accounts = append(accounts, r.Inputs["namespace"].(string)+"/"+r.Inputs["serviceAccount"].(string))
	}
	require.ElementsMatch(t, []string{"apigw-ingress/apigw-ingress", "ci/deployer"}, accounts)
}

func TestBadArguments(t *testing.T) {
	for want, s := range map[string]Settings{
		`Mode "x" is not known: write irsa, kube2iam, podIdentity or none`: {Mode: "x"},
		`ServiceAccounts[0]: "x" is not of the form namespace/name`:        {ServiceAccounts: []string{"x"}},
		"ServiceAccounts cannot be told apart by kube2iam":                 {Mode: Kube2IAM, ServiceAccounts: []string{"a/b"}},
	} {
		_, err := Args{Settings: s}.Complete()
		require.ErrorContains(t, err, want)
	}
}

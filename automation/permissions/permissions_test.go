package permissions

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPolicyNamesWhatIsNeeded(t *testing.T) {
	text, err := Policy([]string{"aws:ec2/vpc:Vpc", "aws:apigateway/stage:Stage", "aws:apigateway/restApi:RestApi", "aws:ec2/vpc:Vpc"}, "aws", "eu-west-1", "111122223333")
	require.NoError(t, err)
	var policy document
	require.NoError(t, json.Unmarshal([]byte(text), &policy))
	require.Len(t, policy.Statement, 3, "stage and API share a statement")
	require.Equal(t, []string{"apigateway:DELETE", "apigateway:GET", "apigateway:PATCH", "apigateway:POST", "apigateway:PUT", "apigateway:UpdateRestApiPolicy"}, policy.Statement[0].Action)
	require.Contains(t, policy.Statement[0].Resource, "arn:aws:apigateway:eu-west-1::/restapis/*")
	require.NotContains(t, text, "${")
	require.NotContains(t, text, "iam:", "nothing of IAM is in these types")
	_, err = Policy([]string{"aws:s3/bucket:Bucket"}, "aws", "eu-west-1", "1")
	require.ErrorContains(t, err, "aws:s3/bucket:Bucket")
}

func TestTableIsLeastPrivilege(t *testing.T) {
	var table map[string]needed
	require.NoError(t, json.Unmarshal(actionsJSON, &table))
	for token, n := range table {
		require.NotEmpty(t, n.Actions, token)
		require.True(t, slices.IsSorted(n.Actions), token)
		for _, action := range slices.Concat(n.Actions, n.Reads) {
			require.NotContains(t, action, "*", token)
		}
		for _, resource := range n.Resources {
			require.True(t, strings.HasPrefix(resource, "arn:${Partition}:"), "%s: %s", token, resource)
			require.NotEqual(t, "*", resource, token)
		}
	}
}

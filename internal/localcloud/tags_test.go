package localcloud

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/awsrules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/provider"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
	"github.com/stretchr/testify/require"
)

// Resources get the provider's tags as well, their own win, and all together keep AWS's limits.
func TestTags(t *testing.T) {
	objects, err := store.Open(t.TempDir())
	require.NoError(t, err)
	configured := func(tags string) provider.Instance {
		instance, err := awsPackage{awsrules.New(objects, nil, 0)}.Configure(map[string]string{"region": "eu-west-1", "defaultTags": tags})
		require.NoError(t, err)
		return instance
	}
	check := func(defaults string, own map[string]any) (any, string) {
		inputs, failures, err := configured(defaults).Check(awsrules.LogGroup, "x", nil, map[string]any{"name": "x", "tags": own}, nil)
		require.NoError(t, err)
		return inputs["tags"], fmt.Sprint(failures)
	}
	tags, failures := check(`{"tags":{"team":"a","cost":"1"}}`, map[string]any{"team": "b"})
	require.Equal(t, map[string]any{"team": "b", "cost": "1"}, tags)
	require.Equal(t, "[]", failures)
	tags, _ = check("", map[string]any{"team": "b"})
	require.Equal(t, map[string]any{"team": "b"}, tags)

	many := map[string]any{}
	for i := range 50 {
		many[fmt.Sprint(i)] = "x"
	}
	_, failures = check("", many)
	require.Equal(t, "[]", failures)
	_, failures = check(`{"tags":{"one":"more"}}`, many)
	require.Contains(t, failures, "51 tags are more than the 50 that a resource may have")
	_, failures = check(`{"tags":{"aws:x":"y"}}`, nil)
	require.Contains(t, failures, "names that begin with aws: are AWS's own")
	_, failures = check("", map[string]any{strings.Repeat("k", 129): "x"})
	require.Contains(t, failures, "a key has 1 to 128 characters")

	_, err = awsPackage{}.Configure(map[string]string{"region": "eu-west-1", "defaultTags": "team=a"})
	require.ErrorContains(t, err, "config aws:defaultTags")
}

package random

import (
	"context"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPasswordsAreAsAskedFor(t *testing.T) {
	i, err := Package{}.Configure(nil)
	require.NoError(t, err)
	inputs, failures, err := i.Check(Password, "p", nil, map[string]any{"length": 12.0, "special": false, "lower": false,
		"minNumeric": 5.0, "keepers": map[string]any{"generation": "1"}}, nil)
	require.NoError(t, err)
	require.Empty(t, failures)
	seen := map[string]bool{}
	for range 50 {
		_, outputs, err := i.Create(context.Background(), Password, "", inputs)
		require.NoError(t, err)
		secret := outputs["result"].(string)
		require.Regexp(t, `^[A-Z0-9]{12}$`, secret)
		require.LessOrEqual(t, len(regexp.MustCompile(`[A-Z]`).FindAllString(secret, -1)), 7, "five digits at least")
		require.False(t, seen[secret])
		seen[secret] = true
	}
	preview, err := i.Preview(Password, inputs)
	require.NoError(t, err)
	require.NotContains(t, preview, "result", "a preview cannot know it")
}

func TestPasswordsAreRefusedAsTheProviderDoes(t *testing.T) {
	i, err := Package{}.Configure(nil)
	require.NoError(t, err)
	for name, inputs := range map[string]map[string]any{
		"length is missing":       {},
		"length of zero":          {"length": 0.0},
		"minimums above length":   {"length": 3.0, "minUpper": 2.0, "minLower": 2.0},
		"no characters":           {"length": 3.0, "lower": false, "upper": false, "numeric": false, "special": false},
		"an unknown property":     {"length": 3.0, "size": 3.0},
		"a length that is a text": {"length": "3"},
	} {
		_, failures, err := i.Check(Password, "p", nil, inputs, nil)
		require.NoError(t, err)
		require.NotEmpty(t, failures, name)
	}
	_, _, err = i.Check("random:index/randomId:RandomId", "p", nil, nil, nil)
	require.ErrorContains(t, err, "does not know")
}

func TestEveryChangeMakesAnotherPassword(t *testing.T) {
	i, err := Package{}.Configure(nil)
	require.NoError(t, err)
	before := map[string]any{"length": 12.0, "keepers": map[string]any{"generation": "1"}}
	diff, err := i.Diff(Password, before, map[string]any{"length": 12.0, "keepers": map[string]any{"generation": "2"}})
	require.NoError(t, err)
	require.Equal(t, []string{"keepers"}, diff.Replaced)
	diff, err = i.Diff(Password, before, before)
	require.NoError(t, err)
	require.Empty(t, diff.Changed)
}

package origin

import (
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/change"
	"github.com/stretchr/testify/require"
)

func TestGenerationsGoOneByOne(t *testing.T) {
	of := func(generation float64) change.Inputs { return change.Inputs{"generation": generation} }
	require.NoError(t, mayChange(of(1), of(2)))
	require.NoError(t, mayChange(of(2), of(1)))
	require.NoError(t, mayChange(change.Inputs{}, of(7)), "a state of before this was recorded")
	require.ErrorContains(t, mayChange(of(1), of(3)), "Set originGeneration: 2 and run up")
	require.ErrorContains(t, mayChange(of(5), of(1)), "Set originGeneration: 4 and run up")
}

package operation

import (
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/gateway"
	"github.com/stretchr/testify/require"
)

// A rotation begins where none is under way, and finishes where one is.
func TestRotationsWriteTheStacksFile(t *testing.T) {
	settled, underway := gateway.Access{ClientUser: true, ClientKeyGeneration: 4},
		gateway.Access{ClientUser: true, ClientKeyGeneration: 5, KeepFormerClientKey: true}
	values, err := clientRotation(settled, false)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"clientKeyGeneration": 5, "keepFormerClientKey": true}, values)
	values, err = clientRotation(underway, true)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"keepFormerClientKey": false}, values)
	for want, try := range map[string]struct {
		access gateway.Access
		finish bool
	}{
		"set clientUser":      {gateway.Access{}, false},
		"is not finished":     {underway, false},
		"there is no former":  {settled, true},
		"has no client user:": {gateway.Access{}, true},
	} {
		_, err := clientRotation(try.access, try.finish)
		require.ErrorContains(t, err, want)
	}
}

package spelling

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNearest(t *testing.T) {
	for name, want := range map[string]string{"stagename": "stageName", "nam": "name", "name": "name", "xyz": "", "": "", "clusterIdentity": ""} {
		require.Equal(t, want, Nearest(name, []string{"name", "names", "stageName"}), name)
	}
	require.Empty(t, Nearest("name", nil))
}

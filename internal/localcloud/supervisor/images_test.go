package supervisor

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Stacks share a state directory: what one maps must not take away what another has, and outlives a restart.
func TestImagesOfOtherStacksStay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "images.json")
	images, err := OpenImages(path)
	require.NoError(t, err)
	require.NoError(t, images.Add(map[string]Image{"orders": {Command: []string{"one"}}}))
	require.NoError(t, images.Add(map[string]Image{"acme/orders": {Command: []string{"other"}}}))
	again, err := OpenImages(path)
	require.NoError(t, err)
	for _, table := range []*Images{images, again} {
		first, who := table.find("ghcr.io/team/orders:1")
		require.Equal(t, mapped, who)
		require.Equal(t, []string{"one"}, first.Command)
		second, who := table.find("ghcr.io/acme/orders:1")
		require.Equal(t, mapped, who)
		require.Equal(t, []string{"other"}, second.Command, "the longer name decides")
	}
}

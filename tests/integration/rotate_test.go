package integration

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// The client user gets another key while the former one stays valid, as long as it is told to; no request fails meanwhile,
// and the local target knows which of them was used.
func TestClientKeyIsRotated(t *testing.T) {
	e := newEnvironment(t, nil)
	e.up()
	former := *e.key()
	require.Equal(t, http.StatusOK, e.get("/api/book/list").status)
	load := e.startLoad(2)
	defer load.stop()
	e.setConfig("clientKeyGeneration", 2)
	e.setConfig("keepFormerClientKey", true)
	e.up()
	load.stop()
	require.Empty(t, load.failures(), "of %d requests", load.answered.Load())
	current := *e.key()
	require.NotEqual(t, former.AccessKeyID, current.AccessKeyID)
	require.NotContains(t, e.cloud.KeyUses(), current.AccessKeyID)
	for _, key := range []string{former.AccessKeyID, current.AccessKeyID} {
		credentials := former
		if key == current.AccessKeyID {
			credentials = current
		}
		require.Equal(t, http.StatusOK, e.call("/api/book/list", &credentials).status)
		require.Contains(t, e.cloud.KeyUses(), key)
	}
	e.setConfig("keepFormerClientKey", false)
	e.up()
	require.Equal(t, http.StatusForbidden, e.call("/api/book/list", &former).status)
	require.Equal(t, http.StatusOK, e.call("/api/book/list", &current).status)
	e.destroy()
}

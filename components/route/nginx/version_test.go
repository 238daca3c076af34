package nginx_test

import (
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/route/nginx"
	"github.com/stretchr/testify/require"
)

func TestImagesThatFollowNames(t *testing.T) {
	for image, want := range map[string]bool{
		"docker.io/library/nginx:1.30.0": true, "nginx:1.27.3": true, "nginx:1.27.2": false, "nginx:1.22": false, "nginx:1.27": true,
		"nginx:1":             true,
		"nginx:1.26.3-alpine": false, "nginx:stable": true, "nginx": true, "registry.example.com:5000/nginx": true,
		"nginx:1.22.1@sha256:0a": false,
		"nginx@sha256:0a":        true, "nginx:2.0.0": true,
	} {
		require.Equal(t, want, nginx.FollowsNames(image), image)
	}
	require.Equal(t, []int{1, 30}, nginx.ImageVersion("nginx:1.30-alpine"))
	require.Empty(t, nginx.ImageVersion("registry.example.com:5000/nginx"))
}

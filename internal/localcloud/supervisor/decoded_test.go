package supervisor

import (
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/kuberules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
)

func TestObjectsAreDecodedOnceAndForgotten(t *testing.T) {
	s := &Supervisor{}
	s.decodings.turn()
	object := &store.Object{Type: kuberules.Service, ID: "default/a", Outputs: map[string]any{"metadata": map[string]any{"name": "a"}}}
	first, err := decode[corev1.Service](s, object)
	require.NoError(t, err)
	require.Equal(t, "a", first.Name)
	s.decodings.turn()
	again, err := decode[corev1.Service](s, object)
	require.NoError(t, err)
	require.Same(t, first, again)

	successor := *object
	successor.Outputs = map[string]any{"metadata": map[string]any{"name": "b"}}
	second, err := decode[corev1.Service](s, &successor)
	require.NoError(t, err)
	require.Equal(t, "b", second.Name, "another object has taken its place")

	s.decodings.turn()
	s.decodings.turn()
	require.Empty(t, s.decodings.current)
	require.Empty(t, s.decodings.previous)

	_, err = decode[corev1.Service](s, &store.Object{Outputs: map[string]any{"spec": "no object"}})
	require.Error(t, err)
	require.Empty(t, s.decodings.current, "what cannot be read is not kept")
}

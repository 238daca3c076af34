package refgrant

import (
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/route/manifest"
	"github.com/stretchr/testify/require"
)

func read(t *testing.T, text string) ([]Grant, error) {
	set, err := manifest.Parse("grants.yaml", []byte(text))
	require.NoError(t, err)
	return Of(set)
}

const grant = `
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: partners, namespace: shop}
spec:
  from:
    - {group: networking.k8s.io, kind: Ingress, namespace: partners-proxy}
    - {group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: elsewhere}
  to:
    - {group: "", kind: Service, name: books}
`

func TestGrantsAdmitWhomTheyName(t *testing.T) {
	grants, err := read(t, grant+`---
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: all, namespace: shop}
spec: {from: [{group: networking.k8s.io, kind: Ingress, namespace: ops-proxy}], to: [{group: "", kind: Service}]}
---
apiVersion: v1
kind: Service
metadata: {name: books}
`)
	require.NoError(t, err)
	require.Equal(t, []string{"ops-proxy", "partners-proxy"}, Proxies(grants, "shop", "books"))
	require.Equal(t, []string{"ops-proxy"}, Proxies(grants, "shop", "authors"), "a grant for another Service")
	require.Empty(t, Proxies(grants, "other", "books"), "a grant is for its own namespace")
	secrets, err := read(t, `{apiVersion: gateway.networking.k8s.io/v1beta1, kind: ReferenceGrant, metadata: {name: s, namespace: shop},
		spec: {from: [{group: networking.k8s.io, kind: Ingress, namespace: x}], to: [{group: "", kind: Secret}]}}`)
	require.NoError(t, err)
	require.Empty(t, Proxies(secrets, "shop", "books"), "a grant for Secrets")
}

func TestBadGrants(t *testing.T) {
	for text, want := range map[string]string{
		`{apiVersion: gateway.networking.k8s.io/v9, kind: ReferenceGrant, metadata: {name: x}}`:                                                                                        "apiVersion",
		`{apiVersion: gateway.networking.k8s.io/v1beta1, kind: ReferenceGrant, metadata: {name: x}, spec: {from: [], to: []}}`:                                                         "one entry at least",
		`{apiVersion: gateway.networking.k8s.io/v1beta1, kind: ReferenceGrant, metadata: {name: x}, spec: {from: [{group: networking.k8s.io, kind: Ingress}], to: [{kind: Service}]}}`: "namespace",
		`{apiVersion: gateway.networking.k8s.io/v1beta1, kind: ReferenceGrant, metadata: {name: x}, spec: {form: []}}`:                                                                 "form",
	} {
		_, err := read(t, text)
		require.ErrorContains(t, err, want, text)
	}
}

package supervisor

import (
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/kuberules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
)

// decodings keep the store's objects as their Kubernetes types. An object never changes, another takes its place, so it
// is decoded once; those that no reconciliation asked for are forgotten.
type decodings struct{ current, previous map[*store.Object]any }

// turn begins a reconciliation.
func (d *decodings) turn() { d.current, d.previous = map[*store.Object]any{}, d.current }

// decode reads a stored object as its Kubernetes type, which must not be changed. The caller holds s.mu.
func decode[T any](s *Supervisor, o *store.Object) (*T, error) {
	known, ok := s.decodings.current[o].(*T)
	if !ok {
		known, ok = s.decodings.previous[o].(*T)
	}
	if !ok {
		var err error
		if known, err = kuberules.Decode[T](o); err != nil {
			return nil, err
		}
	}
	s.decodings.current[o] = known
	return known, nil
}

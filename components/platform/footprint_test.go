package platform

import (
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/change"
	"github.com/stretchr/testify/require"
)

func TestServicesStayInTheirNamespaces(t *testing.T) {
	services := func(namespaces ...any) change.Inputs {
		var list []any
		for _, namespace := range namespaces {
			list = append(list, map[string]any{"name": "books", "namespace": namespace, "image": "books:1"})
		}
		return change.Inputs{"services": list}
	}
	for _, allowed := range [][2]change.Inputs{
		{services("default"), services("default")}, {services("default"), services("default", "team")},
		{services("default", "team"), services("team")}, {services(), services("team")}, {services("team"), services()},
		{services(nil), services("default")},
	} {
		require.NoError(t, mayChange(allowed[0], allowed[1]))
	}
	require.ErrorContains(t, mayChange(services("default"), services("copy")),
		"service books cannot move from namespace default to copy at once")
}

func TestNamespacesOfTheStackStayItsOwn(t *testing.T) {
	made := change.Inputs{"services": []any{map[string]any{"name": "books", "namespace": "team", "image": "books:1"}}}
	given := change.Inputs{"services": made["services"], "existingNamespaces": []any{"team"}}
	require.ErrorContains(t, mayChange(made, given), "team was made by this stack, and would be deleted")
	require.NoError(t, mayChange(given, given))
}

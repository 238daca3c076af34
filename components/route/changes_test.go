package route

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCompare(t *testing.T) {
	at := func(path, service string, methods ...string) Route {
		return Route{Path: path, Match: Prefix, Backend: Backend{Namespace: "default", Service: service, Port: 80}, Source: path + service,
			Behavior: Behavior{Methods: methods}}
	}
	table := func(routes ...Route) *Table { return &Table{Routes: routes} }
	paths := func(rows []Row) (paths []string) {
		for _, r := range rows {
			paths = append(paths, r.Path)
		}
		return paths
	}
	moved := at("/a", "s")
	moved.Source = "elsewhere"
	slow := at("/b", "s")
	slow.Behavior.Timeout = 7
	for name, c := range map[string]struct {
		before, after           *Table
		added, removed, changed []string
	}{
		"same":              {table(at("/a", "s")), table(at("/a", "s")), nil, nil, nil},
		"written elsewhere": {table(at("/a", "s")), table(moved), nil, nil, nil},
		"added":             {table(at("/a", "s")), table(at("/a", "s"), at("/b", "s")), []string{"/b"}, nil, nil},
		"removed":           {table(at("/a", "s"), at("/b", "s")), table(at("/b", "s")), nil, []string{"/a"}, nil},
		"renamed":           {table(at("/a", "s")), table(at("/c", "s")), []string{"/c"}, []string{"/a"}, nil},
		"another service":   {table(at("/a", "s")), table(at("/a", "t")), nil, nil, []string{"/a"}},
		"another behavior":  {table(at("/b", "s")), table(slow), nil, nil, []string{"/b"}},
		"methods of their own": {table(at("/a", "s", "GET")), table(at("/a", "s", "GET"), at("/a", "t", "PUT")), []string{"/a"}, nil,
			nil},
		"from nothing": {table(), table(at("/a", "s")), []string{"/a"}, nil, nil},
	} {
		found := Compare(c.before, c.after)
		require.Equal(t, c.added, paths(found.Added), name)
		require.Equal(t, c.removed, paths(found.Removed), name)
		require.Equal(t, c.changed, paths(found.Changed), name)
		require.Equal(t, len(c.added)+len(c.removed)+len(c.changed) == 0, found.None(), name)
	}
}

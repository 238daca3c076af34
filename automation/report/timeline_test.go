package report

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCriticalPath(t *testing.T) {
	steps := []Step{
		{URN: "u::vpc", Type: "aws:ec2/vpc:Vpc", Start: 0, End: time.Second},
		{URN: "u::cluster", Type: "c", Start: time.Second, End: 11 * time.Second},
		{URN: "u::link", Type: "l", Start: time.Second, End: 4 * time.Second},
		{URN: "u::pods", Type: "p", Start: 11 * time.Second, End: 12 * time.Second},
	}
	needs := map[string][]string{"u::cluster": {"u::vpc", "u::component"}, "u::component": {"u::vpc"}, "u::link": {"u::vpc"},
		"u::pods": {"u::cluster", "u::link"}}
	path, length := CriticalPath(steps, needs)
	require.Equal(t, 12*time.Second, length)
	var names []string
	for _, s := range path {
		names = append(names, s.Name())
	}
	require.Equal(t, []string{"vpc", "cluster", "pods"}, names)
	picture := Timeline("<up>", steps, needs)
	require.Equal(t, 3, strings.Count(picture, `class="critical"`))
	require.Contains(t, picture, "&lt;up&gt;: 12.0 s")
}

package bench

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// samples are what the rounds have measured.
type samples []float64

func (s samples) median() float64 {
	sorted := slices.Sorted(slices.Values(s))
	return sorted[len(sorted)/2]
}

// String is the median with the spread.
func (s samples) String() string {
	least, most := figure(slices.Min(s)), figure(slices.Max(s))
	if least == most {
		return least
	}
	return fmt.Sprintf("%s (%s to %s)", figure(s.median()), least, most)
}

// timed runs something in every round, and counts seconds.
func timed(t *testing.T, run func() error) samples {
	t.Helper()
	var all samples
	for range rounds {
		all.time(t, run)
	}
	return all
}

// time adds how many seconds something takes.
func (s *samples) time(t *testing.T, run func() error) {
	t.Helper()
	started := time.Now()
	require.NoError(t, run())
	*s = append(*s, time.Since(started).Seconds())
}

func TestSamples(t *testing.T) {
	require.Equal(t, "20.0 (10.0 to 3,000)", samples{3000, 20, 10}.String())
	require.Equal(t, "1.00", samples{1, 1}.String())
}

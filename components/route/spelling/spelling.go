// Package spelling finds the name that was probably meant.
package spelling

import "github.com/agext/levenshtein"

// Nearest is the candidate that differs least from a name, in a third of the name's characters and one more at most. Of several the
// first is taken; empty means that none is near.
func Nearest(name string, candidates []string) string {
	best, distance := "", len(name)/3+2
	for _, candidate := range candidates {
		if d := levenshtein.Distance(name, candidate, nil); d < distance {
			best, distance = candidate, d
		}
	}
	return best
}

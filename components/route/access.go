package route

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// accessClass is a digest of everything that decides who gets in and how often: two locations of one class let the same
// callers in. A field that Behavior gains counts, until it is named here among those that let nobody in.
func (t *Table) accessClass(b Behavior) string {
	b.Timeout, b.MaxBodySize, b.CORS, b.Cache = 0, 0, nil, Cache{}
	b.Scopes = slices.Sorted(slices.Values(b.Scopes))
	decided := struct {
		Behavior   Behavior
		Authorizer *Authorizer
	}{b, t.Authorizer(b.Auth)}
	encoded, err := json.Marshal(decided)
	if err != nil {
		// Both are plain data.
		panic(fmt.Sprintf("access class: %v", err))
	}
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:6])
}

// markUniform says of each location whether everything at and below its path lets the same callers in.
func markUniform(locations []Location) {
	for i := range locations {
		l := &locations[i]
		l.Uniform = !slices.ContainsFunc(locations, func(other Location) bool {
			return other.Access != l.Access && (other.Path == l.Path || l.Path == "/" || strings.HasPrefix(other.Path, l.Path+"/"))
		})
	}
}

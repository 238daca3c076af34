package ingress

import (
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
)

// position is where no two routes may stand.
type position struct {
	host, path string
	match      route.Match
}

func positionOf(r route.Route) position { return position{r.Host, r.Path, r.Match} }

// placed is a route with the Ingress that it is of.
type placed struct {
	route.Route
	by *candidate
}

// places are those of the routes that came first, so that a route is compared with its neighbors alone.
type places struct {
	taken map[position]placed
	// at are the routes of a path, and below those of all paths below it.
	at, below map[string][]placed
}

func newPlaces() *places {
	return &places{taken: map[position]placed{}, at: map[string][]placed{}, below: map[string][]placed{}}
}

func (p *places) add(c *candidate) {
	for _, r := range c.routes {
		if r.Default {
			continue
		}
		added := placed{r, c}
		p.taken[positionOf(r)] = added
		p.at[r.Path] = append(p.at[r.Path], added)
		for _, path := range above(r.Path) {
			p.below[path] = append(p.below[path], added)
		}
	}
}

// near are those with a route on the way to one of the candidate's, or below it, with which it may not agree: of another
// namespace, or for another host. They come in the order of their age.
func (p *places) near(c *candidate) []*candidate {
	var found []*candidate
	known := map[*candidate]bool{}
	for _, r := range c.routes {
		lists := [][]placed{p.at[r.Path], p.below[r.Path]}
		for _, path := range above(r.Path) {
			lists = append(lists, p.at[path])
		}
		for _, other := range slices.Concat(lists...) {
			if !known[other.by] && (other.Backend.Namespace != r.Backend.Namespace || other.Host != r.Host) {
				known[other.by], found = true, append(found, other.by)
			}
		}
	}
	slices.SortFunc(found, func(a, b *candidate) int { return compareAges(a.ruling.Ingress, b.ruling.Ingress) })
	return found
}

// above are the paths above a path, the root last.
func above(path string) []string {
	var paths []string
	for path != "/" {
		path = path[:max(1, strings.LastIndexByte(path, '/'))]
		paths = append(paths, path)
	}
	return paths
}

package report

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// CriticalPath is the longest chain of steps, each of which needs the one before, and how long it takes. needs are the
// URNs that a resource depends on. A deletion waits for what needs it, so the chain is the same the other way round.
func CriticalPath(steps []Step, needs map[string][]string) ([]Step, time.Duration) {
	byURN := map[string]Step{}
	for _, s := range steps {
		byURN[s.URN] = s
	}
	longest := map[string]time.Duration{}
	previous := map[string]string{}
	var measure func(urn string) time.Duration
	measure = func(urn string) time.Duration {
		if known, ok := longest[urn]; ok {
			return known
		}
		longest[urn] = 0
		var before time.Duration
		for _, need := range needs[urn] {
			if d := measure(need); d > before {
				before, previous[urn] = d, need
			}
		}
		own := time.Duration(0)
		if s, ok := byURN[urn]; ok {
			own = s.End - s.Start
		}
		longest[urn] = before + own
		return longest[urn]
	}
	last := ""
	for urn := range byURN {
		if last == "" || measure(urn) > measure(last) {
			last = urn
		}
	}
	var path []Step
	for urn := last; urn != ""; urn = previous[urn] {
		if s, ok := byURN[urn]; ok {
			path = append(path, s)
		}
	}
	slices.Reverse(path)
	return path, longest[last]
}

// Sizes of the timeline in pixels.
const (
	barsLeft, barsWidth = 330, 640
	rowHeight           = 16
)

// Timeline draws as SVG each step as a bar, with the critical path marked.
func Timeline(title string, steps []Step, needs map[string][]string) string {
	steps = slices.SortedFunc(slices.Values(steps), func(a, b Step) int {
		if a.Start != b.Start {
			return int(a.Start - b.Start)
		}
		return strings.Compare(a.URN, b.URN)
	})
	path, _ := CriticalPath(steps, needs)
	critical := map[string]bool{}
	for _, s := range path {
		critical[s.URN] = true
	}
	var total time.Duration
	for _, s := range steps {
		total = max(total, s.End)
	}
	total = max(total, time.Millisecond)
	height := 50 + len(steps)*rowHeight
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="1000" height="%d" viewBox="0 0 1000 %d" font-family="sans-serif" font-size="10">`+"\n", height, height)
	b.WriteString(`<style>text{fill:#1f2328}rect{fill:#8c959f}.critical{fill:#cf222e}@media(prefers-color-scheme:dark){text{fill:#e6edf3}}</style>` + "\n")
	fmt.Fprintf(&b, `<text x="10" y="18" font-size="13" font-weight="bold">%s: %.1f s, the critical path in red</text>`+"\n",
		markup(title), total.Seconds())
	for i, s := range steps {
		y := 34 + i*rowHeight
		x := barsLeft + float64(s.Start)/float64(total)*barsWidth
		w := max(1, float64(s.End-s.Start)/float64(total)*barsWidth)
		class := ""
		if critical[s.URN] {
			class = ` class="critical"`
		}
		label := fmt.Sprintf("%s %s", s.Type[strings.LastIndexByte(s.Type, ':')+1:], s.Name())
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text><rect%s x="%.1f" y="%d" width="%.1f" height="%d"><title>%s %.2f s to %.2f s</title></rect>`+"\n",
			barsLeft-6, y+10, markup(label), class, x, y+1, w, rowHeight-4, markup(s.Op+" "+s.URN), s.Start.Seconds(), s.End.Seconds())
	}
	b.WriteString("</svg>\n")
	return b.String()
}

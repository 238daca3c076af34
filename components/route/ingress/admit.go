package ingress

import (
	"cmp"
	"errors"
	"slices"
	"sort"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/printable"
)

// Ruling is what became of one Ingress.
type Ruling struct {
	Ingress Ingress
	// Err is why it is left out, in the words of Compile; nil says that it is served.
	Err error
	// Notices are what people should know of it otherwise.
	Notices []string
}

// Admission is a choice of Ingresses that go together.
type Admission struct {
	// Manifests are those that were given, with the admitted Ingresses alone.
	Manifests Manifests
	// Table is what Compile makes of them.
	Table *route.Table
	// Rulings are those on each Ingress of the API, the oldest first. What is of another class or group has none.
	Rulings []Ruling
}

// Admit makes a table of as many Ingresses as go together, so that a bad one harms nobody else: it is left out, and its
// ruling says why. Of those that cannot both be served the younger is left out, and of the same age that with the later
// name. Whether an Ingress is admitted depends on nothing but the objects. An error is about what no Ingress is to blame for.
func Admit(m Manifests, options Options) (Admission, error) {
	everything := admitting{manifests: m, options: options}
	everything.choose()
	domains := everything.domains()
	for {
		a := &admitting{manifests: m, options: options}
		a.options.Domains = slices.Concat(options.Domains, domains)
		// What a fragment describes may be in any Ingress.
		a.options.Fragments = nil
		a.choose()
		a.judge()
		for a.round() {
			// Somebody stood in the way of others and was left out.
		}
		left := slices.DeleteFunc(slices.Clone(domains), func(name string) bool { return name != a.domain() })
		if len(left) == len(domains) {
			return a.admission(options)
		}
		domains = left
	}
}

// admission is the result, checked as a whole.
func (a *admitting) admission(options Options) (Admission, error) {
	result := Admission{Manifests: a.manifests}
	result.Manifests.Ingresses = nil
	for _, c := range a.candidates {
		result.Rulings = append(result.Rulings, c.ruling)
		if c.ruling.Err == nil {
			result.Manifests.Ingresses = append(result.Manifests.Ingresses, c.ruling.Ingress)
		}
	}
	var err error
	result.Table, err = Compile(result.Manifests, options)
	return result, err
}

// admitting is one run of Admit.
type admitting struct {
	manifests Manifests
	options   Options
	// candidates are the Ingresses of the API, the oldest first.
	candidates []*candidate
}

// candidate is an Ingress with what it makes by itself.
type candidate struct {
	ruling Ruling
	said   annotated
	routes []route.Route
	// ruled says that the ruling is not about others that may be left out themselves.
	ruled bool
}

// choose finds the candidates.
func (a *admitting) choose() {
	c := &compiler{options: a.options, manifests: a.manifests}
	for _, i := range slices.SortedStableFunc(slices.Values(a.manifests.Ingresses), compareAges) {
		// Annotations that cannot be read are said when the Ingress is compiled.
		said, _ := parseAnnotations(i.Annotations)
		if c.leftOut(i, said.group) == "" {
			a.candidates = append(a.candidates, &candidate{ruling: Ruling{Ingress: i}, said: said})
		}
	}
}

// judge leaves out those that are bad by themselves.
func (a *admitting) judge() {
	for _, c := range a.candidates {
		table, err := a.compile([]Ingress{c.ruling.Ingress})
		if err != nil {
			c.ruling.Err, c.ruled = err, true
			continue
		}
		c.routes, c.ruling.Notices = table.Routes, table.Notices
	}
}

// domains are those that candidates declare: rules of others may name them as their hosts.
func (a *admitting) domains() []string {
	var names []string
	for _, c := range a.candidates {
		if name := c.said.api.CustomDomainName; name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// domain is the one that the API gets from those that are not left out.
func (a *admitting) domain() string {
	var left []selected
	for _, c := range a.candidates {
		if c.ruling.Err == nil {
			left = append(left, selected{Ingress: c.ruling.Ingress, said: c.said})
		}
	}
	return (&compiler{options: a.options, manifests: a.manifests}).settings(left).CustomDomainName
}

// round decides about all others, and says whether it has to be done again.
func (a *admitting) round() bool {
	places := newPlaces()
	blocked := map[*candidate]bool{}
	var free []*candidate
	for _, c := range a.candidates {
		if c.ruled {
			continue
		}
		if blockers := a.place(places, c); len(blockers) > 0 {
			for _, blocker := range blockers {
				blocked[blocker] = true
			}
			continue
		}
		free = append(free, c)
	}
	again := false
	for _, refused := range a.together(free) {
		refused.ruled = true
		again = again || blocked[refused]
	}
	return again
}

func compareAges(a, b Ingress) int {
	return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(namespaceOr(a.Namespace), namespaceOr(b.Namespace)),
		cmp.Compare(a.Name, b.Name))
}

func (a *admitting) compile(ingresses []Ingress) (*route.Table, error) {
	m := a.manifests
	m.Ingresses = ingresses
	return Compile(m, a.options)
}

// place keeps the places of a candidate's routes, or says why it may not have them and returns those in whose way it is.
// Default backends, of which there may be several that agree, are compared with everything else.
func (a *admitting) place(places *places, c *candidate) []*candidate {
	var problems []error
	var blockers []*candidate
	for _, r := range c.routes {
		if other, found := places.taken[positionOf(r)]; found && !r.Default {
			problems, blockers = append(problems, r.Duplicates(other.Route)), append(blockers, other.by)
		}
	}
	if c.ruling.Err = printable.Error(errors.Join(problems...)); c.ruling.Err != nil {
		return blockers
	}
	if near := places.near(c); len(near) > 0 {
		if _, c.ruling.Err = a.compile(ingressesOf(near, c)); c.ruling.Err != nil {
			return near
		}
	}
	places.add(c)
	return nil
}

// together returns those that do not go with older ones, and says why. It compiles some tables for each of them, of which
// there are few as a rule.
func (a *admitting) together(candidates []*candidate) []*candidate {
	var admitted, refused []*candidate
	for len(candidates) > 0 {
		good := a.longest(admitted, candidates)
		admitted = append(admitted, candidates[:good]...)
		if good == len(candidates) {
			break
		}
		next := candidates[good]
		_, next.ruling.Err = a.compile(ingressesOf(admitted, next))
		refused, candidates = append(refused, next), candidates[good+1:]
	}
	return refused
}

// longest is how many of the candidates go with those that are admitted. It looks in steps that grow: what keeps out one
// often keeps out the next one, too.
func (a *admitting) longest(admitted, candidates []*candidate) int {
	fits := func(n int) bool {
		_, err := a.compile(ingressesOf(admitted, candidates[:n]...))
		return err == nil
	}
	if len(admitted) == 0 && fits(len(candidates)) {
		return len(candidates)
	}
	low, high := 0, 1
	for high < len(candidates) && fits(high) {
		low, high = high, 4*high
	}
	if high = min(high, len(candidates)); fits(high) {
		return high
	}
	return low + sort.Search(high-low-1, func(n int) bool { return !fits(low + n + 1) })
}

func ingressesOf(admitted []*candidate, more ...*candidate) []Ingress {
	var ingresses []Ingress
	for _, list := range [][]*candidate{admitted, more} {
		for _, c := range list {
			ingresses = append(ingresses, c.ruling.Ingress)
		}
	}
	return ingresses
}

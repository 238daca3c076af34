package ingress

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/printable"
)

// Outcome is what becomes of an Ingress.
type Outcome string

// The outcomes. Served with notices are those of which something has no effect, refused those that keep a table from being
// made, and not ours those of other classes and groups.
const (
	Served            Outcome = "served"
	ServedWithNotices Outcome = "served with notices"
	Refused           Outcome = "refused"
	NotOurs           Outcome = "not ours"
)

// Outcomes lists them in the order in which a report shows them.
var Outcomes = []Outcome{Served, ServedWithNotices, Refused, NotOurs}

// Verdict is what becomes of one Ingress, or of a document that cannot be read.
type Verdict struct {
	// Place is the file, the document in it, and the Ingress, as far as it could be read.
	Place   string  `json:"place"`
	Outcome Outcome `json:"outcome"`
	// Reasons are the notices, what is wrong and what to do about it, or why the Ingress is not ours.
	Reasons []string `json:"reasons"`
}

// Report is what becomes of manifests, one by one.
type Report struct {
	// Verdicts has those that cannot be read first, and then every Ingress in the order of its place.
	Verdicts []Verdict
	// Table are the routes of those that are served; nil without any, and with Problems.
	Table *route.Table
	// Notices are about no Ingress by itself. Problems are not either: by them those that are served cannot be one API.
	Notices  []string
	Problems []error
}

// Count is the number of verdicts with an outcome.
func (r Report) Count(outcome Outcome) int {
	count := 0
	for _, v := range r.Verdicts {
		if v.Outcome == outcome {
			count++
		}
	}
	return count
}

// Err is nil where everything that is ours is served, and else says what Compile would.
func (r Report) Err() error {
	problems := slices.Clone(r.Problems)
	for _, v := range r.Verdicts {
		if v.Outcome == Refused {
			for _, reason := range v.Reasons {
				problems = append(problems, fmt.Errorf("%s: %s", v.Place, reason))
			}
		}
	}
	return errors.Join(problems...)
}

// Judge says of each Ingress what Compile would say of it. Those that are refused are left out, and the others joined, so that
// of two that cannot be together the first is served. unread is what Read could not read.
func Judge(m Manifests, unread error, options Options) Report {
	j := &judge{verdicts: map[string]*Verdict{}}
	for _, problem := range leaves(printable.Error(unread)) {
		place, reason, _ := strings.Cut(problem.Error(), ": ")
		j.say(place, Refused, reason)
	}
	j.takeOurs(&m, options)
	if len(m.Ingresses) == 0 {
		j.report.Notices = slices.Sorted(slices.Values(m.Notices))
		j.report.Problems = []error{fmt.Errorf("there is no Ingress of class %q to serve", IngressClass)}
	}
	for len(m.Ingresses) > 0 {
		c := newCompiler(m, options)
		table, err := c.compile()
		placed, others := j.attribute(m, texts(leaves(err)))
		if len(placed) == 0 {
			j.serve(m, c.notices)
			j.report.Table = table
			for _, problem := range others {
				j.report.Problems = append(j.report.Problems, errors.New(problem))
			}
			break
		}
		for place, reasons := range placed {
			j.say(place, Refused, reasons...)
		}
		m.Ingresses = slices.DeleteFunc(m.Ingresses, func(i Ingress) bool { return placed[i.place()] != nil })
	}
	return j.finish()
}

// judge collects verdicts.
type judge struct {
	report   Report
	verdicts map[string]*Verdict
	// order are the places in the order of the report.
	order []string
}

func (j *judge) say(place string, outcome Outcome, reasons ...string) {
	if j.verdicts[place] == nil {
		j.verdicts[place] = &Verdict{Place: place, Reasons: []string{}}
		j.order = append(j.order, place)
	}
	v := j.verdicts[place]
	v.Outcome, v.Reasons = outcome, append(v.Reasons, reasons...)
}

// takeOurs leaves those Ingresses that are not ours.
func (j *judge) takeOurs(m *Manifests, options Options) {
	c := newCompiler(*m, options)
	m.Ingresses = slices.SortedFunc(slices.Values(m.Ingresses), compareIngresses)
	var ours []Ingress
	for _, i := range m.Ingresses {
		// Whatever is wrong with an annotation, Compile says it.
		said, _ := parseAnnotations(i.Annotations)
		reason := printable.Text(c.leftOut(i, said.group))
		if reason == "" {
			ours = append(ours, i)
			j.say(i.place(), Served)
			continue
		}
		j.say(i.place(), NotOurs, reason)
	}
	m.Ingresses = ours
}

// attribute finds the Ingress that each text is about: all of them begin with a place.
func (j *judge) attribute(m Manifests, about []string) (placed map[string][]string, others []string) {
	placed = map[string][]string{}
	for _, text := range about {
		i := slices.IndexFunc(m.Ingresses, func(i Ingress) bool { return strings.HasPrefix(text, i.place()+": ") })
		if i < 0 {
			others = append(others, text)
			continue
		}
		place := m.Ingresses[i].place()
		placed[place] = append(placed[place], strings.TrimPrefix(text, place+": "))
	}
	return placed, others
}

func (j *judge) serve(m Manifests, notices []string) {
	placed, others := j.attribute(m, slices.Sorted(slices.Values(notices)))
	for place, about := range placed {
		j.say(place, ServedWithNotices, about...)
	}
	j.report.Notices = others
}

func (j *judge) finish() Report {
	for _, place := range j.order {
		j.report.Verdicts = append(j.report.Verdicts, *j.verdicts[place])
	}
	return j.report
}

// leaves are the problems that err holds.
func leaves(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, problem := range joined.Unwrap() {
		all = append(all, leaves(problem)...)
	}
	return all
}

func texts(problems []error) []string {
	var all []string
	for _, problem := range problems {
		all = append(all, problem.Error())
	}
	return all
}

package route

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// Match says how a route's path is compared:
// https://kubernetes.io/docs/concepts/services-networking/ingress/#path-types
type Match string

// Exact compares whole paths, Prefix whole segments at the start.
const (
	Exact  Match = "Exact"
	Prefix Match = "Prefix"
)

// Route sends the requests that match Host and Path to Backend.
type Route struct {
	// Host is a name, *.name for one label in front of name, or empty for every host.
	Host string
	// Path starts with "/" and has no trailing slash, except for the root.
	Path    string
	Match   Match
	Backend Backend
	// Default is a default backend: it serves what no other route does.
	Default bool
	// Behavior is what is done for the route besides routing it.
	Behavior Behavior
	// Source is where the route was written: file, object, rule and path.
	Source string
}

// Table is every route of one API, sorted, and what belongs to the API as a whole.
type Table struct {
	Routes   []Route
	Settings Settings
	// Authorizers are those that routes may name.
	Authorizers []Authorizer
	// Fragments say what requests must look like.
	Fragments []Fragment
	// Notices are for people: what is left out, and what has no effect here.
	Notices []string
}

// Options are what a table is checked against.
type Options struct {
	// AnyAuthorizer lets routes name authorizers that the table does not have.
	AnyAuthorizer bool
	// AllowOverlaps lets a namespace have routes below another one's.
	AllowOverlaps bool
	// Difference says in the words of the source how two behaviors differ.
	Difference func(a, b Behavior) string
	// ResourceQuota is the number of resources that AWS allows in a REST API. 0 means DefaultResourceQuota.
	ResourceQuota int
}

// New completes a table: it applies the defaults of everything in it, sorts it, and checks it as a whole. Whoever gets
// a table from here finds every value set. All problems are returned together, each with its place.
func New(t Table, options Options) (*Table, error) {
	t = t.withDefaults()
	slices.SortFunc(t.Routes, compareRoutes)
	slices.Sort(t.Notices)
	if err := CheckDuplicates(t.Routes, options.Difference); err != nil {
		return nil, err
	}
	// Default backends that agree in everything are one.
	t.Routes = slices.CompactFunc(t.Routes, func(a, b Route) bool { return a.Default && b.Default })
	problems := []error{t.checkHostsAgree(options.Difference), t.checkFragments(), t.checkQuotas(options.ResourceQuota)}
	if !options.AllowOverlaps {
		problems = append(problems, t.checkOverlaps())
	}
	if !options.AnyAuthorizer {
		problems = append(problems, t.checkAuthorizers())
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return &t, nil
}

// withDefaults is the one place where defaults are applied. What was given is not changed.
func (t Table) withDefaults() Table {
	t.Routes, t.Authorizers, t.Notices = slices.Clone(t.Routes), slices.Clone(t.Authorizers), slices.Clone(t.Notices)
	t.Fragments = slices.SortedStableFunc(slices.Values(t.Fragments), func(a, b Fragment) int { return cmp.Compare(a.Source, b.Source) })
	for i := range t.Routes {
		t.Routes[i].Behavior = t.Routes[i].Behavior.WithDefaults()
	}
	for i := range t.Authorizers {
		t.Authorizers[i] = t.Authorizers[i].withDefaults()
	}
	return t
}

// Unresolved is what has to be known before documents can be made: the numbers of ports, and the authorizers of routes.
func (t *Table) Unresolved() error {
	var problems []error
	for _, r := range t.Routes {
		if r.Backend.Port == 0 && !r.Backend.Missing {
			problems = append(problems, fmt.Errorf("%s: port %s of service %s/%s has no number: give the Service's manifest as well",
				r.Source, r.Backend.PortName, r.Backend.Namespace, r.Backend.Service))
		}
	}
	return errors.Join(append(problems, t.checkAuthorizers())...)
}

// BackendPorts lists the distinct backend ports in ascending order: one NLB listener each.
func (t *Table) BackendPorts() []int {
	ports := map[int]bool{}
	for _, r := range t.Routes {
		if r.Backend.Port != 0 {
			ports[r.Backend.Port] = true
		}
	}
	return slices.Sorted(maps.Keys(ports))
}

// Backends lists the distinct backends in a fixed order: one NGINX upstream each.
func (t *Table) Backends() []Backend {
	var backends []Backend
	for _, r := range t.Routes {
		backends = append(backends, r.Backend)
	}
	slices.SortFunc(backends, func(a, b Backend) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Port, b.Port))
	})
	return slices.Compact(backends)
}

// Anonymous says whether some method is let in without an IAM identity: a public route, one with an authorizer, or a preflight.
func (t *Table) Anonymous() bool {
	return slices.ContainsFunc(t.Routes, func(r Route) bool { return r.Behavior.Auth != AuthIAM || r.Behavior.CORS != nil })
}

// compareRoutes puts Exact before Prefix of the same host and path, and defaults last.
func compareRoutes(a, b Route) int {
	return cmp.Or(compareBools(a.Default, b.Default), cmp.Compare(a.Host, b.Host), cmp.Compare(a.Path, b.Path),
		cmp.Compare(a.Match, b.Match), cmp.Compare(a.Source, b.Source))
}

// compareBools puts false before true.
func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// CheckDuplicates reports the routes that stand where another one does. Default backends may be written more than once, if
// they agree in everything.
func CheckDuplicates(routes []Route, difference func(a, b Behavior) string) error {
	sorted := slices.SortedFunc(slices.Values(routes), compareRoutes)
	var problems []error
	for i := 1; i < len(sorted); i++ {
		a, b := sorted[i-1], sorted[i]
		if a.Path == "" || a.Host != b.Host || a.Path != b.Path || a.Match != b.Match || a.Default != b.Default {
			continue
		}
		switch {
		case !a.Default:
			problems = append(problems, b.Duplicates(a))
		case a.Backend != b.Backend:
			problems = append(problems, fmt.Errorf("%s: another default backend than at %s: an API has one", b.Source, a.Source))
		case !reflect.DeepEqual(a.Behavior.WithDefaults(), b.Behavior.WithDefaults()):
			problems = append(problems, fmt.Errorf("%s: the same default backend as at %s, with other settings%s: make them agree",
				b.Source, a.Source, inWords(difference, b.Behavior.WithDefaults(), a.Behavior.WithDefaults())))
		}
	}
	return errors.Join(problems...)
}

// Duplicates is the problem of a route that stands where another one does.
func (r Route) Duplicates(other Route) error {
	return fmt.Errorf("%s: duplicate path: it is already written at %s", r.Source, other.Source)
}

// inWords puts a difference in parentheses, if there is anybody to word it.
func inWords(difference func(a, b Behavior) string, a, b Behavior) string {
	if difference == nil {
		return ""
	}
	return " (" + difference(a, b) + ")"
}

// At puts place in front of each problem that err holds.
func At(place string, err error) error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var placed []error
		for _, problem := range joined.Unwrap() {
			placed = append(placed, At(place, problem))
		}
		return errors.Join(placed...)
	}
	return fmt.Errorf("%s: %w", place, err)
}

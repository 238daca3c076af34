package route

import (
	"reflect"
	"slices"
)

// Changes are what makes one table of routes another.
type Changes struct {
	Added   []Row `json:"added"`
	Removed []Row `json:"removed"`
	// Changed are routes that serve the same requests as before, in another way.
	Changed []Row `json:"changed"`
}

// None says that the tables are the same. Where the routes were written does not count.
func (c Changes) None() bool { return len(c.Added)+len(c.Removed)+len(c.Changed) == 0 }

// Compare finds what has changed from one table to another. Rows are in the order of their tables.
func Compare(before, after *Table) Changes {
	c := Changes{Added: []Row{}, Removed: []Row{}, Changed: []Row{}}
	rows := after.Rows()
	for i, r := range after.Routes {
		switch was := slices.IndexFunc(before.Routes, r.serves); {
		case was < 0:
			c.Added = append(c.Added, rows[i])
		case !reflect.DeepEqual(r.unplaced(), before.Routes[was].unplaced()):
			c.Changed = append(c.Changed, rows[i])
		}
	}
	rows = before.Rows()
	for i, r := range before.Routes {
		if !slices.ContainsFunc(after.Routes, r.serves) {
			c.Removed = append(c.Removed, rows[i])
		}
	}
	return c
}

// serves says whether another route serves the same requests.
func (r Route) serves(other Route) bool {
	return r.Host == other.Host && r.Path == other.Path && r.Match == other.Match && slices.Equal(r.Behavior.Methods, other.Behavior.Methods)
}

func (r Route) unplaced() Route {
	r.Source = ""
	return r
}

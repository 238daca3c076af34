// Package report makes what people look at of what happened to a stack: sentences, a summary in Markdown, a graph, a
// timeline and an estimate of costs. It is pure: whoever has an operation's steps can use it, and it asks nobody.
package report

import (
	"fmt"
	"strings"
	"time"
)

// Step is one thing that an operation did, or would do, with a resource.
type Step struct {
	URN  string `json:"urn"`
	Type string `json:"type"`
	// Op is the engine's word for it: create, update, same and so on.
	Op string `json:"op"`
	// Inputs are the resource's as they would be after it. They may hold secrets, and are not written anywhere.
	Inputs map[string]any `json:"-"`
	// Start and End are counted from the operation's own beginning. A step that changes nothing takes no time, and has neither.
	Start time.Duration `json:"start"`
	End   time.Duration `json:"end"`
}

// Name is the resource's in the program.
func (s Step) Name() string { return s.URN[strings.LastIndexByte(s.URN, ':')+1:] }

// Changes counts the steps of an operation by the engine's words for them.
type Changes map[string]int

// changeNames are the engine's operations in the order in which people care, and their words.
var changeNames = []struct{ op, word string }{
	{"create", "created"}, {"update", "updated"}, {"replace", "replaced"}, {"delete", "deleted"}, {"same", "unchanged"},
}

// Done says what was changed: "3 created, 1 deleted".
func (c Changes) Done() string {
	var parts []string
	for _, name := range changeNames {
		if n := c[name.op]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, name.word))
		}
	}
	if len(parts) == 0 {
		return "nothing to do"
	}
	return strings.Join(parts, ", ")
}

// Planned says what would be changed: "3 to create, 1 to delete".
func (c Changes) Planned() string {
	var parts []string
	for _, name := range []string{"create", "update", "replace", "delete"} {
		if n := c[name]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d to %s", n, name))
		}
	}
	if len(parts) == 0 {
		return "nothing to change"
	}
	return strings.Join(parts, ", ")
}

// Pending counts the changes that are still to be made.
func (c Changes) Pending() int {
	n := 0
	for op, count := range c {
		if op != "same" && op != "read" {
			n += count
		}
	}
	return n
}

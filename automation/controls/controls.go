// Package controls holds a stack against the controls of AWS's Foundational Security Best Practices (FSBP), as Security Hub
// judges them, and says by which key of the config each is turned on. The profile hardened sets these keys, but for those about
// certificates and the client user.
package controls

import (
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/policies"
)

// Outcome is what a control says of a stack.
type Outcome string

// NotApplicable is of a stack that has nothing of which the control speaks.
const (
	Holds         Outcome = "holds"
	Fails         Outcome = "fails"
	NotApplicable Outcome = "not applicable"
)

// Control is a control, and what it says of a stack.
type Control struct {
	// ID is Security Hub's, APIGateway.1 for example, and Source where it is described.
	ID     string `json:"id"`
	Title  string `json:"title"`
	Source string `json:"source"`
	// CIS is the recommendation of the CIS AWS Foundations Benchmark 3.0 that asks for the same; empty where none does.
	CIS string `json:"cis,omitempty"`
	// Key is the config key that decides; empty where the stack is built so, or nothing can be set.
	Key     string  `json:"key,omitempty"`
	Outcome Outcome `json:"outcome"`
	// Failing are the resources because of which it fails.
	Failing []string `json:"failing,omitempty"`
}

// judge looks at a stack's resources: which a control speaks of, and which of these fail.
type judge func(resources []policies.Resource) (concerned, failing []policies.Resource)

// Judge is the table of all controls for the resources of a stack.
func Judge(resources []policies.Resource) []Control {
	judged := make([]Control, 0, len(table))
	for _, row := range table {
		c := row.Control
		service, number, _ := strings.Cut(c.ID, ".")
		c.Source = "https://docs.aws.amazon.com/securityhub/latest/userguide/" + strings.ToLower(service) + "-controls.html#" +
			strings.ToLower(service) + "-" + number
		concerned, failing := row.judge(resources)
		switch {
		case len(concerned) == 0:
			c.Outcome = NotApplicable
		case len(failing) == 0:
			c.Outcome = Holds
		default:
			c.Outcome = Fails
			for _, r := range failing {
				c.Failing = append(c.Failing, r.Type+" "+r.Name)
			}
		}
		judged = append(judged, c)
	}
	return judged
}

// each judges the resources of a type one by one; concerns leaves out those of which the control does not speak, and is nil
// where it speaks of all.
func each(token string, concerns, good func(inputs) bool) judge {
	return func(resources []policies.Resource) (concerned, failing []policies.Resource) {
		for _, r := range resources {
			in := inputs(r.Inputs)
			if r.Type != token || concerns != nil && !concerns(in) {
				continue
			}
			concerned = append(concerned, r)
			if !good(in) {
				failing = append(failing, r)
			}
		}
		return concerned, failing
	}
}

// accompanied wants for each resource of a type one of another type that is good.
func accompanied(token, companion string, good func(inputs) bool) judge {
	return func(resources []policies.Resource) (concerned, failing []policies.Resource) {
		companions, lacking := each(companion, nil, good)(resources)
		for _, r := range resources {
			if r.Type != token {
				continue
			}
			concerned = append(concerned, r)
			if len(companions) == 0 || len(lacking) > 0 {
				failing = append(failing, r)
			}
		}
		return concerned, failing
	}
}

// inputs are a resource's, as the state has them.
type inputs map[string]any

// at is a value within objects; lists are entered at their first element.
func (in inputs) at(path ...string) any {
	var value any = map[string]any(in)
	for _, step := range path {
		if list, isList := value.([]any); isList && len(list) > 0 {
			value = list[0]
		}
		object, _ := value.(map[string]any)
		value = object[step]
	}
	return value
}

// yes says whether a value is true: the provider writes some booleans as text.
func (in inputs) yes(path ...string) bool {
	value := in.at(path...)
	return value == true || value == "true"
}

func (in inputs) text(path ...string) string {
	text, _ := in.at(path...).(string)
	return text
}

func (in inputs) list(path ...string) []any {
	list, _ := in.at(path...).([]any)
	return list
}

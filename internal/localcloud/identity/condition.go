package identity

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// condition is one operator on one key:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
type condition struct {
	key      string
	values   []string
	test     func(expected, actual string) bool
	negated  bool
	ifExists bool
	// quantifier is ForAllValues, ForAnyValue or empty.
	quantifier string
	// null is set for the operator Null.
	null bool
}

var operatorTests = map[string]func(expected, actual string) bool{
	"StringEquals":             func(e, a string) bool { return e == a },
	"StringEqualsIgnoreCase":   strings.EqualFold,
	"StringLike":               glob,
	"ArnEquals":                arnLike,
	"ArnLike":                  arnLike,
	"Bool":                     strings.EqualFold,
	"IpAddress":                inRange,
	"NumericEquals":            numeric(func(a, e float64) bool { return a == e }),
	"NumericLessThan":          numeric(func(a, e float64) bool { return a < e }),
	"NumericLessThanEquals":    numeric(func(a, e float64) bool { return a <= e }),
	"NumericGreaterThan":       numeric(func(a, e float64) bool { return a > e }),
	"NumericGreaterThanEquals": numeric(func(a, e float64) bool { return a >= e }),
	"DateEquals":               dates(func(a, e time.Time) bool { return a.Equal(e) }),
	"DateLessThan":             dates(func(a, e time.Time) bool { return a.Before(e) }),
	"DateLessThanEquals":       dates(func(a, e time.Time) bool { return !a.After(e) }),
	"DateGreaterThan":          dates(func(a, e time.Time) bool { return a.After(e) }),
	"DateGreaterThanEquals":    dates(func(a, e time.Time) bool { return !a.Before(e) }),
}

// negations are the operators that hold when the named one does not.
var negations = map[string]string{
	"StringNotEquals":           "StringEquals",
	"StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
	"StringNotLike":             "StringLike",
	"ArnNotEquals":              "ArnEquals",
	"ArnNotLike":                "ArnLike",
	"NotIpAddress":              "IpAddress",
	"NumericNotEquals":          "NumericEquals",
	"DateNotEquals":             "DateEquals",
}

func newCondition(operator, key string, values []string) (condition, error) {
	c := condition{key: strings.ToLower(key), values: values}
	name := operator
	if quantifier, rest, ok := strings.Cut(name, ":"); ok {
		c.quantifier, name = quantifier, rest
	}
	name, c.ifExists = strings.CutSuffix(name, "IfExists")
	if positive, ok := negations[name]; ok {
		c.negated, name = true, positive
	}
	c.test, c.null = operatorTests[name], name == "Null"
	if c.test == nil && !c.null {
		return c, fmt.Errorf("the condition operator %q is not known", operator)
	}
	return c, nil
}

func (c condition) holds(r Request) bool {
	actual, present := r.Context[c.key]
	if c.null {
		return present != slices.Contains(c.values, "true")
	}
	if !present {
		return c.ifExists || c.negated || c.quantifier == "ForAllValues"
	}
	matches := func(value string) bool {
		found := slices.ContainsFunc(c.values, func(expected string) bool { return c.test(substitute(expected, r), value) })
		return found != c.negated
	}
	if c.quantifier == "ForAllValues" || c.quantifier == "" && c.negated {
		return !slices.ContainsFunc(actual, func(value string) bool { return !matches(value) })
	}
	return slices.ContainsFunc(actual, matches)
}

// arnLike compares the six parts of an ARN each by itself.
func arnLike(expected, actual string) bool {
	e, a := strings.SplitN(expected, ":", 6), strings.SplitN(actual, ":", 6)
	if len(e) != 6 || len(a) != 6 {
		return false
	}
	for i := range e {
		if !glob(e[i], a[i]) {
			return false
		}
	}
	return true
}

func inRange(expected, actual string) bool {
	if !strings.Contains(expected, "/") {
		expected += "/32"
	}
	network, err := netip.ParsePrefix(expected)
	if err != nil {
		return false
	}
	address, err := netip.ParseAddr(actual)
	return err == nil && network.Contains(address)
}

func numeric(compare func(actual, expected float64) bool) func(expected, actual string) bool {
	return func(expected, actual string) bool {
		e, err1 := strconv.ParseFloat(expected, 64)
		a, err2 := strconv.ParseFloat(actual, 64)
		return err1 == nil && err2 == nil && compare(a, e)
	}
}

func dates(compare func(actual, expected time.Time) bool) func(expected, actual string) bool {
	return func(expected, actual string) bool {
		e, err1 := parseDate(expected)
		a, err2 := parseDate(actual)
		return err1 == nil && err2 == nil && compare(a, e)
	}
}

func parseDate(text string) (time.Time, error) {
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Unix(seconds, 0), nil
	}
	return time.Parse(time.RFC3339, text)
}

package logs

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Filter says which lines are asked for. The zero value takes all but those of probes.
type Filter struct {
	// Since leaves out what is older. Zero takes all.
	Since time.Time
	// RequestID takes only lines that have it.
	RequestID string
	// Status takes only answers with these statuses; none means all lines.
	Status []Status
	// Probes takes the lines of a kubelet's probes as well.
	Probes bool
}

// Status is one HTTP status as 404, or with x for each digit that does not matter as 5xx or 40x.
type Status string

var errStatus = errors.New("is not a status such as 404, or several such as 5xx")

// ParseStatus reads statuses that commas separate.
func ParseStatus(list []string) ([]Status, error) {
	var statuses []Status
	for _, text := range list {
		s := Status(strings.ToLower(strings.TrimSpace(text)))
		digits := strings.TrimRight(string(s), "x")
		if number, err := strconv.Atoi(digits); err != nil || len(s) != 3 || number < 1 || digits[0] < '1' || digits[0] > '5' {
			return nil, fmt.Errorf("%q %w", text, errStatus)
		}
		statuses = append(statuses, s)
	}
	return statuses, nil
}

func (s Status) matches(status string) bool {
	return len(status) == 3 && strings.HasPrefix(status, strings.TrimRight(string(s), "x"))
}

// Selects is true for filters that look for something, of which all lines are wanted.
func (f Filter) Selects() bool { return !f.Since.IsZero() || f.RequestID != "" || len(f.Status) > 0 }

// Keeps says whether a line is asked for. probes are the paths at which its pod is probed.
func (f Filter) Keeps(e Entry, probes []string) bool {
	switch {
	// Access logs count in seconds: a line of this second may be newer.
	case !f.Since.IsZero() && !e.Time.IsZero() && e.Time.Before(f.Since.Truncate(time.Second)):
		return false
	case f.RequestID != "" && !strings.Contains(e.Line, f.RequestID):
		return false
	case len(f.Status) > 0 && !slices.ContainsFunc(f.Status, func(s Status) bool { return s.matches(e.text("status")) }):
		return false
	}
	return f.Probes || !ofProbe(e, probes)
}

// ofProbe finds a kubelet's requests: by the name that it gives itself, which most formats have, by the path in a field,
// or by the path in the request line that common log formats quote. A request of a client's has an id.
func ofProbe(e Entry, probes []string) bool {
	if strings.Contains(e.Line, "kube-probe/") {
		return true
	}
	return slices.ContainsFunc(probes, func(path string) bool {
		if e.Fields != nil {
			return e.text("path") == path && e.text("requestId") == ""
		}
		return strings.Contains(e.Line, `"GET `+path+" HTTP/")
	})
}

// Pattern asks CloudWatch for the lines of an access log that the filter keeps, but for their time.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
func (f Filter) Pattern() string {
	var all []string
	if f.RequestID != "" {
		all = append(all, fmt.Sprintf("($.requestId = %q)", f.RequestID))
	}
	if len(f.Status) > 0 {
		var one []string
		for _, s := range f.Status {
			// An asterisk stands for any text.
			text := string(s)
			if digits := strings.TrimRight(text, "x"); digits != text {
				text = digits + "*"
			}
			one = append(one, fmt.Sprintf("($.status = %q)", text))
		}
		all = append(all, "("+strings.Join(one, " || ")+")")
	}
	if len(all) == 0 {
		return ""
	}
	return "{ " + strings.Join(all, " && ") + " }"
}

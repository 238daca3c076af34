package ingress

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"k8s.io/apimachinery/pkg/util/validation"
)

// value is how an annotation's text is read, written and described.
type value[T any] struct {
	// form describes the text for people.
	form  string
	parse func(text string) (T, error)
	print func(v T) string
	// examples are texts at the edges of what is accepted, and some that are not. The fuzzer starts from them.
	examples []string
}

func intBetween(lowest, highest int) value[int] {
	return value[int]{
		form: fmt.Sprintf("whole number, %d to %d", lowest, highest),
		parse: func(text string) (int, error) {
			number, err := strconv.Atoi(text)
			if err != nil || number < lowest || number > highest {
				return 0, fmt.Errorf("%q is not a whole number from %d to %d", text, lowest, highest)
			}
			return number, nil
		},
		print:    strconv.Itoa,
		examples: []string{strconv.Itoa(lowest), strconv.Itoa(highest), strconv.Itoa(highest + 1), "three"},
	}
}

// numberUpTo is a number above 0.
func numberUpTo(highest float64, form string) value[float64] {
	return value[float64]{
		form: form,
		parse: func(text string) (float64, error) {
			number, err := strconv.ParseFloat(text, 64)
			if err != nil || !(number > 0 && number <= highest) {
				return 0, fmt.Errorf("%q is not a number above 0 and up to %v", text, highest)
			}
			return number, nil
		},
		print:    func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) },
		examples: []string{"0.5", fmt.Sprint(highest), "NaN", "-1"},
	}
}

func durationBetween(shortest, longest time.Duration, form string) value[time.Duration] {
	return value[time.Duration]{
		form: form,
		parse: func(text string) (time.Duration, error) {
			d, err := time.ParseDuration(text)
			if err != nil || d < shortest || d > longest {
				return 0, fmt.Errorf("%q is not a duration from %s to %s", text, shortest, longest)
			}
			return d, nil
		},
		print:    time.Duration.String,
		examples: []string{shortest.String(), longest.String(), "5", "-1s"},
	}
}

func boolean() value[bool] {
	return value[bool]{
		form: "`true` or `false`",
		parse: func(text string) (bool, error) {
			if text != "true" && text != "false" {
				return false, fmt.Errorf("%q is not true or false", text)
			}
			return text == "true", nil
		},
		print:    strconv.FormatBool,
		examples: []string{"true", "false", "yes"},
	}
}

// bytesUpTo is a size with k for 1,024 bytes or m for 1,024 k.
func bytesUpTo(most int, form string) value[int] {
	size := regexp.MustCompile(`^([0-9]{1,8})([km]?)$`)
	return value[int]{
		form: form,
		parse: func(text string) (int, error) {
			parts := size.FindStringSubmatch(text)
			if parts == nil {
				return 0, fmt.Errorf("%q is not a size such as 512k or 10m", text)
			}
			number, err := strconv.Atoi(parts[1])
			number *= map[string]int{"": 1, "k": 1 << 10, "m": 1 << 20}[parts[2]]
			if err != nil || number < 1 || number > most {
				return 0, fmt.Errorf("%q is not from 1 to 10m, the most that API Gateway passes on", text)
			}
			return number, nil
		},
		print: func(v int) string {
			switch {
			case v%(1<<20) == 0:
				return fmt.Sprintf("%dm", v>>20)
			case v%(1<<10) == 0:
				return fmt.Sprintf("%dk", v>>10)
			}
			return strconv.Itoa(v)
		},
		examples: []string{"1", "512k", "10m", "11m", "0"},
	}
}

// textWith is a text that check accepts.
func textWith[T ~string](form string, check func(string) error, examples ...string) value[T] {
	return value[T]{
		form:     form,
		parse:    func(text string) (T, error) { return T(text), check(text) },
		print:    func(v T) string { return string(v) },
		examples: append(examples, "", "a b"),
	}
}

// matching is a check by a pattern.
func matching(pattern, what string) func(string) error {
	expression := regexp.MustCompile(pattern)
	return func(text string) error {
		if !expression.MatchString(text) {
			return fmt.Errorf("%q is not %s", text, what)
		}
		return nil
	}
}

// maxListLength keeps a list within one word of NGINX's configuration, which ends at 4 KB.
const maxListLength = 2000

// setOf is a list without order, separated by commas, each element of which check accepts.
func setOf(form string, check func(string) error, examples ...string) value[[]string] {
	return value[[]string]{
		form: form + ", separated by commas",
		parse: func(text string) ([]string, error) {
			if len(text) > maxListLength {
				return nil, fmt.Errorf("it has %d characters: at most %d are possible in NGINX's configuration", len(text), maxListLength)
			}
			var elements []string
			var problems []error
			for element := range strings.SplitSeq(text, ",") {
				element = strings.TrimSpace(element)
				if slices.Contains(elements, element) {
					problems = append(problems, fmt.Errorf("%q is there twice: write it once", element))
				}
				problems = append(problems, check(element))
				elements = append(elements, element)
			}
			slices.Sort(elements)
			return elements, errors.Join(problems...)
		},
		print:    func(v []string) string { return strings.Join(v, ",") },
		examples: append(examples, strings.Join(examples, ","), ",", "a b"),
	}
}

// nodeSelector is a set of labels. The original controller took label selectors here, of which only these are possible for a pod.
func nodeSelector() value[map[string]string] {
	return value[map[string]string]{
		form: "`key=value` pairs, separated by commas",
		parse: func(text string) (map[string]string, error) {
			labels := map[string]string{}
			for pair := range strings.SplitSeq(text, ",") {
				key, label, ok := strings.Cut(strings.TrimSpace(pair), "=")
				if !ok || len(validation.IsQualifiedName(key)) > 0 || len(validation.IsValidLabelValue(label)) > 0 {
					return nil, fmt.Errorf("%q is not a list of key=value pairs such as kubernetes.io/arch=amd64: pods take no other selectors", text)
				}
				if _, twice := labels[key]; twice {
					return nil, fmt.Errorf("%q is there twice: write it once", key)
				}
				labels[key] = label
			}
			return labels, nil
		},
		print: func(v map[string]string) string {
			var pairs []string
			for _, key := range slices.Sorted(maps.Keys(v)) {
				pairs = append(pairs, key+"="+v[key])
			}
			return strings.Join(pairs, ",")
		},
		examples: []string{"pool=edge", "a=b,c=d", "a==b", "a in (b)", "a"},
	}
}

// proxyPort is where NGINX listens.
func proxyPort() value[int] {
	port := intBetween(1024, 65535)
	inRange := port.parse
	port.form = "port, 1024 to 65535"
	port.parse = func(text string) (int, error) {
		number, err := inRange(text)
		switch low, notNumber := strconv.Atoi(text); {
		case err != nil && notNumber == nil && low > 0 && low < 1024:
			return 0, fmt.Errorf("%w: NGINX is not root here, and nobody but the load balancer sees this port; leave the annotation out", err)
		case number == route.HealthPort:
			return 0, fmt.Errorf("%d is taken by the proxy's health check: choose another", route.HealthPort)
		}
		return number, err
	}
	return port
}

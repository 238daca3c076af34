// Package printable keeps what comes from manifests, clusters and clouds text, wherever it is printed.
package printable

import (
	"errors"
	"strconv"
	"strings"
	"unicode"
)

// Text escapes what a manifest could use to forge lines of a log, or to command a terminal: line ends, escape
// characters, and marks that change the direction of writing.
func Text(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRuneToASCII(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}

// Error does so for each of the problems that err holds. One that needs it loses its wrapped cause.
func Error(err error) error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var problems []error
		for _, problem := range joined.Unwrap() {
			problems = append(problems, Error(problem))
		}
		return errors.Join(problems...)
	}
	if text := err.Error(); Text(text) != text {
		return errors.New(Text(text))
	}
	return err
}

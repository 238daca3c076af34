package command

import (
	"errors"
	"fmt"

	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
)

// exitCodes has one for each class of errors, after the one of success.
var exitCodes = []struct {
	class   operation.Class
	code    int
	meaning string
}{
	{operation.Other, 1, "failed for a reason that has no code of its own"},
	{operation.Usage, 2, "usage: wrong arguments, config or manifests; nothing was changed"},
	{operation.Changes, 3, "preview found changes that were not expected"},
	{operation.Update, 4, "the update failed; the resources that were made are in the stack's state"},
	{operation.Locked, 5, "another update holds the stack's lock"},
	{operation.Cancelled, exitCancelled, "cancelled by a signal"},
	{operation.Prerequisite, 7, "a prerequisite is missing; nothing was changed"},
	{operation.Unhealthy, 8, "the API's answer, a hop of the chain or a policy is not as it should be"},
	{operation.Weaker, 9, "access would be weaker than what is deployed, and --fail-on-weaker-access was given; nothing was changed"},
}

const exitCancelled = 6

func exitCodesHelp() string {
	text := "Exit codes:\n  0  done"
	for _, e := range exitCodes {
		text += fmt.Sprintf("\n  %d  %s", e.code, e.meaning)
	}
	return text
}

// exited is the failure of a program that this one ran, whose exit code it takes over.
type exited struct {
	code int
	err  error
}

func (e *exited) Error() string { return e.err.Error() }
func (e *exited) Unwrap() error { return e.err }

func exitCode(err error) int {
	var other *exited
	switch {
	case err == nil:
		return 0
	case errors.As(err, &other):
		return other.code
	}
	class := operation.ClassOf(err)
	for _, e := range exitCodes {
		if e.class == class {
			return e.code
		}
	}
	return 1
}

func classed(class operation.Class, err error) error {
	if err == nil {
		return nil
	}
	return &operation.Error{Class: class, Err: err}
}

func usage(err error) error { return classed(operation.Usage, err) }

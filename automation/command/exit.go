package command

import (
	"errors"

	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
)

const exitCodesHelp = `Exit codes:
  0  done
  1  failed for a reason that has no code of its own
  2  usage: wrong arguments, config or manifests; nothing was changed
  3  preview found changes that were not expected
  4  the update failed; the resources that were made are in the stack's state
  5  another update holds the stack's lock
  6  cancelled by a signal
  7  a prerequisite is missing; nothing was changed
  8  the API's answer, a hop of the chain or a policy is not as it should be
  9  access would be weaker than what is deployed, and --fail-on-weaker-access was given; nothing was changed`

// exitCodes has one for each class of errors.
var exitCodes = map[operation.Class]int{
	operation.Other: 1, operation.Usage: 2, operation.Changes: 3, operation.Update: 4, operation.Locked: 5,
	operation.Cancelled: exitCancelled, operation.Prerequisite: 7, operation.Unhealthy: 8,
	operation.Weaker: 9,
}

const exitCancelled = 6

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
	return exitCodes[operation.ClassOf(err)]
}

func classed(class operation.Class, err error) error {
	if err == nil {
		return nil
	}
	return &operation.Error{Class: class, Err: err}
}

func usage(err error) error { return classed(operation.Usage, err) }

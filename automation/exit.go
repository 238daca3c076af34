package main

import (
	"errors"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
)

// Exit codes, one a class. The help text of the root command documents them.
const (
	exitOK           = 0
	exitFailure      = 1
	exitUsage        = 2
	exitChanges      = 3
	exitUpdate       = 4
	exitLocked       = 5
	exitCancelled    = 6
	exitPrerequisite = 7
	exitUnhealthy    = 8
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
  8  the API's answer, a hop of the chain or a policy is not as it should be`

// coded is an error with the exit code of its class.
type coded struct {
	code int
	err  error
}

func (c *coded) Error() string { return c.err.Error() }
func (c *coded) Unwrap() error { return c.err }

func withCode(code int, err error) error {
	if err == nil {
		return nil
	}
	return &coded{code, err}
}

// exitCode is the code of an error. Errors that cobra makes are about usage.
func exitCode(err error) int {
	var c *coded
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &c):
		return c.code
	case errors.Is(err, engine.ErrNoCLI):
		return exitPrerequisite
	case errors.Is(err, engine.ErrNoStack):
		return exitUsage
	case errors.Is(err, engine.ErrInterrupted):
		return exitCancelled
	case auto.IsConcurrentUpdateError(err):
		return exitLocked
	}
	return exitFailure
}

package engine

import (
	"fmt"
	"runtime/debug"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// shallow runs a program in a goroutine of its own. With each resource the state keeps the stack that declared it, and
// what the Automation API has on the stack is more than the program has: all would be written again and again.
func shallow(program pulumi.RunFunc) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		result := make(chan error, 1)
		go func() { result <- recovered(program, ctx) }()
		return <-result
	}
}

// recovered makes an error of a panic, as the Automation API does in its own goroutine.
func recovered(program pulumi.RunFunc, ctx *pulumi.Context) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("the program panicked: %v\n%s", reason, debug.Stack())
		}
	}()
	return program(ctx)
}

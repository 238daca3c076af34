package engine

import (
	"errors"
	"runtime"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

func TestShallow(t *testing.T) {
	depth := func() int { return runtime.Callers(0, make([]uintptr, 100)) }
	var inside int
	failed := errors.New("failed")
	err := shallow(func(*pulumi.Context) error {
		inside = depth()
		return failed
	})(nil)
	require.Equal(t, failed, err)
	deeper := 0
	var nest func(int)
	nest = func(n int) {
		if n > 0 {
			nest(n - 1)
			return
		}
		_ = shallow(func(*pulumi.Context) error {
			deeper = depth()
			return nil
		})(nil)
	}
	nest(20)
	require.Equal(t, inside, deeper, "what called it is not on its stack")

	err = shallow(func(*pulumi.Context) error { panic("no such thing") })(nil)
	require.ErrorContains(t, err, "the program panicked: no such thing\n")
	require.ErrorContains(t, err, "program_test.go", "where")
}

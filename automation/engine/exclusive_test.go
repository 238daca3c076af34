package engine

import (
	"errors"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExclusive(t *testing.T) {
	dir := t.TempDir()
	release, err := Exclusive(dir, "s")
	require.NoError(t, err)
	_, err = Exclusive(dir, "s")
	require.ErrorIs(t, err, ErrBusy)
	require.ErrorContains(t, err, "process "+strconv.Itoa(os.Getpid()))
	other, err := Exclusive(dir, "other")
	require.NoError(t, err)
	require.NoError(t, other())
	require.NoError(t, release())
	release, err = Exclusive(dir, "s")
	require.NoError(t, err)
	require.NoError(t, os.Remove(exclusivePath(dir, "s")), "the stack is gone")
	again, err := Exclusive(dir, "s")
	require.NoError(t, err)
	_, err = Exclusive(dir, "s")
	require.ErrorIs(t, err, ErrBusy)
	require.NoError(t, errors.Join(release(), again()))
}

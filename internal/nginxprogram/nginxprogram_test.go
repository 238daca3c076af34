package nginxprogram

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheNamedProgramIsTaken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nginx")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\necho 'nginx version: nginx/1.31.2 (Debian)' >&2\n"), 0o700))
	t.Setenv(Variable, path)
	found, err := Find()
	require.NoError(t, err)
	require.Equal(t, path, found)
	version, err := Version(context.Background(), found)
	require.NoError(t, err)
	require.Equal(t, "1.31.2", version.String())

	t.Setenv(Variable, filepath.Join(filepath.Dir(path), "missing"))
	_, err = Find()
	require.ErrorContains(t, err, Variable)
}

func TestWhatIsNoNGINX(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nginx")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\necho hello\n"), 0o700))
	_, err := Version(context.Background(), path)
	require.ErrorContains(t, err, "names no version")
	_, err = Version(context.Background(), filepath.Join(filepath.Dir(path), "missing"))
	require.Error(t, err)
}

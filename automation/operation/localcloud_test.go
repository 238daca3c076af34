package operation

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A mapped program runs in its pod's folder, so what the config means by its words is settled before.
func TestCommandsOfTheProject(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(root, "app.py"), nil, 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(root, "site"), 0o700))
	shell, err := exec.LookPath("sh")
	require.NoError(t, err)
	for _, c := range []struct{ command, want []string }{
		{[]string{"sh", "app.py", "${PORT}"}, []string{shell, filepath.Join(root, "app.py"), "${PORT}"}},
		{[]string{"./app.py"}, []string{filepath.Join(root, "app.py")}},
		{[]string{"sh", "--directory", "site", "-c"}, []string{shell, "--directory", filepath.Join(root, "site"), "-c"}},
		{[]string{"no-such-program", ""}, []string{"no-such-program", ""}},
		{nil, nil},
	} {
		require.Equal(t, c.want, within(root, c.command))
	}
}

package integration

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// An empty folder, the binary, nginx and the Pulumi CLI are enough for a signed answer: nothing else is on PATH, and no file of
// this repository is near.
func TestInitInAnEmptyFolder(t *testing.T) {
	t.Parallel()
	tools, folder := t.TempDir(), t.TempDir()
	for _, name := range []string{"apigw-ingress", "pulumi"} {
		require.NoError(t, os.Link(bin(t, name), filepath.Join(tools, name)), "beside nothing else")
	}
	run := func(args ...string) (string, string, error) {
		command := exec.Command(filepath.Join(tools, "apigw-ingress"), args...)
		command.Dir = folder
		command.Env = []string{"HOME=" + folder, "PATH=/usr/sbin"}
		var out, errOut bytes.Buffer
		command.Stdout, command.Stderr = &out, &errOut
		err := command.Run()
		return out.String(), errOut.String(), err
	}
	_, errOut, err := run("init")
	require.NoError(t, err, errOut)
	t.Cleanup(func() { _, _, _ = run("destroy") })
	_, errOut, err = run("up")
	require.NoError(t, err, errOut)
	out, errOut, err := run("call", "/anything/below")
	require.NoError(t, err, errOut)
	var answer map[string]string
	require.NoError(t, json.Unmarshal([]byte(out), &answer), out)
	require.Equal(t, map[string]string{"hello": "world", "path": "/anything/below"}, answer)
	_, errOut, err = run("init")
	require.Error(t, err)
	require.Contains(t, errOut, "Pulumi.yaml exists: nothing is overwritten")
}

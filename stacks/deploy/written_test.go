package deploy

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The engine gives a program the defaults of the schema with what the stack's file says. A key that the file sets wins over
// the profile, also with the default's value.
func TestKeysOfTheFileWinOverTheProfile(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(root, "Pulumi.yaml"), []byte("name: shop\nruntime: go\nstackConfigDir: stacks\n"), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(root, "stacks"), 0o700))
	file := filepath.Join(root, "stacks", "Pulumi.prod.yaml")
	require.NoError(t, os.WriteFile(file, []byte("config:\n  shop:profile: hardened\n  clusterPrivate: false\n  "+
		"shop:logRetentionDays: 30\n"), 0o600))
	written, err := writtenKeys(root, "prod")
	require.NoError(t, err)
	values := small()
	for key, value := range map[string]string{"profile": "hardened", "clusterPrivate": "false", "deletionProtection": "false",
		"logRetentionDays": "30", "executionLogs": ""} {
		values[key] = value
	}
	source := from(values)
	source.Written = written
	s, err := ReadFrom(source, "../..")
	require.NoError(t, err)
	require.Contains(t, s.Platform.ProfileExceptions, "clusterPrivate")
	require.NotContains(t, s.Platform.ProfileExceptions, "deletionProtection")
	require.Equal(t, 30, s.Platform.Gateway.Stage.LogRetentionDays)

	missing, err := writtenKeys(root, "dev")
	require.NoError(t, err)
	require.Nil(t, missing)
	require.NoError(t, os.WriteFile(file, []byte("config: ["), 0o600))
	_, err = writtenKeys(root, "prod")
	require.ErrorContains(t, err, "Pulumi.prod.yaml")
}

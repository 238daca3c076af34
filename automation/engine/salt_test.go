package engine

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/stretchr/testify/require"
)

func saltFor(t *testing.T, passphrase string) string {
	t.Helper()
	salt := []byte("8 bytes.")
	word, err := config.NewSymmetricCrypterFromPassphrase(passphrase, salt).EncryptValue(t.Context(), "pulumi")
	require.NoError(t, err)
	return "v1:" + base64.StdEncoding.EncodeToString(salt) + ":" + word
}

func TestSaltOfARemovedStateDirectory(t *testing.T) {
	state := t.TempDir()
	project := &Project{Root: t.TempDir(), Stack: "local", EncryptionSalt: saltFor(t, "the lost one")}
	require.ErrorContains(t, CheckSalt(project, state), "remove the line encryptionsalt", "the directory was removed")

	require.NoError(t, os.WriteFile(filepath.Join(state, "passphrase"), []byte("another\n"), 0o600))
	require.ErrorContains(t, CheckSalt(project, state), "Pulumi.local.yaml", "and made anew")

	project.EncryptionSalt = saltFor(t, "another")
	require.NoError(t, CheckSalt(project, state))
	project.EncryptionSalt = "v1:broken"
	require.NoError(t, CheckSalt(project, state), "what the CLI knows better")
	project.EncryptionSalt, project.SecretsProvider = saltFor(t, "the lost one"), "awskms://alias/x"
	require.NoError(t, CheckSalt(project, state), "no passphrase is asked for")
}

// Secrets that stand in the project's file were encrypted with the salt beside them.
func TestTheProjectsSaltGoesFirst(t *testing.T) {
	from, to := filepath.Join(t.TempDir(), "from.yaml"), filepath.Join(t.TempDir(), "to.yaml")
	salt := func() string {
		require.NoError(t, copySettings(from, to))
		settings, err := readSettings(to)
		require.NoError(t, err)
		return settings.text("encryptionsalt")
	}
	require.NoError(t, os.WriteFile(to, []byte("encryptionsalt: kept\n"), 0o600))
	require.NoError(t, os.WriteFile(from, []byte("encryptionsalt: own\n"), 0o600))
	require.Equal(t, "own", salt())
	require.NoError(t, os.WriteFile(to, []byte("encryptionsalt: kept\n"), 0o600))
	require.NoError(t, os.WriteFile(from, []byte("config: {}\n"), 0o600))
	require.Equal(t, "kept", salt())
}

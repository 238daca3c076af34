package engine

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const shop = `name: shop
runtime: go
stackConfigDir: stacks
config:
  target: {type: string, default: local}
  stageName: {type: string, default: live}
  version: {type: string, default: ""}
  count: {type: integer, default: 3}
  open: {type: boolean, default: false}
  services: {type: array, items: {type: object}, default: []}
  variables: {type: object, default: {}}
`

// projectWith is a project whose stacks' files are in a folder of their own.
func projectWith(t *testing.T, config string) (*Project, error) {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(root, "Pulumi.yaml"), []byte(shop), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(root, "stacks"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(root, "stacks", "Pulumi.dev.yaml"), []byte(config), 0o600))
	return OpenProject(root, "dev")
}

// The CLI reads the copy of a local stack's config, and must read what the checks have read in the original.
func TestTheCopyOfAConfigReadsAsTheOriginal(t *testing.T) {
	config := "config:\n  shop:stageName: no\n  open: true\n  shop:version: \"1.30\"\n  shop:services:\n" +
		"    - {name: OFF, account: \"012345678901\", since: 2024.01}\n"
	p, err := projectWith(t, config)
	require.NoError(t, err)
	require.NoError(t, p.Invalid)
	dir, err := prepareLocal(p, t.TempDir())
	require.NoError(t, err)
	copied, err := OpenProject(dir, "dev")
	require.NoError(t, err)
	require.NoError(t, copied.Invalid)
	for _, key := range []string{"target", "stageName", "version", "count", "open", "services", "variables"} {
		want, _ := p.Get(key)
		got, _ := copied.Get(key)
		require.Equal(t, want, got, key)
	}
	stage, _ := copied.Get("stageName")
	require.Equal(t, "no", stage)
}

// What would be read as something else than what is written is refused, with its place.
func TestAmbiguousValuesAreRefused(t *testing.T) {
	for value, want := range map[string]string{
		"0123":         "config shop:stageName: 0123 is read as 83",
		"1.30":         "1.30 is read as 1.3",
		"1_000":        "1_000 is read as 1000",
		"0x10":         "is read as 16",
		"012345678901": "012345678901 is read as 12345678901",
		"2024-01-01":   "2024-01-01 is read as",
	} {
		p, err := projectWith(t, "config:\n  shop:stageName: "+value+"\n")
		require.NoError(t, err)
		require.ErrorContains(t, p.Invalid, want)
		require.ErrorContains(t, p.Invalid, "Pulumi.dev.yaml:2: ")
		p, err = projectWith(t, "config:\n  shop:services:\n    - args: [{at: "+value+"}]\n")
		require.NoError(t, err)
		require.ErrorContains(t, p.Invalid, "config shop:services[0].args[0].at: ", value)
	}
	for _, value := range []string{"no", "OFF", "~", `"0123"`, "12", "live", "'1.30'"} {
		p, err := projectWith(t, "config:\n  shop:stageName: "+value+"\n")
		require.NoError(t, err)
		require.NoError(t, p.Invalid, value)
	}
	p, err := projectWith(t, "config:\n  shop:open: no\n  shop:count: many\n")
	require.NoError(t, err)
	require.ErrorContains(t, p.Invalid, "config open: no is not of type boolean")
	require.ErrorContains(t, p.Invalid, "config count: many is not of type integer")
}

const secretConfig = `encryptionsalt: v1:c2FsdA==:v1:word
config:
  shop:count: {secure: v1:a}
  shop:variables: {token: {secure: v1:b}}
  aws:secretKey: {secure: v1:c}
`

// Whether a secret fits is for the program to say: here only its ciphertext is known.
func TestSecretsAreNotJudgedByTheirCiphertext(t *testing.T) {
	p, err := projectWith(t, secretConfig)
	require.NoError(t, err)
	require.NoError(t, p.Invalid)
	for key, want := range map[string]string{"count": Hidden, "variables": `{"token":"` + Hidden + `"}`, "aws:secretKey": Hidden} {
		value, _ := p.Get(key)
		require.Equal(t, want, value)
		require.True(t, p.Secret(key), key)
	}
	require.False(t, p.Secret("stageName"))
	p, err = projectWith(t, "config:\n  aws:region: {secure: v1:a}\n")
	require.NoError(t, err)
	require.ErrorContains(t, p.Invalid, "config aws:region is a secret, and needed before secrets can be read")
}

// A copied config's secrets can be decrypted as those of the original.
func TestCopiedSecretsKeepTheirKey(t *testing.T) {
	p, err := projectWith(t, secretConfig)
	require.NoError(t, err)
	require.NoError(t, p.CopyConfig("dev-1", map[string]any{"stageName": "e1"}))
	content, err := os.ReadFile(filepath.Join(p.Root, "stacks", "Pulumi.dev-1.yaml"))
	require.NoError(t, err)
	require.Contains(t, string(content), "encryptionsalt: v1:c2FsdA==:v1:word\n")
	copied, err := OpenProject(p.Root, "dev-1")
	require.NoError(t, err)
	stage, _ := copied.Get("stageName")
	require.Equal(t, "e1", stage)
	require.True(t, copied.Secret("count"))

	p, err = projectWith(t, "encryptionsalt: v1:c2FsdA==:v1:word\nconfig:\n  stageName: 'no'\n  shop:version: \"1.30\"\n")
	require.NoError(t, err)
	require.NoError(t, p.CopyConfig("dev-1", map[string]any{"stageName": "e1"}))
	copied, err = OpenProject(p.Root, "dev-1")
	require.NoError(t, err)
	require.NoError(t, copied.Invalid, "the key is there once, and the version is still a text")
	require.Empty(t, copied.EncryptionSalt, "it gets one of its own")

	p, err = projectWith(t, "config:\n  shop:variables: {token: {secure: v1:b}}\n")
	require.NoError(t, err)
	require.ErrorContains(t, p.CopyConfig("dev-1", nil), "no other stack can decrypt")
}

// A project's folder may be read-only, as a container's is: what is made for a local stack is in the state directory then.
func TestConfigsOfAReadOnlyProject(t *testing.T) {
	state := t.TempDir()
	// Nobody can make a file in this folder, whoever runs the test: https://docs.kernel.org/filesystems/sysfs.html
	p := &Project{Root: "/sys", Name: "shop", Stack: "dev", Target: Local, spareDir: filepath.Join(state, "configs")}
	require.NoError(t, os.Mkdir(p.spareDir, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(p.spareDir, "Pulumi.dev.yaml"), []byte("config:\n  shop:version: \"1.30\"\n"), 0o600))
	require.NoError(t, p.CopyConfig("dev-1", map[string]any{"stageName": "e1"}))
	file := p.FileOf("dev-1")
	require.Equal(t, filepath.Join(state, "configs", "Pulumi.dev-1.yaml"), file)
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "config:\n  shop:version: \"1.30\"\n  shop:stageName: e1\n", string(content))
	p.Target = AWS
	require.ErrorIs(t, p.CopyConfig("dev-2", nil), os.ErrPermission, "plain pulumi must find those of stacks on AWS")
	require.Equal(t, "/sys/Pulumi.dev-2.yaml", p.FileOf("dev-2"))
}

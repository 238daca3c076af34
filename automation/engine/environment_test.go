package engine

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each variable that `env` prints for the local target keeps a stack on AWS from being touched, also alone.
func TestCheckAWSEnvironment(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	require.NoError(t, PrepareState(state))
	for name, value := range map[string]string{"PULUMI_BACKEND_URL": "s3://bucket", "PULUMI_HOME": t.TempDir(),
		"PULUMI_CONFIG_PASSPHRASE_FILE": "/dev/null", attachedVariable: ""} {
		t.Setenv(name, value)
	}
	require.NoError(t, checkAWSEnvironment())
	for name, value := range LocalEnvironment(state, map[string]int{"aws": 1}) {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, value)
			err := checkAWSEnvironment()
			switch name {
			case "PULUMI_BACKEND_URL", "PULUMI_HOME", "PULUMI_CONFIG_PASSPHRASE_FILE", attachedVariable:
				require.ErrorIs(t, err, ErrEnvironment)
				require.ErrorContains(t, err, name)
			default:
				require.NoError(t, err)
			}
		})
	}
	t.Setenv("PULUMI_BACKEND_URL", "file://"+t.TempDir())
	require.NoError(t, checkAWSEnvironment(), "a file backend of one's own is as good as any")
}

func TestLocalEnvironmentHasOneSource(t *testing.T) {
	require.Equal(t, []string{"PATH=/bin", "PULUMI_CONFIG_PASSPHRASE_FILE=x"}, localEnvironment([]string{"PATH=/bin",
		"PULUMI_CONFIG_PASSPHRASE=", "PULUMI_STACK=dev", "PULUMI_CONFIG_PASSPHRASE_FILE=x", "AWS_PROFILE=prod"}))
}

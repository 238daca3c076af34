package deploy

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
)

// writtenKeys tells the keys that a stack's file sets from those that have their defaults: the engine hands on both alike.
// Without a file there are none.
func writtenKeys(root, stack string) (func(key string) bool, error) {
	project, err := workspace.LoadProject(filepath.Join(root, "Pulumi.yaml"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	quiet := diag.DefaultSink(io.Discard, io.Discard, diag.FormatOptions{Color: colors.Never})
	name := filepath.Join(root, project.StackConfigDir, "Pulumi."+stack+".yaml")
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	file, err := workspace.LoadProjectStack(quiet, project, name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return func(key string) bool {
		_, set := file.Config[config.MustMakeKey(string(project.Name), key)]
		return set
	}, nil
}

package engine

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/blang/semver"
)

// smallestCLI tells a CLI from a shim of a version manager, whose file says nothing of what it starts.
const smallestCLI = 10 << 20

func seenPath(stateDir string) string { return filepath.Join(stateDir, "cli.json") }

// versionOf asks a CLI for its version, or remembers what the same file answered before: asking takes longer than reading
// a stack's state.
func versionOf(ctx context.Context, path, stateDir string) (semver.Version, error) {
	info, err := os.Stat(path) //nolint:gosec // the user names the program
	if err != nil {
		return semver.Version{}, err
	}
	if stateDir == "" || info.Size() < smallestCLI {
		return askVersion(ctx, path)
	}
	text, err := remember(seenPath(stateDir), path, info, func() (string, error) {
		version, err := askVersion(ctx, path)
		return version.String(), err
	})
	if err != nil {
		return semver.Version{}, err
	}
	return semver.Parse(text)
}

func askVersion(ctx context.Context, path string) (semver.Version, error) {
	command := exec.CommandContext(ctx, path, "version") //nolint:gosec // the user names the program
	command.Env = append(os.Environ(), "PULUMI_SKIP_UPDATE_CHECK=true")
	output, err := command.Output()
	if err != nil {
		return semver.Version{}, fmt.Errorf("%s version: %w", path, err)
	}
	return semver.ParseTolerant(strings.TrimSpace(string(output)))
}

package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/blang/semver"
)

// seen is a CLI's file when it was asked for its version, which takes it longer than reading a stack's state.
type seen struct {
	Path     string    `json:"path"`
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
	Version  string    `json:"version"`
}

// smallestCLI tells a CLI from a shim of a version manager, whose file says nothing of what it starts.
const smallestCLI = 10 << 20

func seenPath(stateDir string) string { return filepath.Join(stateDir, "cli.json") }

// versionOf asks a CLI for its version, or remembers what the same file answered before.
func versionOf(ctx context.Context, path, stateDir string) (semver.Version, error) {
	info, err := os.Stat(path) //nolint:gosec // the user names the program
	if err != nil {
		return semver.Version{}, err
	}
	now := seen{Path: path, Size: info.Size(), Modified: info.ModTime().UTC()}
	if stateDir == "" || now.Size < smallestCLI {
		return askVersion(ctx, path)
	}
	var before seen
	if content, err := os.ReadFile(seenPath(stateDir)); err == nil && json.Unmarshal(content, &before) == nil {
		now.Version = before.Version
		if version, err := semver.Parse(before.Version); err == nil && now == before {
			return version, nil
		}
	}
	version, err := askVersion(ctx, path)
	if err != nil {
		return version, err
	}
	now.Version = version.String()
	encoded, err := json.Marshal(now)
	if err == nil {
		// Where it cannot be kept, it is asked for again.
		_ = os.WriteFile(seenPath(stateDir), encoded, 0o600)
	}
	return version, err
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

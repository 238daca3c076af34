package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Backend is where the CLI keeps stacks.
type Backend struct {
	User string `json:"user"`
	URL  string `json:"url"`
}

// Managed says whether the backend is a service, which encrypts secrets with keys of its own. Others leave that to a
// passphrase or a key.
func (b Backend) Managed() bool { return strings.HasPrefix(b.URL, "https://") }

// FindBackend is the backend that the CLI is logged in to for a project.
func FindBackend(ctx context.Context, root string) (Backend, error) {
	var backend Backend
	return backend, query(ctx, root, &backend, "whoami", "--json")
}

// Plugin is a program that the CLI has installed.
type Plugin struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Version string `json:"version"`
}

// Plugins lists what is installed.
func Plugins(ctx context.Context) ([]Plugin, error) {
	var plugins []Plugin
	return plugins, query(ctx, "", &plugins, "plugin", "ls", "--json")
}

// query decodes what the CLI prints.
func query(ctx context.Context, dir string, into any, args ...string) error {
	command, err := FindCommand(ctx, "")
	if err != nil {
		return err
	}
	out, errOut, _, err := command.Run(ctx, dir, nil, nil, nil, []string{"PULUMI_SKIP_UPDATE_CHECK=true"}, args...)
	if err != nil {
		return errors.New(strings.TrimSpace(errOut))
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		return fmt.Errorf("pulumi %s: %w", args[0], err)
	}
	return nil
}

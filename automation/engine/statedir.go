package engine

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/apigateway-ingress/apigateway-ingress/internal/wholefile"
	"sigs.k8s.io/yaml"
)

// prepareLocal lays out the state directory. The CLI works in a copy of the project's settings, because it
// writes a stack's encryption salt into them, which for the local target is nobody else's business.
func prepareLocal(p *Project, stateDir string) (string, error) {
	dir := filepath.Join(stateDir, "stacks", p.Stack)
	if err := CheckSalt(p, stateDir); err != nil {
		return "", err
	}
	if err := PrepareState(stateDir); err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	if err := copySettings(filepath.Join(p.Root, projectFile), filepath.Join(dir, projectFile), nil, "main"); err != nil {
		return "", err
	}
	name := "Pulumi." + p.Stack + ".yaml"
	kept, err := readSettings(filepath.Join(dir, name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	return dir, copySettings(filepath.Join(p.Root, name), filepath.Join(dir, name), kept)
}

// PrepareState lays out a state directory for stacks of the local target.
func PrepareState(stateDir string) error {
	home := filepath.Join(stateDir, "home")
	for _, needed := range []string{filepath.Join(stateDir, "backend"), home} {
		if err := os.MkdirAll(needed, 0o700); err != nil {
			return err
		}
	}
	if err := withoutLogs(home); err != nil {
		return err
	}
	return ensurePassphrase(filepath.Join(stateDir, "passphrase"))
}

// noLogs is what somebody finds who looks for the CLI's logs.
const noLogs = "The Pulumi CLI would keep a debug log of every operation in a folder of this name. " +
	"On the local target it does not: that takes a fifth of its time. `pulumi up -v 9 --logtostderr` shows it.\n"

// withoutLogs keeps the CLI from writing and compressing its debug logs, for which it has no switch: it goes on
// without them where it cannot make their folder.
func withoutLogs(home string) error {
	path := filepath.Join(home, "logs")
	info, err := os.Lstat(path)
	switch {
	case err == nil && !info.IsDir():
		return nil
	case err == nil:
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	case !errors.Is(err, os.ErrNotExist):
		return err
	}
	return wholefile.Write(path, []byte(noLogs))
}

func ensurePassphrase(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails: https://pkg.go.dev/crypto/rand#Read
	err := wholefile.Create(path, []byte(base64.StdEncoding.EncodeToString(secret)))
	if errors.Is(err, os.ErrExist) {
		// Another process was quicker.
		return nil
	}
	return err
}

func readSettings(path string) (map[string]any, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	settings := map[string]any{}
	if err := yaml.Unmarshal(content, &settings); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return settings, nil
}

// copySettings keeps from an earlier copy how its secrets are encrypted, and leaves the named keys out.
func copySettings(from, to string, kept map[string]any, without ...string) error {
	settings, err := readSettings(from)
	if err != nil {
		return err
	}
	for _, key := range []string{"encryptionsalt", "secretsprovider", "encryptedkey"} {
		// A salt of the project's own encrypted the secrets that stand beside it.
		if _, own := settings[key]; own {
			continue
		}
		if value, ok := kept[key]; ok {
			settings[key] = value
		}
	}
	for _, key := range without {
		delete(settings, key)
	}
	content, err := yaml.Marshal(settings)
	if err != nil {
		return err
	}
	return wholefile.Write(to, content)
}

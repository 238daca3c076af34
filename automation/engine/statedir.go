package engine

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"

	"github.com/apigateway-ingress/apigateway-ingress/internal/wholefile"
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
	// The copy is beside the stack's file, and the program is this process.
	if err := copySettings(filepath.Join(p.Root, projectFile), filepath.Join(dir, projectFile), "main", "stackConfigDir"); err != nil {
		return "", err
	}
	return dir, copySettings(p.FileOf(p.Stack), filepath.Join(dir, stackFileName(p.Stack)))
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

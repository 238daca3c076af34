// Package wholefile writes files that must never be seen half written, whenever the process is killed.
package wholefile

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// Write makes a file have this content, readable by its owner alone. One that has it already is left as it is.
func Write(path string, content []byte) error {
	if known, err := os.ReadFile(path); err == nil && bytes.Equal(known, content) {
		return nil
	}
	return pending(path, content, (*renameio.PendingFile).CloseAtomicallyReplace)
}

// Create is Write for a file that nobody has made yet. When there is one, of whatever content, its error is
// os.ErrExist: of several processes one succeeds.
func Create(path string, content []byte) error {
	return pending(path, content, func(file *renameio.PendingFile) error {
		if err := file.Sync(); err != nil {
			return err
		}
		// Other than a rename, a link replaces nothing.
		return os.Link(file.Name(), path)
	})
}

// pending writes a file beside the one at path, and lets finish put it there.
func pending(path string, content []byte, finish func(*renameio.PendingFile) error) (err error) {
	// Not in the system's folder for temporary files: contents may be secret.
	file, err := renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)), renameio.WithStaticPermissions(0o600))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Cleanup()) }()
	if _, err := file.Write(content); err != nil {
		return err
	}
	return finish(file)
}

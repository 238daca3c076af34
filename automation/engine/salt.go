package engine

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
)

// CheckSalt says when a stack's file was encrypted with a passphrase that went with a removed state directory. The CLI would
// say that the passphrase is incorrect, and nobody knows the right one.
func CheckSalt(p *Project, stateDir string) error {
	if p.EncryptionSalt == "" || p.SecretsProvider != "" && p.SecretsProvider != "passphrase" {
		return nil
	}
	used, err := readSettings(filepath.Join(stateDir, "stacks", p.Stack, stackFileName(p.Stack)))
	if err == nil && used.text("encryptionsalt") == p.EncryptionSalt {
		// It was checked before; the check takes a second.
		return nil
	}
	passphrase, err := os.ReadFile(filepath.Join(stateDir, "passphrase"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err == nil && opens(strings.TrimSpace(string(passphrase)), p.EncryptionSalt) {
		return nil
	}
	return fmt.Errorf("%s has an encryptionsalt, but the passphrase that goes with it is not in %s: "+
		"that directory was removed, or it is another project's. Bring it back, or remove the line encryptionsalt from the file "+
		"and set its secrets anew, each with `pulumi config set --secret`", stackFileName(p.Stack), stateDir)
}

// opens says whether a passphrase is the one that made a salt, which holds a known word for this purpose: v1:SALT:v1:NONCE:WORD.
func opens(passphrase, state string) bool {
	parts := strings.SplitN(state, ":", 3)
	if len(parts) != 3 || parts[0] != "v1" {
		// A form that a newer CLI writes is the CLI's to judge.
		return true
	}
	salt, err := base64.StdEncoding.DecodeString(parts[1])
	if err != nil {
		return false
	}
	word, err := config.NewSymmetricCrypterFromPassphrase(passphrase, salt).DecryptValue(context.Background(), parts[2])
	return err == nil && word == "pulumi"
}

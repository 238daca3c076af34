// Package nginxprogram finds the NGINX of this machine that stands for the image's.
package nginxprogram

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/blang/semver"
)

// Variable names an NGINX instead of one that is found.
const Variable = "APIGW_INGRESS_NGINX"

// Find gives the path of the NGINX that Variable names, of the one beside this program, or of the system's.
func Find() (string, error) {
	if named := os.Getenv(Variable); named != "" {
		path, err := exec.LookPath(named)
		if err != nil {
			return "", fmt.Errorf("%s: %w", Variable, err)
		}
		return path, nil
	}
	var candidates []string
	if self, err := os.Executable(); err == nil {
		candidates = append(candidates, filepath.Join(filepath.Dir(self), "nginx"))
	}
	for _, candidate := range append(candidates, "nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx") {
		if path, err := exec.LookPath(candidate); err == nil {
			return path, nil
		}
	}
	return "", errors.New("nginx is not installed: run `make nginx`, or `sudo apt-get install nginx-light`")
}

// Version asks an NGINX for its version.
func Version(ctx context.Context, path string) (semver.Version, error) {
	// It answers on standard error.
	output, err := exec.CommandContext(ctx, path, "-v").CombinedOutput()
	if err != nil {
		return semver.Version{}, fmt.Errorf("%s -v: %w", path, err)
	}
	version, err := parse(string(output))
	if err != nil {
		return semver.Version{}, fmt.Errorf("%s -v: %w", path, err)
	}
	return version, nil
}

// parse reads what follows the name in "nginx version: nginx/1.30.6".
func parse(said string) (semver.Version, error) {
	_, version, found := strings.Cut(strings.TrimSpace(said), "nginx/")
	if !found {
		return semver.Version{}, fmt.Errorf("%q names no version", said)
	}
	version, _, _ = strings.Cut(version, " ")
	return semver.Parse(version)
}

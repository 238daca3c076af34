// Package routetest runs a real NGINX for the tests of routes.
package routetest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/internal/nginxprogram"
	"github.com/stretchr/testify/require"
)

// AcceptedByNGINX fails the test unless nginx -t accepts the configuration of a table.
func AcceptedByNGINX(t testing.TB, table *route.Table, config []byte) {
	t.Helper()
	nginx, err := nginxprogram.Find()
	require.NoError(t, err)
	dir := t.TempDir()
	addresses := map[string]string{}
	for _, b := range table.Backends() {
		addresses[fmt.Sprintf("%s:%d", b.Host(), b.Port)] = "127.0.0.1:80"
	}
	file := filepath.Join(dir, "nginx.conf")
	require.NoError(t, os.WriteFile(file, []byte(Relocate(string(config), dir, addresses)), 0o600))
	output, err := exec.Command(nginx, "-t", "-q", "-p", dir, "-e", "stderr", "-c", file).CombinedOutput()
	require.NoError(t, err, "%s\n%s", output, config)
}

// Relocate lets a configuration work outside of a pod: files go to dir, and backends, named host:port, to addresses.
func Relocate(config, dir string, addresses map[string]string) string {
	for name, address := range addresses {
		config = strings.ReplaceAll(config, "server "+name+";", "server "+address+";")
	}
	return strings.ReplaceAll(config, " /tmp/", " "+dir+"/")
}

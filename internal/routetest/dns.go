package routetest

import (
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/internal/clusterdns"
	"github.com/stretchr/testify/require"
)

// DNS answers for names that a test gives addresses.
type DNS struct {
	mu        sync.Mutex
	addresses map[string][]string
	// ResolverFile is for NGINX.
	ResolverFile string
}

// StartDNS runs until the test ends.
func StartDNS(t testing.TB) *DNS {
	t.Helper()
	connection, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, connection.Close()) })
	d := &DNS{addresses: map[string][]string{}, ResolverFile: filepath.Join(t.TempDir(), "resolver.conf")}
	require.NoError(t, os.WriteFile(d.ResolverFile, []byte("resolver "+connection.LocalAddr().String()+" valid=1s;\n"), 0o600))
	go clusterdns.Serve(connection, d.lookup)
	return d
}

// Set gives a name its addresses; with none there is no such name.
func (d *DNS) Set(name string, addresses ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.addresses[name] = addresses
}

func (d *DNS) lookup(name string) ([]string, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.addresses[name], len(d.addresses[name]) > 0
}

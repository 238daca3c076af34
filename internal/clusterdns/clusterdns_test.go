package clusterdns

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNamesHaveTheirAddresses(t *testing.T) {
	connection, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	defer connection.Close()
	known := map[string][]string{"one.default.svc.cluster.local": {"127.0.0.5"},
		"pods.default.svc.cluster.local": {"127.0.0.6", "127.0.0.7"}, "empty.default.svc.cluster.local": nil}
	go Serve(connection, func(name string) ([]string, bool) {
		addresses, found := known[name]
		return addresses, found
	})
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", connection.LocalAddr().String())
	}}
	ask := func(name string) ([]string, error) { return resolver.LookupHost(context.Background(), name) }
	for name, want := range known {
		if len(want) == 0 {
			continue
		}
		addresses, err := ask(name + ".")
		require.NoError(t, err)
		require.ElementsMatch(t, want, addresses)
	}
	for _, name := range []string{"two.default.svc.cluster.local.", "empty.default.svc.cluster.local."} {
		_, err = ask(name)
		var unknown *net.DNSError
		require.True(t, errors.As(err, &unknown) && unknown.IsNotFound, name)
	}
	_, err = answer([]byte("no query"), nil)
	require.Error(t, err)
}

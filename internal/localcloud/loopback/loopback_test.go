package loopback

import (
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func serve(t *testing.T) net.Addr {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	owned := Own(listener, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { _ = owned.Close() })
	go func() {
		for {
			connection, err := owned.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(connection, "hello")
			_ = connection.Close()
		}
	}()
	return owned.Addr()
}

func TestOwnerIsServed(t *testing.T) {
	connection, err := net.Dial("tcp", serve(t).String())
	require.NoError(t, err)
	require.NoError(t, connection.SetDeadline(time.Now().Add(10*time.Second)))
	text, err := io.ReadAll(connection)
	require.NoError(t, err)
	require.Equal(t, "hello", string(text))
}

// Another user's process gets nothing. Root may be anybody, so it can try.
func TestOthersAreNot(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("another user's process takes root to start")
	}
	bash, err := exec.LookPath("bash")
	require.NoError(t, err)
	address := serve(t)
	_, port, err := net.SplitHostPort(address.String())
	require.NoError(t, err)
	command := exec.Command(bash, "-c", "exec 3<>/dev/tcp/127.0.0.1/"+port+" && timeout 5 cat <&3")
	command.Dir = "/"
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, _ := command.CombinedOutput()
	require.NotContains(t, string(out), "hello")
}

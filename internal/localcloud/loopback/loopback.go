// Package loopback listens on this machine's loopback address for its owner's processes only: every user of a machine
// can connect to a loopback port, and the engine's protocol has no password.
package loopback

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// Owned is a listener that closes connections of other users' processes at once. Where the system does not tell whose
// a connection is, it admits everybody on the machine.
type Owned struct {
	net.Listener
	log *slog.Logger
}

// Own wraps a listener on a loopback address.
func Own(listener net.Listener, log *slog.Logger) *Owned { return &Owned{listener, log} }

// Accept waits for a connection of the owner's.
func (o *Owned) Accept() (net.Conn, error) {
	for {
		connection, err := o.Listener.Accept()
		if err != nil || runtime.GOOS != "linux" {
			return connection, err
		}
		uid, err := ownerOf(connection)
		if err == nil && (uid == os.Getuid() || uid == 0) {
			return connection, nil
		}
		o.log.Warn("connection of another user refused", "from", connection.RemoteAddr().String(), "uid", uid, "error", fmt.Sprint(err))
		// It may have gone away by itself.
		_ = connection.Close()
	}
}

// tables are where the kernel lists sockets with their owners: https://docs.kernel.org/networking/proc_net_tcp.html
var tables = []string{"/proc/net/tcp", "/proc/net/tcp6"}

// ownerOf finds the user whose process has the other end of a loopback connection.
func ownerOf(connection net.Conn) (int, error) {
	remote, okRemote := connection.RemoteAddr().(*net.TCPAddr)
	local, okLocal := connection.LocalAddr().(*net.TCPAddr)
	if !okRemote || !okLocal || !remote.IP.IsLoopback() || remote.IP.To4() == nil {
		return -1, fmt.Errorf("%s is not a loopback address", connection.RemoteAddr())
	}
	var problems []error
	for i, table := range tables {
		uid, err := search(table, encode(remote, i == 1), encode(local, i == 1))
		if err == nil {
			return uid, nil
		}
		problems = append(problems, err)
	}
	return -1, errors.Join(problems...)
}

// encode writes an address as the kernel does: the bytes of each word in the machine's order, in hexadecimal.
func encode(address *net.TCPAddr, mapped bool) string {
	word := func(b []byte) string {
		var native [4]byte
		binary.NativeEndian.PutUint32(native[:], binary.BigEndian.Uint32(b))
		return fmt.Sprintf("%08X", binary.BigEndian.Uint32(native[:]))
	}
	prefix := ""
	if mapped {
		prefix = word([]byte{0, 0, 0, 0}) + word([]byte{0, 0, 0, 0}) + word([]byte{0, 0, 0xff, 0xff})
	}
	return fmt.Sprintf("%s%s:%04X", prefix, word(address.IP.To4()), address.Port)
}

func search(table, local, remote string) (int, error) {
	file, err := os.Open(table)
	if err != nil {
		return -1, err
	}
	defer file.Close()
	const localColumn, remoteColumn, uidColumn = 1, 2, 7
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		columns := strings.Fields(scanner.Text())
		if len(columns) > uidColumn && columns[localColumn] == local && columns[remoteColumn] == remote {
			return strconv.Atoi(columns[uidColumn])
		}
	}
	return -1, errors.Join(fmt.Errorf("%s does not list %s", table, local), scanner.Err())
}

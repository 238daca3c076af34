package operation

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// closeInherited closes what this process was left open by whoever started it, other than standard input and output: a
// process that stays would hold a caller's locks and pipes for ever. This program's own files are closed on exec, and so
// told apart.
func closeInherited() {
	// Where there is no such folder, nothing is known of them.
	entries, _ := os.ReadDir("/dev/fd")
	for _, entry := range entries {
		fd, err := strconv.Atoi(entry.Name())
		if err != nil || fd <= unix.Stderr {
			continue
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 { //nolint:gosec // it is positive
			// It is nobody's here.
			_ = unix.Close(fd)
		}
	}
}

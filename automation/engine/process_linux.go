package engine

import "syscall"

// attributes put the CLI in a process group of its own, and let it stop cleanly when this program is killed.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGINT}
}

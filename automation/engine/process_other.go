//go:build !linux

package engine

import "syscall"

// attributes put the CLI in a process group of its own.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

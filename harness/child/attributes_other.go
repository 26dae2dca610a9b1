//go:build unix && !linux

package child

import "syscall"

// attributes have a child lead a process group of its own, so that the terminal's signals do not reach it. These systems
// do not tell it that its parent died; the end of its standard input does.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

package child

import "syscall"

// attributes have a child lead a process group of its own, so that the terminal's signals do not reach it, and have the
// kernel kill it when the thread that forked it ends.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

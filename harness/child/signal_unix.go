//go:build unix

package child

import "syscall"

// Stop stops the child, as a debugger or a starved host does: it does nothing until Continue.
func (p *Process) Stop() error { return p.cmd.Process.Signal(syscall.SIGSTOP) }

// Continue lets a stopped child go on.
func (p *Process) Continue() error { return p.cmd.Process.Signal(syscall.SIGCONT) }

//go:build !unix

package child

import (
	"errors"
	"syscall"
)

// attributes are none: the end of its standard input is all that tells a child of its parent's.
func attributes() *syscall.SysProcAttr { return nil }

var errUnsupported = errors.New("child: this system cannot stop a process")

// Stop is not possible on this system.
func (*Process) Stop() error { return errUnsupported }

// Continue is not possible on this system.
func (*Process) Continue() error { return errUnsupported }

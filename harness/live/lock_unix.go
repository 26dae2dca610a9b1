//go:build unix

package live

import (
	"os"
	"syscall"
)

// tryLock locks the file for this process, and reports false where another holds it. The lock ends with the process.
func tryLock(f *os.File) bool {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}

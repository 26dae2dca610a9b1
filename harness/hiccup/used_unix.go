//go:build unix

package hiccup

import (
	"time"

	"golang.org/x/sys/unix"
)

// used is the processor time that this process has used so far.
func used() (time.Duration, bool) {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0, false
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), true
}

package bubble

import (
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"time"
)

// stuckAfter is how long, on the machine's clock, a run may make no step before the test ends with what holds it up. It is long, since
// the machine may be slow.
var stuckAfter = 2 * time.Minute

// watch ends the process, with the reason, where the run makes no step for too long: a bubble that waits for what is not virtual
// cannot be left by any other way. The returned function ends the watch.
func watch(steps *atomic.Int64) (stop func()) {
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(stuckAfter / 4)
		defer tick.Stop()
		last, since := steps.Load(), time.Now()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			if now := steps.Load(); now != last {
				last, since = now, time.Now()
			} else if time.Since(since) >= stuckAfter {
				panic(stuck(allStacks()))
			}
		}
	}()
	return func() { close(done) }
}

func allStacks() string {
	for size := 1 << 20; ; size *= 2 {
		buf := make([]byte, size)
		if n := runtime.Stack(buf, true); n < size {
			return string(buf[:n])
		}
	}
}

// reasons are what a goroutine in such a state waits for, and what to do about it.
var reasons = []struct{ state, why string }{
	{"sync.Mutex.Lock", "it waits for a mutex, whose holder waits for the database or the cloud. A bubble cannot tell that from work: " +
		"hold no mutex across a statement or a call"},
	{"sync.RWMutex", "it waits for a mutex, whose holder waits for the database or the cloud. A bubble cannot tell that from work: " +
		"hold no mutex across a statement or a call"},
	{"IO wait", "it waits for a real connection: make it by Env.Dial or Env.HTTP"},
	{"syscall", "it waits for the system, such as for a file or a process"},
	{"chan ", "it waits for a goroutine outside of the bubble, such as one that a package starts when it is loaded"},
	{"select", "it waits for a goroutine outside of the bubble, such as one that a package starts when it is loaded"},
	{"running", "it computes without end, or for longer than the limit"},
	{"runnable", "it computes without end, or for longer than the limit"},
}

// stuck says what holds a run up, by the stacks of all goroutines.
func stuck(stacks string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "bubble: the run has made no step for %v of real time. Virtual time stands still while a goroutine of the controller waits for "+
		"something that is not virtual:\n", stuckAfter)
	for g := range strings.SplitSeq(stacks, "\n\n") {
		head, _, _ := strings.Cut(g, "\n")
		if !strings.Contains(head, "synctest bubble") || strings.Contains(head, "(durable)") {
			continue
		}
		for _, r := range reasons {
			if strings.Contains(head, "["+r.state) {
				fmt.Fprintf(&b, "\n%s.\n%s\n", r.why, g)
				break
			}
		}
	}
	return b.String()
}

// Package await has tests wait for progress and not for time: for something that can be asked for again and again, or for
// something that is sent. How long that takes is the machine's business. [Hang] only ends a test that would hang.
package await

import (
	"testing"
	"time"
)

// Hang is after how long something is taken never to happen: far longer than it takes on any machine that does anything at all.
const Hang = 3 * time.Minute

// step is how long it waits between two tries.
const step = 5 * time.Millisecond

// Until waits until something is so. It ends the test where that does not happen: what says what was waited for.
func Until(t testing.TB, what string, so func() bool) {
	t.Helper()
	UntilNothing(t, func() string {
		if so() {
			return ""
		}
		return "still waiting for " + what
	})
}

// UntilNothing waits until nothing is missing any more. It ends the test with what is missing where that does not happen.
func UntilNothing(t testing.TB, missing func() string) {
	t.Helper()
	tick := time.NewTicker(step)
	defer tick.Stop()
	giveUp := time.NewTimer(Hang)
	defer giveUp.Stop()
	for {
		text := missing()
		if text == "" {
			return
		}
		select {
		case <-tick.C:
		case <-giveUp.C:
			t.Fatalf("after %s: %s", Hang, text)
		}
	}
}

// Receive waits for a value. It ends the test where none comes.
func Receive[T any](t testing.TB, what string, from <-chan T) T {
	t.Helper()
	giveUp := time.NewTimer(Hang)
	defer giveUp.Stop()
	select {
	case v := <-from:
		return v
	case <-giveUp.C:
		t.Fatalf("after %s: still waiting for %s", Hang, what)
		panic("unreachable")
	}
}

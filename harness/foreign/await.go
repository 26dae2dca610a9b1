package foreign

import (
	"context"
	"time"
)

// Await is [Open] for a target that may only be starting: it tries again until the preflight passes, or the time is over. Its
// error is then that of the last try.
func Await(ctx context.Context, t Target, wait time.Duration) (*Session, error) {
	for giveUp := time.Now().Add(wait); ; {
		s, err := Open(ctx, t)
		if err == nil || time.Now().After(giveUp) || !sleep(ctx, awaitEvery) {
			return s, err
		}
	}
}

// awaitEvery is how often a target is looked for that is not there.
const awaitEvery = 250 * time.Millisecond

package main

import (
	"context"
	"time"
)

// limit returns a context that is over once this process has used so much processor time, or, where wall is set, that much
// time has passed: what is done by other processes is not counted in ours.
func limit(ctx context.Context, budget time.Duration, wall bool) (context.Context, context.CancelFunc) {
	limited, stop := context.WithCancel(ctx)
	now := func() time.Duration { return processorTime() }
	if began := time.Now(); wall || processorTime() == 0 {
		now = func() time.Duration { return time.Since(began) }
	}
	until := now() + budget
	go func() {
		for limited.Err() == nil {
			if now() >= until {
				stop()
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	return limited, stop
}

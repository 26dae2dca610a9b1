package live

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Whoever still runs may start others while their end is waited for; the race detector watches.
func TestTasks(t *testing.T) {
	t.Parallel()
	var all tasks
	var running, started atomic.Int32
	var starters sync.WaitGroup
	for range 4 {
		starters.Go(func() {
			for range 200 {
				all.Go(func() {
					started.Add(1)
					running.Add(1)
					time.Sleep(50 * time.Microsecond) // sleeps: so that some run when their end is waited for
					running.Add(-1)
				})
			}
		})
	}
	for started.Load() < 10 {
		time.Sleep(time.Microsecond) // sleeps: between two looks
	}
	all.Wait()
	if n := running.Load(); n != 0 {
		t.Errorf("%d run on", n)
	}
	starters.Wait()
	before := started.Load()
	all.Go(func() { started.Add(1) })
	all.Wait()
	if started.Load() != before {
		t.Error("one was started after the end")
	}
}

func TestDrainIsPatientForAWhile(t *testing.T) {
	t.Parallel()
	var all tasks
	let := make(chan struct{})
	all.Go(func() { <-let })
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond) // short: it expires
	defer cancel()
	all.drain(ctx)
	close(let)
	all.Wait()
}

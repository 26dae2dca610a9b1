package live

import (
	"context"
	"sync"
)

// tasks are goroutines that go on for no longer than something else. In contrast to a sync.WaitGroup, they may be started
// by whoever still runs while others wait for their end already: nothing is started then.
type tasks struct {
	mu      sync.Mutex
	running int
	closed  bool
	idle    chan struct{} // closed when the last has ended, once no other is started
}

// Go starts one, unless nothing is started any more.
func (t *tasks) Go(do func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	t.running++
	go func() {
		defer t.end()
		do()
	}()
}

func (t *tasks) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running--; t.running == 0 && t.closed {
		close(t.idle)
	}
}

// close has nothing be started any more, and returns a channel that is closed when all have ended.
func (t *tasks) close() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		t.closed, t.idle = true, make(chan struct{})
		if t.running == 0 {
			close(t.idle)
		}
	}
	return t.idle
}

// Wait has nothing be started any more, and waits for the end of all.
func (t *tasks) Wait() { <-t.close() }

// drain is Wait, until ctx is done.
func (t *tasks) drain(ctx context.Context) {
	select {
	case <-t.close():
	case <-ctx.Done():
	}
}

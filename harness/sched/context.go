package sched

import (
	"context"
	"time"
)

// deadline is a context that ends on virtual time.
type deadline struct {
	context.Context //nolint:containedctx // it is one
	sched           *Scheduler
	at              time.Duration
	done            chan struct{}
	err             error
}

// WithTimeout is context.WithTimeout on virtual time: Err turns non-nil when the time comes, and Done closes then. Its
// Deadline is virtual too, so it must not reach code that compares it with the machine's clock.
func (s *Scheduler) WithTimeout(parent context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	c := &deadline{Context: parent, sched: s, at: s.now + d, done: make(chan struct{})}
	end := func(err error) {
		if c.err == nil {
			c.err = err
			close(c.done)
		}
	}
	s.After(d, func() { end(context.DeadlineExceeded) })
	return c, func() { end(context.Canceled) }
}

// Deadline implements context.Context.
func (c *deadline) Deadline() (time.Time, bool) { return Epoch.Add(c.at), true }

// Done implements context.Context.
func (c *deadline) Done() <-chan struct{} { return c.done }

// Err implements context.Context.
func (c *deadline) Err() error {
	if err := c.Context.Err(); err != nil {
		return err
	}
	return c.err
}

// Remaining is how long the context has on virtual time, or Forever where it has no virtual deadline.
func Remaining(ctx context.Context) time.Duration {
	c, ok := ctx.(*deadline)
	if !ok {
		if c, ok = ctx.Value(deadlineKey{}).(*deadline); !ok { // others have put their own around it
			return Forever
		}
	}
	return min(c.at-c.sched.now, Remaining(c.Context))
}

// deadlineKey is what a context's innermost virtual deadline is found by.
type deadlineKey struct{}

// Value implements context.Context.
func (c *deadline) Value(key any) any {
	if key == (deadlineKey{}) {
		return c
	}
	return c.Context.Value(key)
}

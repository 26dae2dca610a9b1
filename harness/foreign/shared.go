package foreign

import (
	"context"
	"time"

	"github.com/bootrace/bootrace/harness/history"
)

// shared is what one call shows to all plans that are played at a time: what one has asked for, others need not ask for again.
type shared[T any] struct {
	turn  chan struct{} // holds one: one call at a time
	asked time.Time     // when the last call was made that was answered
	last  T
}

func newShared[T any]() *shared[T] { return &shared[T]{turn: make(chan struct{}, 1)} }

// read returns what the call shows, and when that was asked for, which is no earlier than since.
func (s *shared[T]) read(ctx context.Context, since time.Time, call func(context.Context) (T, error)) (T, time.Time, error) {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		var none T
		return none, time.Now(), ctx.Err()
	}
	defer func() { <-s.turn }()
	if !s.asked.IsZero() && !s.asked.Before(since) {
		return s.last, s.asked, nil
	}
	asked := time.Now()
	got, err := call(ctx)
	if err == nil {
		s.asked, s.last = asked, got
	}
	return got, asked, err
}

// at is the time in the world's history; what was before it, was at its start.
func (w *world) at(t time.Time) history.Time {
	return history.Time(max(t.Sub(w.began), time.Microsecond))
}

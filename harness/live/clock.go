package live

import (
	"sync/atomic"
	"time"
)

// clock tells the contract's time, which is the wall clock's since the start, times the speed. Until it is started, that is
// zero.
type clock struct {
	speed float64
	start atomic.Int64 // in nanoseconds since 1970
}

// begin starts the clock.
func (c *clock) begin() { c.start.Store(time.Now().UnixNano()) }

// begun reports whether the clock was started.
func (c *clock) begun() bool { return c.start.Load() > 0 }

// at is the contract's time of a moment. Nothing happens before the start.
func (c *clock) at(t time.Time) time.Duration {
	// Wall clock readings and not the monotonic clock's, since those of other processes and of the database have no other.
	start := c.start.Load()
	if start == 0 {
		return 0
	}
	return max(0, time.Duration(float64(t.UnixNano()-start)*c.speed).Truncate(time.Microsecond))
}

func (c *clock) now() time.Duration { return c.at(time.Now()) }

// wall is the moment of a contract's time.
func (c *clock) wall(d time.Duration) time.Time {
	return time.Unix(0, c.start.Load()).Add(c.real(d))
}

// real is how long something of the contract's takes on the wall clock.
func (c *clock) real(d time.Duration) time.Duration { return time.Duration(float64(d) / c.speed) }

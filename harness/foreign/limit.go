package foreign

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/bootrace/bootrace/harness/foreign/dialect"
	"github.com/bootrace/bootrace/harness/plan"
)

// limit is what is known of how often one may call the target.
type limit struct {
	mu      sync.Mutex
	minute  int       // calls that it allows in a minute, all callers from here together; 0 where it does not say
	left    int       // of them, as it said last
	until   time.Time // before which looks are put off: it had refused one
	refused int       // calls that it refused
	paced   bool      // a look was put off since waited was asked
}

// Headers by which servers tell their limits.
var limitHeaders = []struct{ limit, left string }{
	{"X-RateLimit-Limit", "X-RateLimit-Remaining"}, {"RateLimit-Limit", "RateLimit-Remaining"},
}

// note reads what an answer says of the limit.
func (l *limit) note(code int, h http.Header) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, name := range limitHeaders {
		if n, err := strconv.Atoi(h.Get(name.limit)); err == nil && n > 0 {
			l.minute = n
			if left, err := strconv.Atoi(h.Get(name.left)); err == nil {
				l.left = left
			}
		}
	}
	if code == http.StatusTooManyRequests {
		l.refused++
		l.until = time.Now().Add(waitAsked(h.Get("Retry-After")))
	}
}

// defaultWait is how long is waited after a 429 that does not say.
const defaultWait = 5 * time.Second

// longestWait is the longest that is waited, whatever it says.
const longestWait = 2 * time.Minute

func waitAsked(retryAfter string) time.Duration {
	if n, err := strconv.Atoi(retryAfter); err == nil && n >= 0 {
		return min(time.Duration(n)*time.Second, longestWait)
	}
	if at, err := http.ParseTime(retryAfter); err == nil {
		return min(max(time.Until(at), 0), longestWait)
	}
	return defaultWait
}

// Limit is how many calls a minute the target allows, as it says itself; 0 where it does not say.
func (s *Session) Limit() int {
	s.client.limit.mu.Lock()
	defer s.client.limit.mu.Unlock()
	return s.client.limit.minute
}

// spared is how much of the limit is kept for agents: what looks at statuses may not use up.
const spared = 4

// pace waits until a look may be made: agents' calls come first.
func (l *limit) pace(ctx context.Context) bool {
	for {
		l.mu.Lock()
		wait := time.Until(l.until)
		if wait <= 0 && l.minute > 0 && l.left < l.minute/spared {
			wait = time.Second
			l.left += max(l.minute/60, 1) // what a second gives back, until an answer says better
		}
		l.mu.Unlock()
		if wait <= 0 {
			return true
		}
		l.mu.Lock()
		l.paced = true
		l.mu.Unlock()
		if !sleep(ctx, wait) {
			return false
		}
	}
}

// waited reports whether a look was put off since it was last asked.
func (l *limit) waited() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	paced := l.paced
	l.paced = false
	return paced
}

// patient is operate, which waits out a limit on how often one may call.
func (c *client) patient(ctx context.Context, name, id string) (dialect.Answer, error) {
	for {
		r, err := c.operate(ctx, name, id)
		if err != nil || r.Code != http.StatusTooManyRequests {
			return r, err
		}
		if !sleep(ctx, waitAsked(r.RetryAfter)) {
			return r, ctx.Err()
		}
	}
}

// Load is how many calls the plan makes in its busiest minute: its workspaces are created, register and beat.
func (s *Session) Load(p *plan.Plan) int64 {
	beats := float64(time.Minute) / float64(s.target.Heartbeat)
	return int64(float64(len(p.Workspaces)) * (2 + beats))
}

// Capacity is how many calls a minute may be planned: of the target's limit, what looks do not need.
func (s *Session) Capacity() int64 {
	limit := s.Limit()
	if limit == 0 {
		return math.MaxInt64
	}
	return int64(limit - limit/spared)
}

// TooMuch says why the plan cannot be played below the target's limit on calls, or nothing.
func (s *Session) TooMuch(p *plan.Plan) string {
	if load := s.Load(p); load > s.Capacity() {
		return fmt.Sprintf("it makes %d calls in its busiest minute, and the target allows %d (429 after that): raise its limit for the test", load, s.Limit())
	}
	return ""
}

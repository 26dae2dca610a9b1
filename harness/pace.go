package harness

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/bootrace/bootrace/harness/hiccup"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/runs"
)

// Pace is how fast scenarios go on wall-clock time, and how many of them at a time. Where it adapts, it begins with what the
// machine has free, and goes slower when a run has been too slow to judge, and faster again when the machine keeps up.
type Pace struct {
	fastest float64 // speed
	slowest float64
	adapts  bool // the speed does
	most    int  // scenarios at a time
	fixed   bool // their number is

	mu    sync.Mutex
	speed float64
	began float64 // the speed that it began with
	jobs  int
	busy  int
	held  float64 // the highest speed at which a scenario could be judged
	freed chan struct{}
	free  float64 // the share of the machine that was free at the start
}

// Speeds and jobs of a pace that adapts.
const (
	probeFor    = 300 * time.Millisecond // how long the start looks at what is free
	slowestPart = 0.25                   // of the fastest speed
	retries     = 2                      // how often a run that was too slow to judge is made again, each at half the speed
	calm        = 0.1                    // the share of a run that a machine may lose and still be faster
)

// NewPace returns a pace. The speed is exact where exactly is set; otherwise it is the fastest.
func NewPace(speed float64, exactly bool, jobs int, exactJobs bool) *Pace {
	return &Pace{
		fastest: speed, slowest: speed * slowestPart, adapts: !exactly, most: max(jobs, 1), fixed: exactJobs, speed: speed, began: speed,
		jobs: max(jobs, 1), freed: make(chan struct{}), free: 1,
	}
}

// Measure looks at what the machine has free, and begins accordingly.
func (p *Pace) Measure() {
	if p.adapts || !p.fixed {
		p.begin(hiccup.Free(probeFor))
	}
}

// begin begins on a machine of which so much is free. That a suite needs about half of it is an assumption, which the runs correct.
func (p *Pace) begin(free float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = free
	part := min(1, max(0.75, 0.5+free))
	if p.adapts {
		p.speed = rounded(p.fastest * part)
		p.began = p.speed
	}
	if !p.fixed {
		p.jobs = max(1, int(math.Round(float64(p.most)*part)))
	}
}

// rounded is a speed that is easy to say.
func rounded(speed float64) float64 {
	if speed < 10 {
		return max(1, math.Round(speed*2)/2)
	}
	return math.Round(speed)
}

// Speed is how fast the next scenario goes, and Free which share of the machine was free at the start.
func (p *Pace) Speed() (speed, free float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.speed, p.free
}

// acquire waits until another scenario may be played.
func (p *Pace) acquire(ctx context.Context) error {
	for {
		p.mu.Lock()
		if p.busy < p.jobs {
			p.busy++
			p.mu.Unlock()
			return nil
		}
		freed := p.freed
		p.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// release notes that a scenario is over.
func (p *Pace) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy--
	p.wake()
}

func (p *Pace) wake() {
	close(p.freed)
	p.freed = make(chan struct{})
}

// tooSlow reports whether the machine is why nothing can be said of the outcome.
func tooSlow(o *Outcome) bool {
	return o.Fault == nil && o.Judgement.Verdict == invariant.Inconclusive && o.Judgement.Slow != nil && o.Judgement.Slow.Decides
}

// played learns from an outcome, which was played at the speed.
func (p *Pace) played(o *Outcome, speed float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if o.Fault != nil {
		return
	}
	lost := 0.0
	if o.Judgement.Slow != nil {
		lost = o.Judgement.Slow.Lost
	}
	switch {
	case tooSlow(o):
		if p.adapts && speed <= p.speed {
			p.speed = max(p.slowest, rounded(p.speed*0.75))
		}
		if !p.fixed {
			p.jobs = max(1, p.jobs-1)
		}
	case lost < calm:
		p.held = max(p.held, speed)
		if p.adapts && speed >= p.speed {
			p.speed = min(p.fastest, rounded(p.speed*1.25))
		}
		if !p.fixed && p.jobs < p.most {
			p.jobs++
			p.wake()
		}
	default:
		p.held = max(p.held, speed)
		if p.adapts && speed >= p.speed { // it was fast enough, on a machine that is slow: not faster than it began
			p.speed = max(p.speed, min(p.began, rounded(p.speed*1.1)))
		}
	}
}

// slower is the speed at which a run is made again, after it was too slow to judge at the one that is given.
func slower(speed float64) float64 { return rounded(speed / 2) }

// Summary says how the pace went, for the run.
func (p *Pace) Summary() *runs.Pace {
	p.mu.Lock()
	defer p.mu.Unlock()
	return &runs.Pace{Asked: p.fastest, Exact: !p.adapts, Free: p.free, Holds: p.held, Last: p.speed, Jobs: p.jobs}
}

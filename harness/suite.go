package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/bootrace/bootrace/controller/defects"
	"github.com/bootrace/bootrace/harness/live"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/runs"
	"github.com/bootrace/bootrace/harness/sim"
	"github.com/bootrace/bootrace/harness/stores"
)

// Suite is a number of plans to be played against one controller.
type Suite struct {
	Plans  []*plan.Plan
	Source stores.Source
	// Live has the plans carried out on wall-clock time, instead of in the simulated world on the source's stores. They must
	// be plans of package live's, and possible there.
	Live *live.Options
	// Pace is how fast they go then, and how many at a time; their own speed and Jobs are asked only where it is nil.
	Pace *Pace
	// LeftOut are the scenarios that are not played, and why.
	LeftOut []runs.LeftOut
	Defect  *defects.Defect // nil for the reference controller as it is
	Seed    uint64
	Version string
	Began   time.Time
	// Parent is where the run's folder is made; empty to keep nothing.
	Parent string
	// Jobs is how many plans are played at a time; each is played by itself, so this changes no history.
	Jobs int
	// Progress is told of every result, in the order of the plans.
	Progress func(*runs.Result)
	// Over, where it is set, is told of every plan that is over as soon as it is, in no order and by several at a time.
	Over func(*plan.Plan)

	playLive func(context.Context, *plan.Plan, live.Options) *Outcome // PlayLive; tests have another
}

// Run plays the plans and returns the run. When ctx is cancelled it ends after the plans that are being played; the run
// then says that it was interrupted. An error means that the run could not be kept.
func (s Suite) Run(ctx context.Context) (*runs.Run, error) {
	r := &runs.Run{
		Form: runs.Form, Began: s.Began, Version: s.Version, Seed: s.Seed, LeftOut: s.LeftOut,
	}
	if s.Live != nil {
		if s.Pace == nil {
			speed := 1.0
			if len(s.Plans) > 0 {
				speed = s.Plans[0].Live.Speed
			}
			s.Pace = NewPace(speed, true, s.Jobs, true)
		}
		r.World, r.Store, r.Server = "live", "postgres", s.Live.Postgres.Describe()
	} else {
		r.World, r.Store, r.Server = "sim", s.Source.Name(), s.Source.Describe()
	}
	if s.Defect != nil {
		r.Defect = s.Defect.Name
	}
	if s.Parent != "" {
		if err := r.Create(s.Parent); err != nil {
			return nil, err
		}
	}
	playing, stop := context.WithCancel(ctx)
	defer stop()
	var lost error
	for _, o := range s.play(playing) {
		outcome := <-o
		switch {
		case lost != nil:
			continue // those that are under way have to end before what they use is taken from them
		case outcome == nil || ctx.Err() != nil && errors.Is(outcome.Fault, ctx.Err()):
			r.Interrupted = true
			continue
		}
		x := r.Add(runs.Played{
			Plan: outcome.Plan, History: outcome.History, Digest: outcome.Digest, Judgement: outcome.Judgement,
			Wall: outcome.Wall, Tries: outcome.Tries, Fault: outcome.Fault,
		})
		if s.Parent != "" {
			if lost = r.SaveHistory(x); lost != nil {
				stop()
				continue
			}
		}
		if s.Progress != nil {
			s.Progress(x)
		}
	}
	if lost != nil {
		return nil, lost
	}
	r.Wall = time.Since(s.Began)
	if s.Pace != nil {
		r.Pace = s.Pace.Summary()
	}
	if s.Parent == "" {
		return r, nil
	}
	return r, r.Save()
}

// play plays the plans, Jobs at a time, and returns where each outcome will come, in the order of the plans.
func (s Suite) play(ctx context.Context) []chan *Outcome {
	outcomes := make([]chan *Outcome, len(s.Plans))
	for i := range outcomes {
		outcomes[i] = make(chan *Outcome, 1)
	}
	next := make(chan int, len(s.Plans))
	for _, i := range s.order() {
		next <- i
	}
	close(next)
	load := semaphore.NewWeighted(int64(liveLoad * runtime.NumCPU()))
	var workers sync.WaitGroup
	jobs := max(s.Jobs, 1)
	if s.Pace != nil {
		jobs = s.Pace.most
	}
	for range jobs {
		workers.Go(func() {
			for i := range next {
				if ctx.Err() != nil {
					outcomes[i] <- nil
					continue
				}
				o := s.one(ctx, s.Plans[i], load)
				if o == nil {
					outcomes[i] <- nil
					continue
				}
				if s.Over != nil {
					s.Over(s.Plans[i])
				}
				outcomes[i] <- o
			}
		})
	}
	return outcomes
}

// liveLoad is how many workspaces a core takes at a time on wall-clock time. Past that, processes wait for one another, and
// what a plan makes happen comes late. Measured.
const liveLoad = 48

// order is the order in which plans begin to be played. On wall-clock time the largest go first, and then the longest, so
// that none begins when all others are over.
func (s Suite) order() []int {
	order := make([]int, len(s.Plans))
	for i := range order {
		order[i] = i
	}
	if s.Live != nil {
		most := liveLoad * runtime.NumCPU()
		slices.SortStableFunc(order, func(a, b int) int {
			p, q := s.Plans[a], s.Plans[b]
			return cmp.Or(cmp.Compare(len(q.Workspaces)/most, len(p.Workspaces)/most), cmp.Compare(q.Duration, p.Duration))
		})
	}
	return order
}

// one plays one plan; it returns nil where ctx is done before it comes to that.
func (s Suite) one(ctx context.Context, p *plan.Plan, load *semaphore.Weighted) *Outcome {
	if s.Live == nil {
		return Play(ctx, p, s.Source, sim.Reference(s.Defect), nil)
	}
	speed, _ := s.Pace.Speed()
	o := s.live(ctx, p, speed, load, int64(len(p.Workspaces)))
	var tries []runs.Try
	for s.Pace.adapts && o != nil && tooSlow(o) && len(tries) < retries && speed > 1 {
		tries = append(tries, runs.Try{Speed: speed, Slow: o.Judgement.Slow})
		speed = slower(speed)
		// By itself: what was too slow beside others is not made again beside them.
		o = s.live(ctx, p, speed, load, int64(liveLoad*runtime.NumCPU()))
	}
	if o != nil {
		o.Tries = tries
	}
	return o
}

// live plays one plan at the speed, as soon as there is room for it.
func (s Suite) live(ctx context.Context, p *plan.Plan, speed float64, load *semaphore.Weighted, weight int64) *Outcome {
	weight = min(weight, int64(liveLoad*runtime.NumCPU()))
	if s.Pace.acquire(ctx) != nil {
		return nil
	}
	defer s.Pace.release()
	if load.Acquire(ctx, weight) != nil {
		return nil
	}
	defer load.Release(weight)
	options := *s.Live
	options.Defect = s.Defect
	play := s.playLive
	if play == nil {
		play = PlayLive
	}
	o := play(ctx, live.Plan(p, speed), options)
	s.Pace.played(o, speed)
	return o
}

// Replayed is how a replay of a stored scenario compares.
type Replayed struct {
	Result  *runs.Result // as stored
	Outcome *Outcome     // as played now
}

// Same reports whether the replay took the same course, to the byte.
func (r Replayed) Same() bool { return r.Outcome.Fault == nil && r.Outcome.Digest == r.Result.Digest }

// Replay plays the stored plan of a result again, with the run's defect.
func Replay(ctx context.Context, r *runs.Run, x *runs.Result, source stores.Source) (Replayed, error) {
	var defect *defects.Defect
	if r.Defect != "" {
		var err error
		if defect, err = defects.Find(r.Defect); err != nil {
			return Replayed{}, fmt.Errorf("the run cannot be replayed: %w", err)
		}
	}
	return Replayed{x, Play(ctx, x.Plan, source, sim.Reference(defect), nil)}, nil
}

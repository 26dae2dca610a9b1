package harness

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/bootrace/bootrace/harness/foreign"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/runs"
)

// Foreign is a number of plans to be played against a controller that somebody else runs.
type Foreign struct {
	Session *foreign.Session
	Plans   []*plan.Plan // of the session's target: see foreign.Target.Fit
	Seed    uint64
	Version string
	Began   time.Time
	// LeftOut are the scenarios that the target cannot play, each with the reason.
	LeftOut []runs.LeftOut
	// Impossible are the scenarios whose race cannot take place with the target's times: they are inconclusive, and not played.
	Impossible []*foreign.Impossible
	// Parent is where the run's folder is made; empty to keep nothing.
	Parent string
	// Jobs is how many plans are played at a time.
	Jobs int
	// Before is an earlier run of the same target and seed that did not come to its end: what it has judged is taken over, and
	// only the rest is played.
	Before *runs.Run
	// Progress is told of every result, in the order of the plans.
	Progress func(*runs.Result)
}

// foreignPlay is what came of one plan.
type foreignPlay struct {
	history *history.History
	wall    time.Duration
	err     error
}

// Run plays the plans and returns the run. When ctx is cancelled, the run says that it was interrupted. Where the target is gone,
// the plan that was played then and those after it are inconclusive with the reason, and what was judged before stays. The run is
// kept from its beginning on, so that one that ends in any way leaves what it had judged, and the mark of what it created. An error
// means that the run could not be kept.
func (f Foreign) Run(ctx context.Context) (*runs.Run, error) {
	t := f.Session.Target()
	r := &runs.Run{
		Form: runs.Form, Began: f.Began, Version: f.Version, Seed: f.Seed, World: runs.Foreign, Store: "target's own",
		Server: t.Describe(), Target: t.Name, LeftOut: f.LeftOut, Mark: t.Run,
	}
	if f.Parent != "" {
		if err := r.Create(f.Parent); err != nil {
			return nil, err
		}
		if err := r.Save(); err != nil {
			return nil, err
		}
	}
	for _, no := range f.Impossible {
		x := runs.Played{Plan: no.Plan, History: &history.History{}, Judgement: &invariant.Judgement{Verdict: invariant.Inconclusive, Doubts: []string{no.Why}}}
		x.Digest = x.History.Digest()
		if err := f.keep(r, r.Add(x)); err != nil {
			return nil, err
		}
	}
	plans, err := f.takeOver(r)
	if err != nil {
		return nil, err
	}
	playing, stop := context.WithCancel(ctx)
	defer stop()
	var lost, gone error
	for i, played := range f.play(playing, plans) {
		o := <-played
		x := runs.Played{Plan: plans[i], History: o.history, Judgement: &invariant.Judgement{Verdict: invariant.Inconclusive}, Wall: o.wall}
		switch {
		case lost != nil:
			continue // those under way have to end, and clean up behind them
		case o.err != nil && ctx.Err() != nil:
			r.Interrupted = true
			continue
		case o.err != nil && gone == nil:
			gone = o.err
			stop()
			x.Judgement.Doubts = []string{o.err.Error()}
		case gone != nil:
			x.Judgement.Doubts = []string{"it was not played to its end: " + gone.Error()}
		default:
			x.Judgement = invariant.Judge(plans[i], o.history)
		}
		if gone != nil && !errors.Is(gone, foreign.ErrShutOut) {
			x.Fault = errors.New(x.Judgement.Doubts[0])
		}
		if x.History == nil {
			x.History = &history.History{}
		}
		x.Digest = x.History.Digest()
		if lost = f.keep(r, r.Add(x)); lost != nil {
			stop()
		}
	}
	r.Wall = time.Since(f.Began)
	switch {
	case lost != nil:
		return nil, lost
	case r.Folder() == "":
		return r, nil
	}
	return r, r.Save()
}

// keep keeps what came of a plan.
func (f Foreign) keep(r *runs.Run, x *runs.Result) error {
	if f.Parent != "" {
		if err := r.SaveHistory(x); err != nil {
			return err
		}
		if err := r.Save(); err != nil {
			return err
		}
	}
	if f.Progress != nil {
		f.Progress(x)
	}
	return nil
}

// takeOver takes what an earlier run has judged into this one, and returns the plans that are left to be played.
func (f Foreign) takeOver(r *runs.Run) ([]*plan.Plan, error) {
	if f.Before == nil {
		return f.Plans, nil
	}
	done := map[string]bool{}
	for _, x := range f.Before.Results {
		if x.Fault != "" || x.Events == 0 {
			continue
		}
		h, err := f.Before.History(x)
		if err != nil {
			return nil, err
		}
		done[x.Scenario] = true
		again := r.Add(runs.Played{Plan: x.Plan, History: h, Digest: x.Digest, Judgement: x.Judgement, Wall: x.Wall})
		if err := f.keep(r, again); err != nil {
			return nil, err
		}
	}
	var left []*plan.Plan
	for _, p := range f.Plans {
		if !done[p.Name] {
			left = append(left, p)
		}
	}
	return left, nil
}

// play plays the plans, Jobs at a time, and returns where what comes of each will come, in the order of the plans. Where the target
// limits how often one may call, no more is played at a time than keeps below that.
func (f Foreign) play(ctx context.Context, plans []*plan.Plan) []chan foreignPlay {
	all := make([]chan foreignPlay, len(plans))
	next := make(chan int, len(plans))
	for i := range all {
		all[i] = make(chan foreignPlay, 1)
		next <- i
	}
	close(next)
	most := f.Session.Capacity()
	load := semaphore.NewWeighted(most)
	var workers sync.WaitGroup
	for range max(f.Jobs, 1) {
		workers.Go(func() {
			for i := range next {
				weight := min(f.Session.Load(plans[i]), most)
				if err := load.Acquire(ctx, weight); err != nil {
					all[i] <- foreignPlay{err: err}
					continue
				}
				began := time.Now()
				h, err := f.Session.Play(ctx, plans[i])
				load.Release(weight)
				all[i] <- foreignPlay{h, time.Since(began), err}
			}
		})
	}
	return all
}

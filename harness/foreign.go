package harness

import (
	"context"
	"sync"
	"time"

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
	// Parent is where the run's folder is made; empty to keep nothing.
	Parent string
	// Jobs is how many plans are played at a time.
	Jobs int
	// Progress is told of every result, in the order of the plans.
	Progress func(*runs.Result)
}

// foreignPlay is what came of one plan.
type foreignPlay struct {
	history *history.History
	wall    time.Duration
	err     error
}

// Run plays the plans and returns the run. When ctx is cancelled, the run says that it was interrupted. An error means that
// nothing can be said of the target, and names the call that failed, or that the run could not be kept.
func (f Foreign) Run(ctx context.Context) (*runs.Run, error) {
	t := f.Session.Target()
	r := &runs.Run{
		Form: runs.Form, Began: f.Began, Version: f.Version, Seed: f.Seed, World: runs.Foreign, Store: "target's own",
		Server: t.Describe(), Target: t.Name, LeftOut: f.LeftOut,
	}
	playing, stop := context.WithCancel(ctx)
	defer stop()
	var failed error
	for i, played := range f.play(playing) {
		o := <-played
		switch {
		case failed != nil:
			continue // those under way have to end, and clean up behind them
		case o.err != nil && ctx.Err() != nil:
			r.Interrupted = true
			continue
		case o.err != nil:
			failed = o.err
			stop()
			continue
		}
		if f.Parent != "" && r.Folder() == "" {
			if failed = r.Create(f.Parent); failed != nil {
				stop()
				continue
			}
		}
		x := r.Add(runs.Played{
			Plan: f.Plans[i], History: o.history, Digest: o.history.Digest(), Judgement: invariant.Judge(f.Plans[i], o.history), Wall: o.wall,
		})
		if f.Parent != "" {
			if failed = r.SaveHistory(x); failed != nil {
				stop()
				continue
			}
		}
		if f.Progress != nil {
			f.Progress(x)
		}
	}
	r.Wall = time.Since(f.Began)
	switch {
	case failed != nil:
		return nil, failed
	case r.Folder() == "":
		return r, nil
	}
	return r, r.Save()
}

// play plays the plans, Jobs at a time, and returns where what comes of each will come, in the order of the plans.
func (f Foreign) play(ctx context.Context) []chan foreignPlay {
	all := make([]chan foreignPlay, len(f.Plans))
	next := make(chan int, len(f.Plans))
	for i := range all {
		all[i] = make(chan foreignPlay, 1)
		next <- i
	}
	close(next)
	var workers sync.WaitGroup
	for range max(f.Jobs, 1) {
		workers.Go(func() {
			for i := range next {
				if ctx.Err() != nil {
					all[i] <- foreignPlay{err: ctx.Err()}
					continue
				}
				began := time.Now()
				h, err := f.Session.Play(ctx, f.Plans[i])
				all[i] <- foreignPlay{h, time.Since(began), err}
			}
		})
	}
	return all
}

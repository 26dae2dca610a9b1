package harness

import (
	"context"
	"fmt"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/live"
	"github.com/bootrace/bootrace/harness/oracle"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/runs"
	"github.com/bootrace/bootrace/harness/sim"
	"github.com/bootrace/bootrace/harness/stores"
)

// Outcome is one plan, played and judged.
type Outcome struct {
	Plan      *plan.Plan
	History   *history.History
	Digest    string
	Judgement *invariant.Judgement
	Wall      time.Duration
	// Tries are runs of the plan before this one, at higher speeds, at which this machine was too slow to judge it.
	Tries []runs.Try
	// Meetings are the moves that happened while somebody else's tick was at work.
	Meetings []sim.Meeting
	// Steps is how many steps into the store a turn of each tick made at most, of those that made several.
	Steps map[string]int
	// Fault is why the harness itself failed, so that nothing can be said; nil where it did not.
	Fault error
}

// Verdict is the outcome in a word: a fault of the harness proves nothing.
func (o *Outcome) Verdict() invariant.Verdict {
	if o.Fault != nil {
		return invariant.Inconclusive
	}
	return o.Judgement.Verdict
}

// Play plays the plan in the simulated world on a fresh store of the source, and judges what happened. The oracle is
// nil for the one that the plan's seed determines.
func Play(ctx context.Context, p *plan.Plan, source stores.Source, target sim.Target, choices oracle.Oracle) *Outcome {
	o := play(ctx, p, source, target, choices, nil)
	o.Digest = o.History.Digest()
	return o
}

// play is Play without the digest, which whoever plays thousands of plans does not look at, and with room for the history:
// see [sim.Options].
func play(ctx context.Context, p *plan.Plan, source stores.Source, target sim.Target, choices oracle.Oracle, room []history.Event) *Outcome {
	began := time.Now()
	if by := target.JudgedBy(); by != nil && p.Contract == nil {
		p = p.Clone()
		p.Contract = by
	}
	if target.Fit != nil {
		p = target.Fit(p)
	}
	o := &Outcome{Plan: p, History: &history.History{}}
	drop := func() error { return nil }
	h, err := sim.Run(p, sim.Options{
		Target: target, Oracle: choices, Room: room, Meet: func(m sim.Meeting) { o.Meetings = append(o.Meetings, m) },
		Turned: func(tick string, steps int) {
			if o.Steps == nil {
				o.Steps = map[string]int{}
			}
			o.Steps[tick] = max(o.Steps[tick], steps)
		},
		Open: func(table *lifecycle.Table, observe func(store.RowChange)) (store.Store, error) {
			s, d, err := source.Open(ctx, table, observe)
			if err == nil {
				drop = d
			}
			return s, err
		},
	})
	if h != nil {
		o.History = h
	}
	if dropErr := drop(); err == nil && dropErr != nil {
		err = fmt.Errorf("dropping the run's store: %w", dropErr)
	}
	o.Fault = err
	o.Judgement = invariant.Judge(p, o.History)
	o.Wall = time.Since(began)
	return o
}

// PlayLive carries the plan out on wall-clock time, and judges what happened. The plan is one of [live.Plan]'s.
func PlayLive(ctx context.Context, p *plan.Plan, options live.Options) *Outcome {
	began := time.Now()
	o := &Outcome{Plan: p, History: &history.History{}}
	h, err := live.Run(ctx, p, options)
	if h != nil {
		o.History = h
	}
	o.Digest, o.Fault = o.History.Digest(), err
	o.Judgement = invariant.Judge(p, o.History)
	o.Wall = time.Since(began)
	return o
}

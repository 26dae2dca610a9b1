package harness

import (
	"cmp"
	"context"
	"sync"
	"sync/atomic"

	"github.com/bootrace/bootrace/harness/generate"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/plan"
)

// round is how many plans a search draws at a time, by what had been reached before. It does not depend on Jobs, so that the same plans
// are drawn however many are played at a time.
const round = 16

// aimEvery is how many checks there are to one whose plan is drawn for a meeting that none has reached yet.
const aimEvery = 5

// check is one plan of a round.
type check struct {
	number   int // from 0
	plan     *plan.Plan
	strategy generate.Strategy
	outcome  *Outcome
	twice    bool  // it was played twice more
	course   error // a *Nondeterminism, where it took another course then
	room     []history.Event
}

// drawRound draws the next plans.
func (c Checking) drawRound(r *Checked, draw generate.Draw, checks []check) {
	aims := r.Coverage.Unreached()
	for i := range checks {
		k := check{number: r.Checks + i, room: checks[i].room}
		if o := checks[i].outcome; o != nil {
			k.room = o.History.Events // nobody keeps that history
		}
		k.strategy = c.Strategies.Turn(k.number)
		if c.Around != nil {
			if k.plan = c.Around; k.number > 0 {
				k.plan = generate.Near(draw, k.strategy, c.Around, cmp.Or(c.Distance, DefaultDistance))
			}
			k.plan.Cloud = c.Cloud
			checks[i] = k
			continue
		}
		if k.number%aimEvery == aimEvery-1 && len(aims) > 0 {
			k.plan = generate.Aimed(draw, k.strategy, aims[draw("aim", len(aims))])
		} else {
			k.plan = generate.Plan(draw, k.strategy)
		}
		k.plan.Cloud = c.Cloud
		checks[i] = k
	}
}

// playRound plays the plans, Jobs at a time, until one fails or the search is over, and returns how many it has played: those before
// the first that failed are among them.
func (c Checking) playRound(ctx context.Context, checks []check, over func() bool) int {
	var next atomic.Int64
	var first atomic.Int64 // that failed
	first.Store(int64(len(checks)))
	var workers sync.WaitGroup
	for range max(c.Jobs, 1) {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < first.Load() && !over(); i = next.Add(1) - 1 {
				k := &checks[i]
				c.play(ctx, k)
				if k.outcome.Fault == nil && k.course == nil && (c.KeepGoing || k.outcome.Judgement.First() == nil) {
					continue
				}
				for at := first.Load(); i < at && !first.CompareAndSwap(at, i); at = first.Load() {
				}
			}
		})
	}
	workers.Wait()
	played := 0
	for played < len(checks) && checks[played].outcome != nil {
		played++
	}
	return played
}

// play plays the plan, and a sample of plans and whatever fails twice more: nothing that depends on anything but the plan is a finding.
func (c Checking) play(ctx context.Context, k *check) {
	k.outcome = play(ctx, k.plan, c.Source, c.Target, nil, k.room)
	if k.outcome.Fault == nil && (k.outcome.Judgement.First() != nil || k.number%twiceEvery == 0) {
		k.twice = true
		k.course = Twice(ctx, k.plan, c.Source, c.Target)
	}
}

package harness

import (
	"context"
	"errors"
	"time"

	"github.com/bootrace/bootrace/harness/generate"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/oracle"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/shrink"
	"github.com/bootrace/bootrace/harness/sim"
	"github.com/bootrace/bootrace/harness/stores"
	"github.com/bootrace/bootrace/scenarios"
)

// Checking is a search for a plan that a target does not survive.
type Checking struct {
	Target sim.Target
	Source stores.Source
	// Seed decides which plans are drawn.
	Seed uint64
	// Strategies draw the plans' schedules in turn; default: the default portfolio.
	Strategies generate.Portfolio
	// Cloud is the plans': see plan.Plan.
	Cloud string
	// Around is a plan near which all others are drawn: see generate.Near. It is the first that is played, with its own seed. Without one,
	// whole plans are drawn.
	Around *plan.Plan
	// Distance is how far Around's times move at most; default: DefaultDistance.
	Distance time.Duration
	// Jobs is how many plans are played at a time; 0 is one. It changes nothing of what is found.
	Jobs int
	// KeepGoing has the search go on after a finding, up to its bounds. Without it, the first ends it.
	KeepGoing bool
	// Checks and For bound the search; 0 is no bound, and one of the two must be given.
	Checks int
	For    time.Duration
	// Progress is told now and then how far the search is.
	Progress func(*Checked)
}

// DefaultDistance is how far the times of a plan move at most that a search goes around: four heartbeats.
const DefaultDistance = 2 * time.Minute

// Checked is how far a search came, and what it found.
type Checked struct {
	Checks   int
	Twice    int // checks of which it was tried that they take the same course again
	Wall     time.Duration
	Virtual  time.Duration
	Coverage *Coverage
	// Found is the plan that failed first, made small; nil where none did.
	Found *Found
	// Causes are what the plans that failed have in common, in the order in which they were found first. A plan counts for the first
	// of its violations.
	Causes []*Finding
}

// Finding is all plans of a search that break one invariant by one mechanism.
type Finding struct {
	Fingerprint string // see invariant.Fingerprint
	Plans       int    // that failed so
	Check       int    // the first of them, from 1
	Found       *Found // that one, made small
}

// Found is a failure that a search found.
type Found struct {
	Drawn   *plan.Plan // as it was drawn
	Outcome *Outcome   // of the plan that is left of it
	After   time.Duration
	// Strategy drew the plan's schedule.
	Strategy generate.Strategy
	// Tried is how many plans it took to make it small, and Shrinking how long.
	Tried     int
	Shrinking time.Duration

	target sim.Target
}

// shrinkTries bounds the plans that are tried to make a failure small.
const shrinkTries = 1500

// twiceEvery is how many checks there are to one that is played twice more, to see that it takes the same course.
const twiceEvery = 100

// progressEvery is how often Progress is told.
const progressEvery = 500 * time.Millisecond

// Run searches until a plan fails, the bounds are reached, or ctx is cancelled. Whether a plan fails depends on the plan
// alone; the seed decides which are drawn, and in which order. An error is a fault of the harness, or a *Nondeterminism.
func (c Checking) Run(ctx context.Context) (*Checked, error) {
	if c.Checks == 0 && c.For == 0 {
		return nil, errors.New("a search needs a bound: a number of checks, or a time")
	}
	if c.Strategies == nil {
		var err error
		if c.Strategies, err = generate.FindPortfolio(""); err != nil {
			return nil, err
		}
	}
	began := time.Now()
	told := began
	draws := oracle.NewRandom(c.Seed, "check")
	draw := func(_ string, n int) int { return int(draws.Choose(oracle.Ident, uint64(n))) }
	over := func() bool { return c.For != 0 && time.Since(began) >= c.For || ctx.Err() != nil }
	r := &Checked{Coverage: NewCoverage()}
	checks := make([]check, round)
	for (c.Checks == 0 || r.Checks < c.Checks) && !over() {
		if left := c.Checks - r.Checks; c.Checks != 0 && left < len(checks) {
			checks = checks[:left]
		}
		c.drawRound(r, draw, checks)
		for i := range checks[:c.playRound(ctx, checks, over)] {
			k := &checks[i]
			if k.outcome.Fault != nil {
				return r, k.outcome.Fault
			}
			r.Checks++
			r.Virtual += time.Duration(k.plan.Duration)
			r.Wall = time.Since(began)
			r.Coverage.Add(k.outcome)
			if k.course != nil {
				return r, k.course
			}
			if k.twice {
				r.Twice++
			}
			if k.outcome.Judgement.First() != nil {
				c.note(ctx, r, k)
				r.Wall = time.Since(began)
				if !c.KeepGoing {
					return r, nil
				}
			}
			if c.Progress != nil && time.Since(told) > progressEvery {
				told = time.Now()
				c.Progress(r)
			}
		}
	}
	return r, nil
}

// note counts a plan that failed. The first of each cause is made small.
func (c Checking) note(ctx context.Context, r *Checked, k *check) {
	o := k.outcome
	cause := invariant.Fingerprint(o.Plan, o.History, o.Judgement.First())
	for _, f := range r.Causes {
		if f.Fingerprint == cause {
			f.Plans++
			return
		}
	}
	o.Digest = o.History.Digest()
	f := c.shrink(ctx, o)
	f.After, f.Strategy = r.Wall, k.strategy
	r.Causes = append(r.Causes, &Finding{Fingerprint: cause, Plans: 1, Check: r.Checks, Found: f})
	if r.Found == nil {
		r.Found = f
	}
	k.outcome, k.room = nil, nil // whose history is kept, and no room for another's
}

// shrink makes the plan of a failure small. A smaller plan counts if it breaks the same invariant first.
func (c Checking) shrink(ctx context.Context, o *Outcome) *Found {
	began := time.Now()
	f := &Found{Drawn: o.Plan, Outcome: o, target: c.Target}
	name := o.Judgement.First().Invariant
	small, tried := shrink.Plan(o.Plan, o.Judgement.First().Workspace, func(p *plan.Plan) bool {
		if ctx.Err() != nil {
			return false
		}
		try := Play(ctx, p, c.Source, c.Target, nil)
		x := try.Judgement.First()
		return try.Fault == nil && x != nil && x.Invariant == name
	}, shrinkTries)
	f.Tried, f.Shrinking = tried, time.Since(began)
	if again := Play(context.WithoutCancel(ctx), small, c.Source, c.Target, nil); again.Judgement.First() != nil {
		f.Outcome = again
	}
	return f
}

// Size is how much of a plan matters.
type Size struct{ Workspaces, FaultsAndActs, Preemptions int }

// SizeOf counts a plan's workspaces, faults and acts, and preemptions: steps that are held up.
func SizeOf(p *plan.Plan) Size {
	s := Size{Workspaces: len(p.Workspaces), FaultsAndActs: len(p.Acts)}
	for _, f := range p.Faults {
		if f.Kind == "stall" || f.Kind == "preempt" {
			s.Preemptions++
		} else {
			s.FaultsAndActs++
		}
	}
	return s
}

// Scenario writes the failure as the YAML of a scenario that, run with the seed, fails in the same way. It fails where no
// scenario can say what the plan does, or the scenario takes another course.
func (f *Found) Scenario(about string, seed uint64) ([]byte, error) {
	s, err := f.Outcome.Plan.Scenario(about)
	if err != nil {
		return nil, err
	}
	text := s.YAML()
	again, err := scenarios.Load("scenario.yaml", text)
	if err != nil {
		return nil, err
	}
	p, err := plan.Resolve(again, seed)
	if err != nil {
		return nil, err
	}
	p.Cloud = f.Outcome.Plan.Cloud // which a scenario leaves to the command line
	o := Play(context.Background(), p, stores.Memory(), f.target, nil)
	if x := o.Judgement.First(); o.Fault != nil || x == nil || x.Invariant != f.Outcome.Judgement.First().Invariant {
		return nil, errors.New("as a scenario it takes another course")
	}
	return text, nil
}

package harness

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/sim"
	"github.com/bootrace/bootrace/harness/stores"
	"github.com/bootrace/bootrace/scenarios"
)

// Sampling plays scenarios with many seeds each, to learn how often each promise breaks.
type Sampling struct {
	Scenarios []*scenarios.Scenario
	// First is the first seed, and Seeds how many follow each other from there.
	First uint64
	Seeds int

	Target sim.Target
	Source stores.Source
	Cloud  string // the plans': see plan.Plan
	// Jobs is how many plans are played at a time; 0 is one. It changes nothing of what is found.
	Jobs int
	// Progress is told after every plan how many of all are played, by one goroutine at a time.
	Progress func(played, all int)
}

// Rate is what came of one scenario's seeds.
type Rate struct {
	Scenario     string  `json:"scenario"`
	Seeds        int     `json:"seeds"` // that were played
	Held         int     `json:"held"`
	Violated     int     `json:"violated"`
	Inconclusive int     `json:"inconclusive"`
	Causes       []Cause `json:"causes,omitempty"` // the most frequent first
	// ToOnline are the boots' times from their beginning to online, and Margin is what was left of their budgets then, below zero where
	// they were over. Both are sorted, shortest first, and count every boot of every seed that came online.
	ToOnline []time.Duration `json:"-"`
	Margin   []time.Duration `json:"-"`
}

// Cause is what seeds that break one invariant by one mechanism have in common. A seed counts for the first of its violations.
type Cause struct {
	Invariant   string     `json:"invariant"`
	Fingerprint string     `json:"fingerprint"` // see invariant.Fingerprint
	Seeds       int        `json:"seeds"`
	Smallest    uint64     `json:"smallest_seed"`
	What        string     `json:"what"` // the violation of that seed
	Plan        *plan.Plan `json:"-"`    // of that seed
}

// sampled is what is remembered of one play.
type sampled struct {
	verdict  invariant.Verdict
	cause    Cause
	toOnline []time.Duration
	margin   []time.Duration
	err      error
}

// Run plays everything and returns a rate for each scenario. When ctx is cancelled, the rates are those of the seeds played until then,
// and the error is ctx's. Any other error is a fault of the harness.
func (s Sampling) Run(ctx context.Context) ([]Rate, error) {
	if s.Seeds < 1 {
		return nil, errors.New("a sampling needs at least one seed")
	}
	all := len(s.Scenarios) * s.Seeds
	results := make([]*sampled, all)
	var mu sync.Mutex
	next, played := 0, 0
	var workers sync.WaitGroup
	for range max(s.Jobs, 1) {
		workers.Go(func() {
			var room []history.Event
			for {
				mu.Lock()
				i := next
				next++
				mu.Unlock()
				if i >= all || ctx.Err() != nil {
					return
				}
				x := &sampled{}
				room, x.err = s.one(ctx, s.Scenarios[i/s.Seeds], s.First+uint64(i%s.Seeds), x, room)
				if x.err != nil && ctx.Err() != nil {
					return
				}
				mu.Lock()
				results[i] = x
				if played++; s.Progress != nil {
					s.Progress(played, all)
				}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	rates := make([]Rate, 0, len(s.Scenarios))
	for i, scenario := range s.Scenarios {
		r := Rate{Scenario: scenario.Name}
		for _, x := range results[i*s.Seeds : (i+1)*s.Seeds] {
			if x == nil {
				continue
			}
			if x.err != nil {
				return rates, x.err
			}
			r.add(x)
		}
		slices.Sort(r.ToOnline)
		slices.Sort(r.Margin)
		slices.SortStableFunc(r.Causes, func(a, b Cause) int { return cmp.Compare(b.Seeds, a.Seeds) })
		rates = append(rates, r)
	}
	return rates, ctx.Err()
}

// one plays a scenario with a seed, in the room of a history that nobody needs any more, and returns that of its own.
func (s Sampling) one(ctx context.Context, scenario *scenarios.Scenario, seed uint64, x *sampled, room []history.Event) ([]history.Event, error) {
	p, err := plan.Resolve(scenario, seed)
	if err != nil {
		return room, err
	}
	p.Cloud = s.Cloud
	o := play(ctx, p, s.Source, s.Target, nil, room)
	if o.Fault != nil {
		return nil, o.Fault
	}
	x.verdict = o.Judgement.Verdict
	if v := o.Judgement.First(); v != nil {
		x.cause = Cause{
			Invariant: v.Invariant, Fingerprint: invariant.Fingerprint(o.Plan, o.History, v), Seeds: 1, Smallest: seed, What: v.What, Plan: p,
		}
	}
	x.boots(o)
	return o.History.Events, nil
}

// boots notes how long each boot took that came online, and how much of its budget was left.
func (x *sampled) boots(o *Outcome) {
	type boot struct {
		inc   int
		since history.Time
	}
	begun := map[int]boot{}
	for i := range o.History.Events {
		e := &o.History.Events[i]
		if e.Kind != history.Move {
			continue
		}
		switch e.To {
		case lifecycle.Provisioning, lifecycle.AwaitingAgent:
			begun[e.WS] = boot{e.Inc, e.At}
		case lifecycle.Online:
			b, ok := begun[e.WS]
			if !ok || b.inc != e.Inc {
				continue // back from a silence
			}
			delete(begun, e.WS)
			took := (e.At - b.since).D()
			x.toOnline = append(x.toOnline, took)
			if w := o.Plan.Workspaces[e.WS-1]; !w.External {
				x.margin = append(x.margin, cmp.Or(time.Duration(w.Budget), o.Plan.Times().Budget(w.Runtime))-took)
			}
		}
	}
}

func (r *Rate) add(x *sampled) {
	r.Seeds++
	switch x.verdict {
	case invariant.Held:
		r.Held++
	case invariant.Violated:
		r.Violated++
		i := slices.IndexFunc(r.Causes, func(c Cause) bool { return c.Fingerprint == x.cause.Fingerprint })
		if i < 0 {
			r.Causes = append(r.Causes, x.cause)
		} else {
			r.Causes[i].Seeds++ // results come in the order of their seeds
		}
	default:
		r.Inconclusive++
	}
	r.ToOnline = append(r.ToOnline, x.toOnline...)
	r.Margin = append(r.Margin, x.margin...)
}

// Quantile returns the value below which the share of a sorted list lies (nearest rank), or 0 of an empty one.
func Quantile(sorted []time.Duration, share float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]
}

package shrink

import (
	"slices"
	"time"

	"github.com/bootrace/bootrace/harness/plan"
)

// What a race needs is often that two things meet, and not what makes them. These passes leave out what only brought the
// meeting about, and bring it about by the clock.

// few is up to how many faults and acts a plan is small enough for passes that try pairs at many times.
const few = 5

// shifts are by how much the rest is moved where something is left out that had put somebody's heartbeats, or a tick's turns, off.
var shifts = []plan.Duration{
	plan.Duration(2 * time.Second), plan.Duration(4 * time.Second), plan.Duration(5 * time.Second), plan.Duration(10 * time.Second), plan.Duration(15 * time.Second),
	plan.Duration(20 * time.Second), plan.Duration(25 * time.Second),
}

// dropShifted leaves out a fault, a workspace or an act, and has everything else that happens come a little later: against
// heartbeats and ticks, which nobody sets, that is every phase.
func (s *shrinker) dropShifted() bool {
	if len(s.best.Faults)+len(s.best.Acts) > few {
		return false
	}
	var drops []func(*plan.Plan)
	for i := len(s.best.Faults) - 1; i >= 0; i-- {
		drops = append(drops, func(p *plan.Plan) { p.Faults = slices.Delete(p.Faults, i, i+1) })
	}
	for i := len(s.best.Workspaces); i >= 1 && len(s.best.Workspaces) > 1; i-- {
		drops = append(drops, func(p *plan.Plan) { without(p, i) })
	}
	for i := len(s.best.Acts) - 1; i >= 0; i-- {
		drops = append(drops, func(p *plan.Plan) { p.Acts = slices.Delete(p.Acts, i, i+1) })
	}
	for _, drop := range drops {
		for _, by := range shifts {
			if s.try(func(p *plan.Plan) {
				drop(p)
				later(p, by)
			}) {
				return true
			}
		}
	}
	return false
}

// later moves all faults and acts: sooner, too, but not to before the run.
func later(p *plan.Plan, by plan.Duration) {
	for i := range p.Faults {
		f := &p.Faults[i]
		if f.Until > 0 {
			f.Until = max(f.Until+by, 1)
		}
		f.From = max(f.From+by, 0)
	}
	for i := range p.Acts {
		p.Acts[i].At = max(p.Acts[i].At+by, 0)
	}
}

// asPlainCrash has a crash that waits for an operation of the store come at a time instead: what had to happen for the
// operation to come is not needed then.
func (s *shrinker) asPlainCrash() bool {
	for i := range s.best.Faults {
		if f := s.best.Faults[i]; f.Kind != "crash" || len(f.Calls) == 0 {
			continue
		}
		for _, at := range s.moments(i) {
			if s.drop(func(p *plan.Plan) {
				f := &p.Faults[i]
				f.Calls, f.Nth, f.When, f.From, f.Until = nil, nil, "", at, 0
			}) {
				return true
			}
		}
	}
	return false
}

// moments are when the fault might come by the clock: within its window, and after each other fault and act, up to where
// the silence is over that it may have begun.
func (s *shrinker) moments(fault int) (all []plan.Duration) {
	f := s.best.Faults[fault]
	all = append(all, f.From, (f.From+f.Until)/2, f.Until)
	ttl := plan.Duration(s.best.Settings.Controller().LivenessTTL)
	half := plan.Duration(30 * time.Second)
	after := func(t plan.Duration) {
		all = append(all, t, t+half, t+ttl-half, t+ttl/2)
	}
	for i, g := range s.best.Faults {
		if i != fault {
			after(g.From)
		}
	}
	for _, a := range s.best.Acts {
		after(a.At)
	}
	return all
}

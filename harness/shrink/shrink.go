package shrink

import (
	"reflect"
	"slices"
	"time"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/scenarios"
)

// Fails reports whether the plan still fails in the same way. It must not keep or change the plan.
type Fails func(*plan.Plan) bool

// Plan returns the smallest plan found that still fails, and how many were tried. It stops when no smaller one of any of
// its passes fails, or after the limit of tries. The plan that it is given must fail, and is not changed. about is the number of a
// workspace that the failure is about, or 0: it is tried alone first.
func Plan(p *plan.Plan, about int, fails Fails, limit int) (*plan.Plan, int) {
	s := &shrinker{best: p.Clone(), fails: fails, left: limit}
	s.alone(about)
	for changed := true; changed && s.left > 0; {
		changed = false
		for _, pass := range []func(*shrinker) bool{
			(*shrinker).dropMany, (*shrinker).dropFaults, (*shrinker).dropActs, (*shrinker).dropWorkspaces, (*shrinker).dropPairs, (*shrinker).merge, (*shrinker).asStall, (*shrinker).startOver,
			(*shrinker).asPlainCrash, (*shrinker).dropShifted,
			(*shrinker).plainSettings,
			(*shrinker).plainBoots, (*shrinker).plainFaults, (*shrinker).roundTimes, (*shrinker).shorten,
		} {
			changed = pass(s) || changed
		}
	}
	return s.best, limit - s.left
}

type shrinker struct {
	best  *plan.Plan
	fails Fails
	left  int
}

// try makes the plan that change leads to the best one, if it differs and still fails.
func (s *shrinker) try(change func(*plan.Plan)) bool {
	if s.left <= 0 {
		return false
	}
	c := s.best.Clone()
	change(c)
	c.Duration = plan.Duration(c.Long().Truncate(time.Second))
	if reflect.DeepEqual(c, s.best) || !sensible(c) && sensible(s.best) {
		return false
	}
	s.left--
	if s.fails(c) {
		s.best = c
		return true
	}
	return false
}

// sensible reports whether no workspace is resumed or woken that was not put to rest before, at an earlier time, by itself or by a
// pause of one above it, that none is created before its parent, and that nothing is done to one before it is created: nobody would
// write that, and no scenario may.
func sensible(p *plan.Plan) bool {
	for _, w := range p.Workspaces {
		if w.Parent > 0 && w.CreateAt < p.Workspaces[w.Parent-1].CreateAt {
			return false
		}
	}
	for i := range p.Workspaces {
		if !free(p, i) {
			return false
		}
	}
	for _, a := range p.Acts {
		if a.At < p.Workspaces[a.Workspace-1].CreateAt {
			return false
		}
		rests := scenarios.Undone(a.Do)
		if len(rests) == 0 {
			continue
		}
		if !slices.ContainsFunc(p.Acts, func(b plan.Act) bool {
			by := b.Workspace == a.Workspace || b.Do == "pause" && slices.Contains(p.Above(a.Workspace), b.Workspace)
			return slices.Contains(rests, b.Do) && by && b.At < a.At
		}) {
			return false
		}
	}
	return true
}

// free reports whether the name of the i-th workspace is its own, or that of one that is deleted before.
func free(p *plan.Plan, i int) bool {
	w := &p.Workspaces[i]
	for j := range p.Workspaces[:i] {
		if p.Workspaces[j].Name == w.Name && !slices.ContainsFunc(p.Acts, func(a plan.Act) bool {
			return a.Workspace == j+1 && a.Do == "delete" && a.At < w.CreateAt
		}) {
			return false
		}
	}
	return w.Name == w.Group+"-1" || slices.ContainsFunc(p.Workspaces[:i], func(o plan.Workspace) bool { return o.Name == w.Name })
}

// otherSeeds is how many other seeds are tried where something was left out: every draw of the run after it is another
// then, and a race that is still there may need other latencies to show.
const otherSeeds = 4

// drop is try for changes that leave something out.
func (s *shrinker) drop(change func(*plan.Plan)) bool {
	without := s.best.Clone()
	if change(without); reflect.DeepEqual(without, s.best) {
		return false
	}
	if s.try(change) {
		return true
	}
	for i := range uint64(otherSeeds) {
		if s.try(func(p *plan.Plan) { change(p); p.Seed = i }) {
			return true
		}
	}
	return false
}

// each tries a change at every place, from the last to the first, so that removals do not shift those to come.
func (s *shrinker) each(n int, change func(p *plan.Plan, i int)) bool {
	changed := false
	for i := n - 1; i >= 0; i-- {
		changed = s.try(func(p *plan.Plan) { change(p, i) }) || changed
	}
	return changed
}

// many is from how many on workspaces, acts or faults are left out by halves, quarters and so on first: one at a time would take as
// many plays of a large plan as it has of them.
const many = 8

// A workspace alone is tried with so many seeds, and with what happens to it so much sooner, in steps of a second: a plan that small
// costs little, what had many chances among many workspaces has few alone, and who need not queue boots sooner.
const (
	lonelySeeds = 100
	sooner      = 60 * time.Second
)

// alone leaves out all workspaces of a large plan but one and those above it.
func (s *shrinker) alone(number int) {
	if number == 0 || len(s.best.Workspaces) < many {
		return
	}
	stay := append(s.best.Above(number), number)
	change := func(p *plan.Plan) {
		for i := len(p.Workspaces); i > 0; i-- {
			if !slices.Contains(stay, i) {
				without(p, i)
			}
		}
	}
	if s.try(change) {
		return
	}
	for i := range uint64(lonelySeeds) {
		if s.try(func(p *plan.Plan) { change(p); p.Seed = i }) {
			return
		}
	}
	for by := plan.Duration(time.Second); by <= plan.Duration(sooner); by += plan.Duration(time.Second) {
		for i := range uint64(otherSeeds) {
			if s.try(func(p *plan.Plan) {
				change(p)
				later(p, -by)
				p.Seed = i
			}) {
				return
			}
		}
	}
}

// dropMany leaves out workspaces, acts and faults in runs that get shorter (delta debugging).
func (s *shrinker) dropMany() bool {
	changed := s.dropRuns(func(p *plan.Plan) int { return len(p.Workspaces) }, func(p *plan.Plan, from, to int) {
		for number := to; number > from; number-- {
			without(p, number)
		}
	})
	changed = s.dropRuns(func(p *plan.Plan) int { return len(p.Acts) }, func(p *plan.Plan, from, to int) {
		p.Acts = slices.Delete(p.Acts, from, to)
	}) || changed
	return s.dropRuns(func(p *plan.Plan) int { return len(p.Faults) }, func(p *plan.Plan, from, to int) {
		p.Faults = slices.Delete(p.Faults, from, to)
	}) || changed
}

// dropRuns leaves out runs of what size counts, from a half of it down to a quarter of many: never all of it.
func (s *shrinker) dropRuns(size func(*plan.Plan) int, leaveOut func(p *plan.Plan, from, to int)) bool {
	changed := false
	for run := size(s.best) / 2; run >= many/4 && size(s.best) >= many; run /= 2 {
		for to := size(s.best); to > 0 && size(s.best) > run; to -= run {
			changed = s.drop(func(p *plan.Plan) { leaveOut(p, max(to-run, 0), min(to, size(p))) }) || changed
		}
	}
	return changed
}

func (s *shrinker) dropFaults() bool {
	if len(s.best.Faults) > 1 && s.try(func(p *plan.Plan) { p.Faults = nil }) {
		return true
	}
	changed := false
	for i := len(s.best.Faults) - 1; i >= 0; i-- {
		changed = s.drop(func(p *plan.Plan) { p.Faults = slices.Delete(p.Faults, i, i+1) }) || changed
	}
	return changed
}

func (s *shrinker) dropActs() bool {
	if len(s.best.Acts) > 1 && s.try(func(p *plan.Plan) { p.Acts = nil }) {
		return true
	}
	changed := false
	for i := len(s.best.Acts) - 1; i >= 0; i-- {
		changed = s.drop(func(p *plan.Plan) { p.Acts = slices.Delete(p.Acts, i, i+1) }) || changed
	}
	return changed
}

// startOver creates a workspace where a later boot of it begins, in place of all that led there: what only took time is
// gone, and everything after it meets as before.
func (s *shrinker) startOver() bool {
	changed := false
	for i := len(s.best.Acts) - 1; i >= 0 && i < len(s.best.Acts); i-- {
		changed = s.drop(func(p *plan.Plan) {
			a := p.Acts[i]
			switch a.Do {
			case "restart", "resume", "wake":
			default:
				return
			}
			w := &p.Workspaces[a.Workspace-1]
			w.CreateAt = a.At
			if len(w.Boots) > 1 {
				w.Boots = w.Boots[1:]
			}
			p.Acts = slices.DeleteFunc(p.Acts, func(b plan.Act) bool { return b.Workspace == a.Workspace && b.At <= a.At })
		}) || changed
	}
	return changed
}

// dropPairs leaves out two at once: an act and the one that takes it back, a fault and what made up for it.
func (s *shrinker) dropPairs() bool {
	acts := len(s.best.Acts)
	n := acts + len(s.best.Faults)
	for i := n - 1; i > 0; i-- {
		for j := i - 1; j >= 0; j-- {
			if s.drop(func(p *plan.Plan) {
				for _, k := range []int{i, j} {
					if k >= acts {
						p.Faults = slices.Delete(p.Faults, k-acts, k-acts+1)
					} else {
						p.Acts = slices.Delete(p.Acts, k, k+1)
					}
				}
			}) {
				return true
			}
		}
	}
	return false
}

// merge leaves out a fault and has another one last for both.
func (s *shrinker) merge() bool {
	for i := range s.best.Faults {
		for j := range s.best.Faults {
			if i == j {
				continue
			}
			if s.drop(func(p *plan.Plan) {
				f, gone := &p.Faults[i], p.Faults[j]
				if f.Until > 0 {
					f.From, f.Until = min(f.From, gone.From), max(f.Until, gone.Until)
				}
				if f.Delay > 0 {
					f.Delay = max(f.Delay, gone.Delay)
				}
				p.Faults = slices.Delete(p.Faults, j, j+1)
			}) {
				return true
			}
		}
	}
	return false
}

// asStall says of a store that is slow for everybody that it holds up one kind of call: throughout, or around an act, which
// may have to come as much later as the store was slow.
func (s *shrinker) asStall() bool {
	for i := range s.best.Faults {
		f := s.best.Faults[i]
		if f.Kind != "store-slow" {
			continue
		}
		f.Kind, f.Nth, f.Percent = "stall", nil, 0
		for _, call := range []string{"heartbeat", "register", controller.TickLivenessSweep, controller.TickProvisionSweep, controller.TickLauncher} {
			f.Calls = []string{call}
			if s.drop(func(p *plan.Plan) { p.Faults[i] = f }) {
				return true
			}
			for j, a := range s.best.Acts {
				for _, later := range []plan.Duration{0, plan.Duration(30 * time.Second), f.Delay} {
					g := f
					g.From = max(a.At+later-plan.Duration(40*time.Second), 0)
					g.Until, g.Delay = g.From+plan.Duration(time.Minute), plan.Duration(20*time.Second)
					if s.drop(func(p *plan.Plan) { p.Faults[i], p.Acts[j].At = g, a.At+later }) {
						return true
					}
				}
			}
		}
	}
	return false
}

func (s *shrinker) dropWorkspaces() bool {
	changed := false
	for i := len(s.best.Workspaces); i >= 1 && len(s.best.Workspaces) > 1; i-- {
		changed = s.drop(func(p *plan.Plan) { without(p, i) }) || changed
	}
	return changed
}

// without removes the workspace of the number, and whatever is about it alone. Its children are its parent's then.
func without(p *plan.Plan, number int) {
	above := p.Workspaces[number-1].Parent
	p.Workspaces = slices.Delete(p.Workspaces, number-1, number)
	renumber := func(w int) int {
		if w > number {
			return w - 1
		}
		return w
	}
	for i := range p.Workspaces {
		w := &p.Workspaces[i]
		if w.Parent == number {
			w.Parent = above
		}
		w.Parent = renumber(w.Parent)
	}
	p.Acts = slices.DeleteFunc(p.Acts, func(a plan.Act) bool { return a.Workspace == number })
	for i := range p.Acts {
		p.Acts[i].Workspace = renumber(p.Acts[i].Workspace)
	}
	p.Faults = slices.DeleteFunc(p.Faults, func(f plan.Fault) bool {
		return len(f.Workspaces) == 1 && f.Workspaces[0] == number
	})
	for i := range p.Faults {
		f := &p.Faults[i]
		f.Workspaces = slices.DeleteFunc(f.Workspaces, func(w int) bool { return w == number })
		for j := range f.Workspaces {
			f.Workspaces[j] = renumber(f.Workspaces[j])
		}
	}
}

func (s *shrinker) plainSettings() bool {
	changed := s.try(func(p *plan.Plan) { p.Controllers = 1 })
	changed = s.try(func(p *plan.Plan) { p.Schedule = "" }) || changed
	changed = s.try(func(p *plan.Plan) { p.Settings = plan.Settings{} }) || changed
	changed = s.try(func(p *plan.Plan) { p.Settings.LaunchBatch, p.Settings.SweepBatch = 0, 0 }) || changed
	changed = s.try(func(p *plan.Plan) { p.Settings.LivenessTTL = 0 }) || changed
	changed = s.try(func(p *plan.Plan) { p.Settings.FirstTurns = "" }) || changed
	changed = s.try(func(p *plan.Plan) { p.Settings.ProvisionTimeout = 0 }) || changed
	changed = s.each(len(s.best.Workspaces), func(p *plan.Plan, i int) {
		p.Workspaces[i].External, p.Workspaces[i].KnownURL = false, false
	}) || changed
	changed = s.each(len(s.best.Workspaces), func(p *plan.Plan, i int) { p.Workspaces[i].Parent = 0 }) || changed
	changed = s.each(len(s.best.Workspaces), func(p *plan.Plan, i int) { p.Workspaces[i].ErrorPercent = 0 }) || changed
	changed = s.each(len(s.best.Workspaces), func(p *plan.Plan, i int) { p.Workspaces[i].Tasks = 0 }) || changed
	changed = s.each(len(s.best.Workspaces), func(p *plan.Plan, i int) { p.Workspaces[i].SkipRegister = false }) || changed
	changed = s.each(len(s.best.Workspaces), func(p *plan.Plan, i int) { p.Workspaces[i].Name = p.Workspaces[i].Group + "-1" }) || changed
	return s.each(len(s.best.Workspaces), func(p *plan.Plan, i int) { p.Workspaces[i].Runtime = "claude-code" }) || changed
}

const (
	quickPull      = plan.Duration(20 * time.Second)
	quickStart     = plan.Duration(5 * time.Second)
	quickPreflight = plan.Duration(15 * time.Second)
)

func (s *shrinker) plainBoots() bool {
	changed := s.each(len(s.best.Workspaces), func(p *plan.Plan, i int) {
		p.Workspaces[i].Boots = []plan.Boot{{ImagePull: quickPull, AgentStart: quickStart, Preflight: quickPreflight}}
	})
	for i := range s.best.Workspaces {
		changed = s.drop(func(p *plan.Plan) { p.Workspaces[i].Boots = p.Workspaces[i].Boots[:1] }) || changed
	}
	changed = s.each(len(s.best.Workspaces), func(p *plan.Plan, i int) { p.Workspaces[i].CreateAt = 0 }) || changed
	changed = s.each(len(s.best.Workspaces), func(p *plan.Plan, i int) {
		for j := range p.Workspaces[i].Boots {
			p.Workspaces[i].Boots[j].Dies = ""
		}
	}) || changed
	return s.each(len(s.best.Workspaces), func(p *plan.Plan, i int) {
		for j := range p.Workspaces[i].Boots {
			p.Workspaces[i].Boots[j].Refusals = 0
		}
	}) || changed
}

func (s *shrinker) plainFaults() bool {
	n := len(s.best.Faults)
	changed := s.each(n, func(p *plan.Plan, i int) { p.Faults[i].Workspaces = nil })
	changed = s.each(n, func(p *plan.Plan, i int) { p.Faults[i].Percent = 0 }) || changed
	changed = s.each(n, func(p *plan.Plan, i int) {
		if f := &p.Faults[i]; len(f.Nth) > 1 {
			f.Nth = f.Nth[:1]
		}
	}) || changed
	changed = s.each(n, func(p *plan.Plan, i int) {
		if f := &p.Faults[i]; f.Kind != "crash" {
			f.Nth = nil
		}
	}) || changed
	changed = s.each(n, func(p *plan.Plan, i int) {
		if f := &p.Faults[i]; f.Kind != "crash" {
			f.When = ""
		}
	}) || changed
	changed = s.each(n, func(p *plan.Plan, i int) {
		if f := &p.Faults[i]; f.Kind == "crash" { // without calls, it strikes at from
			f.Calls, f.Nth, f.When, f.Until = nil, nil, "", 0
		}
	}) || changed
	return s.each(n, func(p *plan.Plan, i int) { p.Faults[i].Replica = 0 }) || changed
}

// grids are what times are rounded to, coarsest first: the first that works is the roundest.
var grids = []plan.Duration{
	plan.Duration(time.Minute), plan.Duration(30 * time.Second), plan.Duration(10 * time.Second), plan.Duration(5 * time.Second),
	plan.Duration(time.Second),
}

// times returns every time of the plan that a person would have written, and whether it may become 0.
func times(p *plan.Plan) (all []*plan.Duration, zero []bool) {
	add := func(mayBeZero bool, list ...*plan.Duration) {
		for _, d := range list {
			all, zero = append(all, d), append(zero, mayBeZero)
		}
	}
	for i := range p.Faults {
		f := &p.Faults[i]
		add(true, &f.From)
		add(false, &f.Until, &f.Delay)
	}
	for i := range p.Acts {
		add(true, &p.Acts[i].At)
	}
	for i := range p.Workspaces {
		w := &p.Workspaces[i]
		add(true, &w.CreateAt)
		for j := range w.Boots {
			b := &w.Boots[j]
			add(false, &b.ImagePull, &b.AgentStart, &b.Preflight)
		}
	}
	return all, zero
}

// roundTimes leaves the quick boots' times alone: they are as plain as any.
func (s *shrinker) roundTimes() bool {
	changed := false
	all, _ := times(s.best)
	for i := range all {
		for _, grid := range grids {
			list, zero := times(s.best)
			now := *list[i]
			if now == 0 || now%grid == 0 || now == quickPull || now == quickStart || now == quickPreflight {
				break
			}
			down, up := now/grid*grid, (now/grid+1)*grid
			if now-down > up-now {
				down, up = up, down
			}
			if s.round(i, down, zero[i]) || s.round(i, up, zero[i]) {
				changed = true
				break
			}
		}
	}
	return changed
}

func (s *shrinker) round(i int, to plan.Duration, zero bool) bool {
	if to == 0 && !zero {
		return false
	}
	return s.try(func(p *plan.Plan) {
		list, _ := times(p)
		*list[i] = to
	})
}

// shorten tries to have everything sooner: windows that end sooner, acts and faults that come sooner.
func (s *shrinker) shorten() bool {
	changed := false
	for i := range s.best.Faults {
		for _, cut := range []plan.Duration{plan.Duration(4 * time.Minute), plan.Duration(2 * time.Minute), plan.Duration(time.Minute)} {
			changed = s.try(func(p *plan.Plan) {
				if f := &p.Faults[i]; f.Until-cut > f.From {
					f.Until -= cut
				}
			}) || changed
		}
	}
	return changed
}

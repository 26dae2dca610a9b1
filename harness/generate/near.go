package generate

import (
	"cmp"
	"slices"
	"time"

	"github.com/bootrace/bootrace/harness/plan"
)

// Near draws a plan near the given one, with the same fleet, acts and faults: the ends of boots, and when acts and faults begin and
// end, move by at most the distance, a boot's sometimes to the edge of its budget where that is no farther. Now and then an act or a
// fault is added. The schedule is the strategy's, and the seed is drawn. The given plan is not changed.
func Near(draw Draw, s Strategy, around *plan.Plan, distance time.Duration) *plan.Plan {
	g := &generator{draw: draw, plan: around.Clone()}
	p := g.plan
	p.Name, p.Expect, p.Seed = Name, nil, uint64(draw("seed", 1<<30))
	for i := range p.Workspaces {
		g.moveBoots(&p.Workspaces[i], distance)
	}
	g.moveActs(distance)
	for i := range p.Faults {
		g.moveFault(&p.Faults[i], distance)
	}
	switch draw("more", 6) {
	case 4:
		g.act()
	case 5:
		g.fault()
	}
	g.schedule(s)
	slices.SortStableFunc(p.Acts, func(a, b plan.Act) int { return cmp.Compare(a.At, b.At) })
	p.Duration = max(around.Duration, plan.Duration(p.Long().Truncate(time.Second)))
	return p
}

// nearby draws how far something moves: most often a little.
func (g *generator) nearby(label string, distance time.Duration) time.Duration {
	by := pick(g, label+" by", 0, time.Second, 100*time.Millisecond, 5*time.Second, 15*time.Second, 31*time.Second, distance/4, distance/2, distance)
	if by = min(by, distance); by > 0 && g.draw(label+" sooner", 2) == 1 {
		return -by
	}
	return by
}

// shortestPhase is how short a phase of a boot may become.
const shortestPhase = time.Second

// moveBoots has the boots of the workspace end sooner or later, by their last phase and then by their first.
func (g *generator) moveBoots(w *plan.Workspace, distance time.Duration) {
	budget := cmp.Or(time.Duration(w.Budget), g.plan.Settings.Controller().Budget(w.Runtime))
	for i := range w.Boots {
		b := &w.Boots[i]
		by := g.nearby("boot", distance)
		if edge := budget - b.Total(); edge.Abs() <= distance && g.draw("to the edge", 3) == 2 {
			by = edge + pick(g, "edge", around...)
		}
		for _, phase := range []*plan.Duration{&b.Preflight, &b.ImagePull} {
			moved := max(*phase+plan.Duration(by), min(*phase, plan.Duration(shortestPhase)))
			by -= time.Duration(moved - *phase)
			*phase = moved
		}
	}
	created := time.Duration(w.CreateAt)
	up := created + w.Boots[0].Total()
	g.moments = append(g.moments, created, up, up+g.plan.Settings.Heartbeat(), created+budget)
}

// moveActs has the operator act sooner or later, and in the same order on each workspace.
func (g *generator) moveActs(distance time.Duration) {
	p := g.plan
	last := map[int]plan.Duration{}
	for i := range p.Acts {
		a := &p.Acts[i]
		earliest := p.Workspaces[a.Workspace-1].CreateAt
		for _, n := range append(p.Above(a.Workspace), a.Workspace) {
			if at, ok := last[n]; ok {
				earliest = max(earliest, at+plan.Duration(time.Millisecond))
			}
		}
		a.At = max(a.At+plan.Duration(g.nearby("act", distance)), earliest)
		last[a.Workspace] = a.At
		g.moments = append(g.moments, time.Duration(a.At))
	}
}

// moveFault has the fault begin and end sooner or later.
func (g *generator) moveFault(f *plan.Fault, distance time.Duration) {
	lasts := f.Until - f.From
	f.From = max(f.From+plan.Duration(g.nearby("fault", distance)), 0)
	if f.Until > 0 {
		f.Until = f.From + max(lasts+plan.Duration(g.nearby("until", distance)), plan.Duration(time.Second))
	}
	if f.Delay > 0 {
		f.Delay = plan.Duration(float64(f.Delay) * pick(g, "delay", 1, 0.5, 2))
	}
	g.moments = append(g.moments, time.Duration(f.From), f.End())
}

package bridge

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/scenarios"
)

// Plan makes the plan that takes the live run's course in the simulated world, as far as a plan can say it.
func Plan(p *plan.Plan, h *history.History) *plan.Plan {
	sim := p.Clone()
	sim.Live = nil
	sim.Expect = nil // whether the race took place is known
	m := &measured{plan: sim, history: h}
	for i := range sim.Workspaces {
		m.workspace(i + 1)
	}
	m.acts()
	m.faults()
	if n := len(h.Events); n > 0 {
		sim.Duration = max(sim.Duration, plan.Duration(h.Events[n-1].At))
	}
	if budget := time.Duration(sim.Settings.ProvisionTimeout); budget > 0 && budget < controller.DefaultBudget {
		slow(sim, int64((controller.DefaultBudget+budget-1)/budget))
	}
	// The bounds of the simulated world are the contract's, however fast the live one was, and virtual time costs little.
	sim.Duration = max(sim.Duration, plan.Duration(sim.Long().Truncate(time.Microsecond)))
	return sim
}

// slow multiplies all times of the plan. A live run whose budget is shorter than the contract's is played as much slower in
// the simulated world, whose own times (launches, hops, the launcher's turns) are those of a real cloud.
func slow(p *plan.Plan, by int64) {
	longer := func(d time.Duration) plan.Duration { return plan.Duration(int64(d) * by) }
	contract := p.Settings.Controller()
	p.Settings = plan.Settings{
		ProvisionTimeout: longer(contract.ProvisionTimeout), LivenessTTL: longer(contract.LivenessTTL),
		ExternalTTL: longer(contract.ExternalTTL), HeartbeatInterval: longer(p.Settings.Heartbeat()),
		ProvisionSweepEvery: longer(contract.ProvisionSweepEvery), LivenessSweepEvery: longer(contract.LivenessSweepEvery),
	}
	times := []*plan.Duration{&p.Duration}
	for i := range p.Workspaces {
		w := &p.Workspaces[i]
		times = append(times, &w.CreateAt, &w.Budget)
		for j := range w.Boots {
			b := &w.Boots[j]
			// Refusals take a time of their own, which belongs to the preflight then.
			b.Preflight, b.Refusals = plan.Duration(b.Total())-b.ImagePull-b.AgentStart, 0
			times = append(times, &b.ImagePull, &b.AgentStart, &b.Preflight)
		}
	}
	for i := range p.Acts {
		times = append(times, &p.Acts[i].At)
	}
	for i := range p.Faults {
		f := &p.Faults[i]
		times = append(times, &f.From, &f.Until, &f.Delay, &f.By)
	}
	for _, d := range times {
		*d = longer(time.Duration(*d))
	}
}

// measured reads times off a history.
type measured struct {
	plan    *plan.Plan
	history *history.History
}

// find returns the first event that satisfies the test, or nil.
func (m *measured) find(test func(*history.Event) bool) *history.Event {
	for i := range m.history.Events {
		if e := &m.history.Events[i]; test(e) {
			return e
		}
	}
	return nil
}

// workspace takes over when the workspace was created, and how long its boots took.
func (m *measured) workspace(number int) {
	w := &m.plan.Workspaces[number-1]
	created := m.find(func(e *history.Event) bool {
		return e.Kind == history.Call && e.WS == number && e.Actor == history.ActorOperator && e.Call == "create"
	})
	if created == nil {
		return
	}
	w.CreateAt = plan.Duration(created.Sent)
	last := 1
	for i := range m.history.Events {
		if e := &m.history.Events[i]; e.WS == number && (e.Kind == history.Boot || e.Kind == history.Agent || e.Kind == history.Machine) {
			last = max(last, e.Inc)
		}
	}
	planned := w.Boots
	w.Boots = nil
	for inc := 1; inc <= max(last, len(planned)); inc++ {
		boot := planned[min(inc, len(planned))-1]
		if began, ok := m.began(number, inc); ok {
			boot = m.boot(number, inc, began, boot)
		}
		w.Boots = append(w.Boots, boot)
	}
}

// began returns when the incarnation's boot did: when its machine was launched, or, where that is out of sight, when the
// call that begins it was answered.
func (m *measured) began(number, inc int) (history.Time, bool) {
	if launched := m.find(func(e *history.Event) bool {
		return e.Kind == history.Machine && e.WS == number && e.Inc == inc && e.Phase == history.Launched
	}); launched != nil {
		return launched.At, true
	}
	began := 0
	for i := range m.history.Events {
		e := &m.history.Events[i]
		if e.Kind != history.Call || e.WS != number || e.Actor != history.ActorOperator || e.Code/100 != 2 {
			continue
		}
		switch e.Call {
		case "create", "restart", "resume":
			if began++; began == inc {
				return e.At, true
			}
		}
	}
	return 0, false
}

// boot returns how long the incarnation's boot took: the phases that were seen as they were measured, or all of them
// stretched so that the agent came up when it did.
func (m *measured) boot(number, inc int, began history.Time, planned plan.Boot) plan.Boot {
	boot := planned
	boot.Dies = ""
	// What a restart of the machine begins is the fault's, and comes again with it.
	until := history.Time(math.MaxInt64)
	if again := m.find(func(e *history.Event) bool {
		return e.Kind == history.Machine && e.WS == number && e.Inc == inc && e.Phase == history.Restarted
	}); again != nil {
		until = again.At
	}
	mine := func(e *history.Event) bool { return e.WS == number && e.Inc == inc && e.At >= began && e.At < until }
	at, seen := began, 0
	for i, phase := range []struct {
		name  string
		done  string
		takes *plan.Duration
	}{
		{"image_pull", history.ImagePulled, &boot.ImagePull},
		{"agent_start", history.AgentStarted, &boot.AgentStart},
		{"preflight", history.PreflightDone, &boot.Preflight},
	} {
		done := m.find(func(e *history.Event) bool { return mine(e) && e.Kind == history.Boot && e.Phase == phase.done })
		died := m.find(func(e *history.Event) bool { return mine(e) && e.Kind == history.Boot && e.Phase == history.BootDied })
		if done == nil && died != nil && i == seen {
			*phase.takes, boot.Dies = plan.Duration(died.At-at), phase.name
			return boot
		}
		if done == nil {
			continue
		}
		*phase.takes = plan.Duration(done.At - at)
		at = done.At
		seen++
	}
	switch up := m.find(func(e *history.Event) bool { return mine(e) && e.Kind == history.Agent && e.Phase == history.Started }); {
	case seen == 3:
		boot.Refusals = 0 // they are in the preflight
	case seen == 0 && up != nil:
		boot = stretched(planned, (up.At - began).D())
	case seen == 0 && planned.Dies != "":
		boot.Dies = planned.Dies // nothing says otherwise
	}
	return boot
}

// stretched returns the boot with all phases longer or shorter in proportion, so that it takes the time in all.
func stretched(b plan.Boot, takes time.Duration) plan.Boot {
	b.Refusals, b.Dies = 0, ""
	if sum := b.Total(); sum > 0 {
		by := float64(takes) / float64(sum)
		exact := func(d plan.Duration) plan.Duration { // as exact as plans are kept
			return plan.Duration(time.Duration(float64(d) * by).Round(time.Microsecond))
		}
		b.ImagePull, b.AgentStart = exact(b.ImagePull), exact(b.AgentStart)
	}
	b.Preflight = plan.Duration(takes) - b.ImagePull - b.AgentStart
	return b
}

// acts takes over when the operator really did what the plan says.
func (m *measured) acts() {
	type key struct {
		workspace int
		call      string
	}
	done := map[key][]history.Time{}
	open := map[key]bool{} // the last try got no clear answer, so that the next one is of the same act
	for i := range m.history.Events {
		e := &m.history.Events[i]
		if e.Kind != history.Call || e.Actor != history.ActorOperator {
			continue
		}
		k := key{e.WS, e.Call}
		if !open[k] {
			done[k] = append(done[k], e.Sent)
		}
		open[k] = e.Code == 0 || e.Code >= 500
	}
	slices.SortStableFunc(m.plan.Acts, func(a, b plan.Act) int { return cmp.Compare(a.At, b.At) })
	for i := range m.plan.Acts {
		a := &m.plan.Acts[i]
		k := key{a.Workspace, scenarios.CallOf(a.Do)}
		if len(done[k]) > 0 {
			a.At = plan.Duration(done[k][0])
			done[k] = done[k][1:]
		}
	}
}

// faults takes over when the faults really began and ended, and leaves out those whose effect was measured.
func (m *measured) faults() {
	var kept []plan.Fault
	for i, f := range m.plan.Faults {
		if strings.HasPrefix(f.Kind, "llm-") && m.find(func(e *history.Event) bool { return e.Kind == history.Boot || e.Kind == history.Agent }) != nil {
			continue
		}
		phase := func(name string) *history.Event {
			return m.find(func(e *history.Event) bool { return e.Kind == history.Fault && e.Fault == i+1 && e.Phase == name })
		}
		if began := phase(history.Started); began != nil {
			if f.Until > 0 {
				f.Until += plan.Duration(began.At) - f.From
			}
			f.From = plan.Duration(began.At)
		}
		if ended := phase(history.Ended); ended != nil && f.Until > 0 {
			after := plan.Duration(f.End()) - f.Until // what the fault's delay adds to its end
			f.Until = max(plan.Duration(ended.At)-after, f.From+plan.Duration(time.Microsecond))
		}
		if down, ok := m.down(f); ok {
			f.Delay = down
		}
		kept = append(kept, f)
	}
	m.plan.Faults = kept
}

// down returns how long the replica was down that a crash killed.
func (m *measured) down(f plan.Fault) (plan.Duration, bool) {
	if f.Kind != "crash" {
		return 0, false
	}
	ended := m.find(func(e *history.Event) bool {
		return e.Kind == history.Process && e.Phase == history.Ended && e.At >= history.Time(f.From) && (f.Replica == 0 || e.Replica == f.Replica)
	})
	if ended == nil {
		return 0, false
	}
	started := m.find(func(e *history.Event) bool {
		return e.Kind == history.Process && e.Phase == history.Started && e.Replica == ended.Replica && e.At >= ended.At
	})
	if started == nil {
		return 0, false
	}
	return plan.Duration(started.At - ended.At), true
}

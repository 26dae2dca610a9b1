package reports

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/runs"
)

// course is a scenario's history arranged for drawing: what each workspace, fault and controller went through, side by side.
type course struct {
	plan     *plan.Plan
	end      history.Time
	lanes    []*lane // the plan's workspaces in order; then rows and callers that the plan does not know
	faults   []faultCourse
	replicas []replicaCourse
	others   []*history.Event // calls about no workspace
	measured []*history.Event // how slow this machine was, by each source
	slow     []slowCourse
}

// lane is what one workspace went through, each list in order.
type lane struct {
	number   int // in the plan; not above 0 where the plan does not know it
	name     string
	about    string // "minimax, claude-code"
	stays    []stay
	calls    []*history.Event
	clouds   []*history.Event
	machines []machineCourse
	boots    []bootCourse
}

// stay is a time that a workspace spent in one status and incarnation.
type stay struct {
	from, until history.Time
	status      lifecycle.Status
	inc         int
	move        *history.Event // what began it
}

// machineCourse is the life of a machine. Ended is empty where it outlives the run.
type machineCourse struct {
	id           string
	inc          int
	launched     history.Time
	until        history.Time
	ended        string
	launchUnseen bool
	again        []history.Time // when its agent was started anew
}

// bootCourse is one cold boot: from the move that its budget runs from, to its agent's start. One on a machine that was
// restarted is another, and has no budget.
type bootCourse struct {
	inc     int
	began   history.Time
	budget  time.Duration
	phases  []*history.Event // its machine's launch, and the phases that it reached
	started bool             // its agent was, at the time
	at      history.Time
}

// faultCourse is a fault of the plan: when it held, and when it struck.
type faultCourse struct {
	number  int
	from    history.Time
	until   history.Time
	began   bool
	strikes []history.Time
}

// replicaCourse is one controller: when it ran, and which of its ticks failed.
type replicaCourse struct {
	number int
	ran    []interval
	ticks  []*history.Event // that failed, and panics
}

type interval struct{ from, until history.Time }

// courseOf arranges the history of a result.
func courseOf(r *runs.Run, x *runs.Result) (*course, error) {
	h, err := r.History(x)
	if err != nil {
		return nil, err
	}
	h = invariant.Seen(x.Plan, h)
	c := &course{plan: x.Plan, end: history.Time(x.Plan.Duration), faults: make([]faultCourse, len(x.Plan.Faults))}
	if n := len(h.Events); n > 0 {
		c.end = max(c.end, h.Events[n-1].At)
	}
	settings := x.Plan.Times()
	budgets := make([]time.Duration, len(x.Plan.Workspaces))
	for i, w := range x.Plan.Workspaces {
		c.lanes = append(c.lanes, &lane{number: i + 1, name: w.Name, about: w.Provider + ", " + w.Runtime})
		if budgets[i] = time.Duration(w.Budget); budgets[i] == 0 {
			budgets[i] = settings.Budget(w.Runtime)
		}
	}
	for i := range c.faults {
		c.faults[i].number = i + 1
	}
	for i := range h.Events {
		e := &h.Events[i]
		switch e.Kind {
		case history.Fault:
			c.fault(e)
		case history.Process, history.Tick, history.Panic:
			c.replica(e)
		case history.Slow:
			c.measured = append(c.measured, e)
		case history.Move, history.Call, history.Boot, history.Machine, history.Cloud, history.Agent:
			if l := c.lane(e); l != nil {
				l.event(e, budgets)
			} else if e.Kind == history.Call {
				c.others = append(c.others, e)
			}
		default: // logs, readings and rows repeat what these show
		}
	}
	c.close()
	if len(c.measured) > 0 {
		c.slow = slowCourses(h, c.end)
	}
	return c, nil
}

// lane returns whose the event is. A row or an agent that the plan does not know gets a lane of its own.
func (c *course) lane(e *history.Event) *lane {
	n := len(c.plan.Workspaces)
	if e.WS >= 1 && e.WS <= n {
		return c.lanes[e.WS-1]
	}
	if e.Kind == history.Call && e.Actor != history.ActorAgent {
		return nil
	}
	for _, l := range c.lanes[n:] {
		if l.number == min(e.WS, 0) {
			return l
		}
	}
	l := &lane{number: min(e.WS, 0), name: "not of the plan"}
	if e.WS < 0 {
		l.name = fmt.Sprintf("twin of %d", -e.WS)
	}
	c.lanes = append(c.lanes, l)
	return l
}

func (l *lane) event(e *history.Event, budgets []time.Duration) {
	switch e.Kind {
	case history.Call:
		l.calls = append(l.calls, e)
	case history.Cloud:
		l.clouds = append(l.clouds, e)
	case history.Move:
		if n := len(l.stays); n > 0 {
			l.stays[n-1].until = e.At
		}
		l.stays = append(l.stays, stay{from: e.At, status: e.To, inc: e.Inc, move: e})
		if e.To == lifecycle.Provisioning && l.number > 0 {
			l.boots = append(l.boots, bootCourse{inc: e.Inc, began: e.At, budget: budgets[l.number-1]})
		}
	case history.Machine:
		l.machine(e)
	case history.Boot:
		if b := l.boot(e.Inc); b != nil {
			b.phases = append(b.phases, e)
		}
	case history.Agent:
		for i := range l.boots { // one that a restart of the machine broke off is over with the next
			if b := &l.boots[i]; b.inc == e.Inc && e.Phase == history.Started && !b.started {
				b.started, b.at = true, e.At
			}
		}
	}
}

func (l *lane) machine(e *history.Event) {
	at := slices.IndexFunc(l.machines, func(m machineCourse) bool { return m.id == e.Machine && m.ended == "" })
	if e.Phase == history.Launched {
		l.machines = append(l.machines, machineCourse{id: e.Machine, inc: e.Inc, launched: e.At})
		if b := l.boot(e.Inc); b != nil {
			b.phases = append(b.phases, e)
		}
		return
	}
	if at < 0 { // nobody saw its launch
		l.machines = append(l.machines, machineCourse{id: e.Machine, inc: e.Inc, launched: e.At, launchUnseen: true})
		at = len(l.machines) - 1
	}
	if e.Phase == history.Restarted {
		l.machines[at].again = append(l.machines[at].again, e.At)
		l.boots = append(l.boots, bootCourse{inc: e.Inc, began: e.At})
		return
	}
	l.machines[at].ended, l.machines[at].until = e.Phase, e.At
}

// boot returns the last boot of the incarnation, or nil.
func (l *lane) boot(inc int) *bootCourse {
	for i := len(l.boots) - 1; i >= 0; i-- {
		if l.boots[i].inc == inc {
			return &l.boots[i]
		}
	}
	return nil
}

func (c *course) fault(e *history.Event) {
	f := &c.faults[e.Fault-1]
	switch e.Phase {
	case history.Started:
		f.from, f.began, f.until = e.At, true, max(e.At, history.Time(c.plan.Faults[e.Fault-1].End()))
	case history.Ended:
		f.until = e.At
	case history.Struck:
		f.strikes = append(f.strikes, e.At)
		if !f.began {
			f.from, f.began = e.At, true
		}
		f.until = max(f.until, e.At)
	}
}

func (c *course) replica(e *history.Event) {
	at := slices.IndexFunc(c.replicas, func(r replicaCourse) bool { return r.number == e.Replica })
	if at < 0 {
		at = len(c.replicas)
		c.replicas = append(c.replicas, replicaCourse{number: e.Replica})
	}
	r := &c.replicas[at]
	switch {
	case e.Kind != history.Process:
		r.ticks = append(r.ticks, e)
	case e.Phase == history.Started:
		r.ran = append(r.ran, interval{e.At, -1})
	case len(r.ran) > 0:
		r.ran[len(r.ran)-1].until = e.At
	}
}

// close ends at the run's end what nothing else ended.
func (c *course) close() {
	for _, l := range c.lanes {
		if n := len(l.stays); n > 0 {
			l.stays[n-1].until = c.end
		}
		for i := range l.machines {
			if l.machines[i].ended == "" {
				l.machines[i].until = c.end
			}
		}
	}
	for i := range c.faults {
		c.faults[i].until = min(c.faults[i].until, c.end)
	}
	slices.SortFunc(c.replicas, func(a, b replicaCourse) int { return cmp.Compare(a.number, b.number) })
	for i := range c.replicas {
		if ran := c.replicas[i].ran; len(ran) > 0 && ran[len(ran)-1].until < 0 {
			ran[len(ran)-1].until = c.end
		}
	}
}

// tick reports whether a tick of the controller made the move, and no call.
func tick(m *history.Event) bool {
	switch m.By {
	case controller.TickLauncher, controller.TickProvisionSweep, controller.TickLivenessSweep, controller.TickOrphanSweep:
		return true
	}
	return false
}

// by says who made the move, for a person.
func by(m *history.Event) string {
	switch {
	case m.By == "":
		return "seen from outside"
	case tick(m):
		return "by the " + m.By
	case m.ByInc > 0:
		return "by its agent's " + m.By
	default:
		return "by the operator's " + m.By
	}
}

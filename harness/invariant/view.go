package invariant

import (
	"cmp"
	"slices"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/contract"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/rules"
)

// View is a history arranged for judging: what happened to each workspace, and when the controller was hindered.
type View struct {
	Plan     *plan.Plan
	Settings contract.Times // what the contract promises to keep
	Table    *rules.Rules   // what it allows
	End      time.Duration
	Spaces   []*Space
	Windows  []Window

	events   []history.Event
	strange  []*history.Event // of no workspace of the plan
	steps    []*history.Event // into the store, that failed on behalf of no workspace
	turns    []*history.Event // of ticks
	wants    []want           // nil until somebody asks
	shown    map[string]bool  // fields of workspaces that some reply has a value of; nil likewise
	struck   []int            // how often each fault of the plan did
	starts   []*history.Event // when each fault was noted to start, and to end; nil where it was not
	ends     []*history.Event
	panics   []*history.Event
	fed      *history.Event // an entry of the events feed, where it was read
	feedLong bool           // it has as many entries as it may
	clockBy  time.Duration  // the most that a clock was ever off

	tolerance time.Duration // how far off times on a wall clock may be; 0 where time is simulated
	polled    bool          // moves were told from readings
	slow      []slowWindow
	pressure  []*history.Event
	families  bool // somebody has a parent
}

// Space is one workspace's share of a history, each list in order.
type Space struct {
	Number   int
	Plan     *plan.Workspace
	Moves    []*history.Event
	Logs     []*history.Event
	Calls    []*history.Event // by its agent and about it by others, in the order of their ends
	Asked    []*history.Event // those of the operator
	Intruded []*history.Event // about it, by who has no right to any; not among Calls
	Proofs   []*history.Event // those calls that are accepted proofs of life
	Boots    []*history.Event
	Machines []*history.Event
	Clouds   []*history.Event
	Agents   []*history.Event
	Readings []*history.Event
	Told     []*history.Event // entries of the events feed, where the rows are out of sight
	Feed     []*history.Event // entries of the events feed beside which they are seen, newest first
	Lists    []*history.Event // readings of the list of all workspaces; with To none where it lacked this one
	Steps    []*history.Event // into the store: reads of it, and failures on its behalf
	Row      *history.Event
}

// Window is a time in which the controller could not be expected to keep a bound.
type Window struct {
	From, Until time.Duration
	Clock       bool  // a clock was off
	Cloud       bool  // only the cloud was at fault
	Of          []int // the workspaces that the cloud's fault is limited to; none where it is not
	Why         string
}

// feedLimit is how many entries the events feed shows at most: the wire's.
const feedLimit = 100

// slack is what small things may take: hops, trips to the store, a handler at work.
const slack = 5 * time.Second

func (v *View) slack() time.Duration { return slack + v.tolerance }

// NewView arranges a history of the plan. Moves that its world could not see are told from readings: see [Seen].
func NewView(p *plan.Plan, h *history.History) *View {
	h = Seen(p, h)
	v := &View{
		Plan: p, Settings: p.Times(), Table: rules.Must(p.Contract), End: time.Duration(p.Duration),
		events: h.Events, struck: make([]int, len(p.Faults)+1), polled: polled(p),
		starts: make([]*history.Event, len(p.Faults)+1), ends: make([]*history.Event, len(p.Faults)+1),
	}
	if p.Live != nil {
		v.tolerance = time.Duration(p.Live.Tolerance)
	}
	for i := range p.Workspaces {
		v.Spaces = append(v.Spaces, &Space{Number: i + 1, Plan: &p.Workspaces[i]})
		v.families = v.families || p.Workspaces[i].Parent > 0
	}
	down := map[int]time.Duration{}
	entries := 0
	for i := range h.Events {
		e := &h.Events[i]
		v.End = max(v.End, e.At.D())
		switch e.Kind {
		case history.Fault:
			switch {
			case e.Fault >= len(v.struck):
			case e.Phase == history.Struck:
				v.struck[e.Fault]++
			case e.Phase == history.Started:
				v.starts[e.Fault] = e
			case e.Phase == history.Ended:
				v.ends[e.Fault] = e
			}
		case history.Process:
			if e.Phase == history.Ended {
				down[e.Replica] = e.At.D()
			} else if since, ok := down[e.Replica]; ok {
				delete(down, e.Replica)
				v.Windows = append(v.Windows, Window{From: since, Until: e.At.D(), Why: "a controller was down"})
			}
		case history.Panic:
			v.panics = append(v.panics, e)
		case history.Turn:
			v.turns = append(v.turns, e)
			continue
		case history.Step:
			if e.WS == 0 {
				v.steps = append(v.steps, e)
				continue
			}
		case history.Slow:
			v.noteSlow(e)
			continue
		}
		if e.Kind == history.Reading && e.Call == "events" {
			v.fed = e
			entries++
			v.feedLong = entries >= feedLimit
		}
		if e.WS < 1 || e.WS > len(v.Spaces) {
			v.strange = append(v.strange, e)
			continue
		}
		v.Spaces[e.WS-1].add(e)
	}
	for _, since := range down {
		v.Windows = append(v.Windows, Window{From: since, Until: v.End, Why: "a controller was down"})
	}
	v.faultWindows()
	slices.SortFunc(v.Windows, func(a, b Window) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Until, b.Until)) })
	return v
}

func (s *Space) add(e *history.Event) {
	switch e.Kind {
	case history.Move:
		s.Moves = append(s.Moves, e)
	case history.Log:
		s.Logs = append(s.Logs, e)
	case history.Call:
		if e.Actor == history.ActorIntruder {
			s.Intruded = append(s.Intruded, e)
			return
		}
		s.Calls = append(s.Calls, e)
		if e.Actor == history.ActorOperator {
			s.Asked = append(s.Asked, e)
		}
		if e.Accepted() {
			s.Proofs = append(s.Proofs, e)
		}
	case history.Boot:
		s.Boots = append(s.Boots, e)
	case history.Machine:
		s.Machines = append(s.Machines, e)
	case history.Cloud:
		s.Clouds = append(s.Clouds, e)
	case history.Agent:
		s.Agents = append(s.Agents, e)
	case history.Reading:
		switch e.Call {
		case history.List:
			s.Lists = append(s.Lists, e)
		case history.Feed:
			s.Told = append(s.Told, e)
		case "events":
			s.Feed = append(s.Feed, e)
		default:
			s.Readings = append(s.Readings, e)
		}
	case history.Step:
		s.Steps = append(s.Steps, e)
	case history.Row:
		s.Row = e
	}
}

// faultWindows adds the windows of those faults that hinder the controller itself. What hinders agents needs none, since
// every promise to them begins with a call that was accepted.
func (v *View) faultWindows() {
	var ahead time.Duration
	for i, f := range v.Plan.Faults {
		if f.Kind == "clock" && v.struck[i+1] > 0 { // what several put off adds up while they overlap
			ahead += max(time.Duration(f.By), 0)
			v.clockBy += time.Duration(f.By).Abs()
		}
	}
	for i, f := range v.Plan.Faults {
		if v.struck[i+1] == 0 {
			continue
		}
		w := Window{From: time.Duration(f.From), Until: f.End(), Why: f.Kind}
		if began := v.starts[i+1]; v.Plan.Live != nil && began != nil {
			w.From = min(w.From, began.At.D())
		}
		if ended := v.ends[i+1]; v.Plan.Live != nil && ended != nil {
			w.Until = max(w.Until, ended.At.D()) // to end a server can take longer than it is to stay down
		}
		switch f.Kind {
		case "store-error", "store-error-after-commit", "store-slow", "stall", "preempt", "controller-stall", "postgres-crash", "postgres-restart":
		case "clock":
			w.Clock = true
			// A time that was written while the clock was ahead can mislead for as long as it was ahead.
			w.Until += ahead
		case "cloud-throttle", "cloud-capacity", "cloud-slow", "cloud-lost-reply", "cloud-stale", "describe-error", "list-stale", "list-truncated":
			w.Cloud = true
			if !slices.Contains(f.Calls, "list") { // which is about all of them
				w.Of = f.Workspaces
			}
		default:
			continue
		}
		v.Windows = append(v.Windows, w)
	}
}

// hindered reports whether a window of the controller itself overlaps the time.
func (v *View) hindered(from, until time.Duration) bool {
	return slices.ContainsFunc(v.Windows, func(w Window) bool { return !w.Cloud && w.From <= until && w.Until >= from })
}

// clockOff reports whether a clock was off in the time.
func (v *View) clockOff(from, until time.Duration) bool {
	return slices.ContainsFunc(v.Windows, func(w Window) bool { return w.Clock && w.From <= until && w.Until >= from })
}

// Whose bounds the cloud's windows extend, beside a workspace's number.
const (
	nobody  = 0
	anybody = -1
)

// extend returns when a bound is over that starts to run at from: a window that overlaps it starts it anew. Windows of the
// cloud count only where they are about the workspace: that one machine cannot be stopped keeps nobody from stopping another.
func (v *View) extend(from, bound time.Duration, workspace int) time.Duration {
	deadline := from + bound
	for _, w := range v.Windows { // in order of their starts, so one pass is enough
		if w.Cloud && (workspace == nobody || workspace != anybody && len(w.Of) > 0 && !slices.Contains(w.Of, workspace)) {
			continue
		}
		if w.From <= deadline && w.Until >= from {
			deadline = max(deadline, w.Until+bound)
		}
	}
	return deadline
}

// due is when a time that was written at from has passed by: later, where a clock that was off may have written or read it.
func (v *View) due(from, takes, sweep time.Duration) time.Duration {
	if at := from + takes; v.clockOff(from, at+sweep) {
		return at + v.clockBy
	}
	return from + takes
}

// healed is when the last hindrance was over: faults of the plan, and replicas that were down.
func (v *View) healed() time.Duration {
	last := v.Plan.Healed()
	for _, w := range v.Windows {
		if w.Until < v.End {
			last = max(last, w.Until)
		}
	}
	return last
}

// at returns the workspace's status and incarnation at the time: the last move's before or at it.
func (s *Space) at(t time.Duration) (lifecycle.Status, int) {
	i, _ := slices.BinarySearchFunc(s.Moves, t, func(m *history.Event, t time.Duration) int {
		if m.At.D() <= t {
			return -1
		}
		return 1
	})
	if i == 0 {
		return lifecycle.None, 0
	}
	return s.Moves[i-1].To, s.Moves[i-1].Inc
}

// moved reports whether a move in the time satisfies the test.
func (s *Space) moved(from, until time.Duration, test func(*history.Event) bool) bool {
	return slices.ContainsFunc(s.Moves, func(m *history.Event) bool {
		return m.At.D() >= from && m.At.D() <= until && test(m)
	})
}

// within reports whether the status satisfied the test at some moment of the time.
func (s *Space) within(from, until time.Duration, test func(lifecycle.Status) bool) bool {
	status, _ := s.at(from)
	return test(status) || s.moved(from, until, func(m *history.Event) bool { return test(m.To) })
}

// event returns the lifecycle event that the log gives for the i-th move, where log and moves agree so far. Where moves
// were told from readings, there is no log that they could be compared with.
func (v *View) event(s *Space, i int) lifecycle.Event {
	if v.polled {
		return v.told(s, i)
	}
	if i < len(s.Logs) && s.Logs[i].From == s.Moves[i].From && s.Logs[i].To == s.Moves[i].To {
		return s.Logs[i].Event
	}
	return lifecycle.NoEvent
}

// mayHave reports whether the status may have satisfied the test at some moment of the time, as far as is known: on a wall clock
// times are not exact, and a move that was told from readings was made some time between two of them.
func (v *View) mayHave(s *Space, from, until time.Duration, test func(lifecycle.Status) bool) bool {
	from, until = from-v.tolerance, until+v.tolerance
	status, since := lifecycle.None, from
	for _, m := range s.Moves {
		if since <= until && m.At.D() >= from && test(status) {
			return true
		}
		status, since = m.To, v.earliest(m)
	}
	return since <= until && test(status)
}

// twin reports whether the workspace has one: a second row, by a create that was tried again.
func (v *View) twin(s *Space) bool {
	return slices.ContainsFunc(v.strange, func(e *history.Event) bool { return e.WS == -s.Number })
}

// budget is how long a boot of the workspace may take.
func (v *View) budget(s *Space) time.Duration {
	if s.Plan.Budget > 0 {
		return time.Duration(s.Plan.Budget)
	}
	return v.Settings.Budget(s.Plan.Runtime)
}

// ttl is after how long without proof of life the workspace counts as silent.
func (v *View) ttl(s *Space) time.Duration {
	if s.Plan.External {
		return v.Settings.ExternalTTL
	}
	return v.Settings.LivenessTTL
}

package reports

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/runs"
)

// Trace renders the run in the Trace Event Format, which ui.perfetto.dev and chrome://tracing open. A process of the trace
// is a scenario; its threads are the faults, the controllers and their ticks, and for each workspace its statuses, boots,
// machines, and calls. Times are the contract's, in microseconds from the scenario's start. An arrow leads from a proof of
// life to the move that it made, where it is certain which one did.
//
// An error says which history cannot be read.
func Trace(r *runs.Run) ([]byte, error) {
	parts := make([]*tracer, len(r.Results))
	var work errgroup.Group
	work.SetLimit(runtime.GOMAXPROCS(0))
	for i, x := range r.Results {
		work.Go(func() error {
			c, err := courseOf(r, x)
			if err != nil {
				return err
			}
			parts[i] = &tracer{pid: i + 1, b: make([]byte, 0, eventBytes*x.Events)}
			parts[i].scenario(c, x)
			return nil
		})
	}
	if err := work.Wait(); err != nil {
		return nil, err
	}
	all := tracer{b: []byte(`{"displayTimeUnit":"ms","otherData":`)}
	all.object("bootrace", r.Version, "run", r.ID, "seed", fmt.Sprint(r.Seed), "world", r.World, "defect", r.Defect,
		"verdict", string(r.Verdict), "digest", r.Digest)
	all.b = append(all.b, `,"traceEvents":[`...)
	size := 0
	for _, part := range parts {
		size += len(part.b) + eventBytes*2*len(part.arrows)
	}
	all.b = slices.Grow(all.b, size)
	for _, part := range parts {
		for i := range part.arrows { // their numbers are the whole trace's
			all.arrow++
			part.flow(&part.arrows[i], all.arrow)
		}
		if part.pid > 1 {
			all.b = append(all.b, ',')
		}
		all.b = append(all.b, part.b...)
	}
	return append(all.b, "\n]}\n"...), nil
}

// eventBytes is about how long an event is.
const eventBytes = 150

// scenario writes the process of a scenario.
func (t *tracer) scenario(c *course, x *runs.Result) {
	t.meta("process_name", 0, "name", marks[x.Verdict]+" "+x.Scenario)
	t.meta("process_labels", 0, "labels", string(x.Verdict))
	t.meta("process_sort_index", 0, "sort_index", t.pid)
	for i := range c.faults {
		t.fault(c, i)
	}
	for i := range c.replicas {
		t.replica(&c.replicas[i], c.end)
	}
	t.slow(c.measured)
	t.ticks(c)
	statuses := map[int]int{} // threads, by workspace
	for _, l := range c.lanes {
		statuses[l.number] = t.lane(l)
	}
	t.calls("about no workspace", c.others)
	for _, v := range x.Judgement.Violations() {
		tid, ok := statuses[v.Workspace]
		if !ok {
			tid = t.thread("verdicts")
			statuses[v.Workspace] = tid
		}
		t.instant(tid, 'p', "verdict", "VIOLATED "+v.Invariant, v.At, "what", v.What, "expected", v.Expected, "since", invariant.Clock(v.Since))
	}
}

func (t *tracer) fault(c *course, i int) {
	f, kind := &c.faults[i], c.plan.Faults[i].Kind
	tid := t.thread(fmt.Sprintf("fault %d: %s", f.number, kind))
	if !f.began {
		return
	}
	t.slice(tid, "fault", kind, f.from, f.until, "struck", len(f.strikes))
	for _, at := range f.strikes {
		t.instant(tid, 't', "fault", kind+" strikes", at)
	}
}

func (t *tracer) replica(r *replicaCourse, end history.Time) {
	tid := t.thread(fmt.Sprintf("controller %d", r.number))
	for _, ran := range r.ran {
		t.slice(tid, "controller", "runs", ran.from, min(ran.until, end))
	}
	for _, e := range r.ticks {
		if e.Kind == history.Panic {
			t.instant(tid, 'p', "controller", "panic in "+e.By, e.At, "err", e.Err)
		} else {
			t.instant(tid, 't', "controller", e.By+" failed", e.At, "err", e.Err)
		}
	}
}

// ticks writes what each tick moved.
func (t *tracer) ticks(c *course) {
	type moved struct {
		lane *lane
		stay *stay
	}
	by := map[string][]moved{}
	for _, l := range c.lanes {
		for i := range l.stays {
			if s := &l.stays[i]; tick(s.move) {
				by[s.move.By] = append(by[s.move.By], moved{l, s})
			}
		}
	}
	names := make([]string, 0, len(by))
	for name := range by {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		tid := t.thread("tick " + name)
		slices.SortStableFunc(by[name], func(a, b moved) int { return cmp.Compare(a.stay.from, b.stay.from) })
		for _, m := range by[name] {
			t.instant(tid, 't', "move", m.lane.name+": "+moveText(m.stay.move), m.stay.from, "workspace", m.lane.number)
		}
	}
}

func moveText(m *history.Event) string { return statusName(m.From) + " → " + m.To.String() }

// lane writes the threads of a workspace, and returns that of its statuses.
func (t *tracer) lane(l *lane) int {
	name := l.name
	if l.number > 0 {
		name = fmt.Sprintf("%d %s", l.number, l.name)
	}
	tid := t.thread(name + ": status")
	for i := range l.stays {
		s := &l.stays[i]
		t.slice(tid, "status", s.status.String(), s.from, s.until, "incarnation", s.inc, "by", by(s.move), "cause", s.move.Cause)
		t.instant(tid, 't', "move", moveText(s.move), s.from, "by", by(s.move))
	}

	var boots []piece
	for i := range l.boots {
		boots = append(boots, bootPiece(&l.boots[i]))
	}
	t.spread(name+": boot", boots)

	var machines []piece
	for _, m := range l.machines {
		machines = append(machines, piece{cat: "machine", name: m.id, from: m.launched, until: m.until, args: []any{"incarnation", m.inc, "ended", m.ended}})
	}
	t.spread(name+": machine", machines)

	placed := t.calls(name, l.calls)
	for i := range l.stays {
		if call := l.proof(l.stays[i].move); call != nil {
			t.arrows = append(t.arrows, arrow{from: placed[call], sent: call.Sent, to: tid, at: l.stays[i].from})
		}
	}

	var clouds []piece
	for _, e := range l.clouds {
		clouds = append(clouds, piece{
			cat: "cloud", name: e.Call, from: e.Sent, until: e.At, args: []any{"machine", e.Machine, "incarnation", e.Inc, "controller", e.Replica, "err", e.Err},
		})
	}
	t.spread(name+": cloud", clouds)
	return tid
}

// bootPiece is a boot with its phases, each from the end of the one before.
func bootPiece(b *bootCourse) piece {
	p := piece{cat: "boot", name: "boot", from: b.began, until: b.began, args: []any{"incarnation", b.inc}}
	if b.budget > 0 {
		p.args = append(p.args, "budget", invariant.Span(b.budget))
	} else {
		p.name = "boot again"
	}
	for _, e := range b.phases {
		name := "launch"
		switch {
		case e.Kind == history.Machine:
		case e.Phase == history.ImagePulled:
			name = "image pull"
		case e.Phase == history.AgentStarted:
			name = "agent start"
		case e.Phase == history.PreflightDone:
			name = "LLM preflight"
		default:
			name = e.Phase
		}
		p.within = append(p.within, piece{cat: "boot", name: name, from: p.until, until: e.At})
		p.until = e.At
	}
	return p
}

// calls writes calls about one workspace, and returns where each stands.
func (t *tracer) calls(name string, calls []*history.Event) map[*history.Event]int {
	pieces := make([]piece, len(calls))
	for i, e := range calls {
		pieces[i] = piece{cat: "call", name: e.Call, from: min(e.Sent, e.At), until: e.At}
		if e.Actor != history.ActorAgent {
			pieces[i].name = e.Actor + " " + e.Call
		}
		if e.Code != 0 {
			pieces[i].args = append(pieces[i].args, "code", e.Code)
		}
		pieces[i].args = append(pieces[i].args, "err", e.Err, "says", e.Says)
		if e.Inc > 1 {
			pieces[i].args = append(pieces[i].args, "incarnation", e.Inc)
		}
	}
	placed := map[*history.Event]int{}
	for i, tid := range t.spread(name+": calls", pieces) {
		placed[calls[i]] = tid
	}
	return placed
}

// proof returns the call that made the move: the one proof of life that was under way when the row changed. It returns nil
// where none was, or where several were and nobody can tell whose the change is.
func (l *lane) proof(m *history.Event) *history.Event {
	if m.ByInc == 0 {
		return nil
	}
	var found *history.Event
	for _, c := range l.calls {
		if c.Actor != history.ActorAgent || c.Call != m.By || c.Inc != m.ByInc || c.Sent > m.At || c.At < m.At {
			continue
		}
		if found != nil {
			return nil
		}
		found = c
	}
	return found
}

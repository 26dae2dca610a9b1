package explore

import (
	"fmt"
	"slices"

	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/harness/contract"
	"github.com/bootrace/bootrace/harness/operator"
)

// Violation is a promise that a step broke, or that is never met.
type Violation struct {
	Invariant string `json:"invariant"`
	Workspace int    `json:"workspace,omitempty"` // its number, from 1
	What      string `json:"what"`
}

func violated(invariant string, space int, format string, args ...any) *Violation {
	return &Violation{Invariant: invariant, Workspace: space, What: fmt.Sprintf(format, args...)}
}

// Judged are the invariants that a search judges, in the order of package invariant. Those that are missing are about how
// long things take (launches), which a world without lengths cannot tell, about parents, which nobody here has
// (referential-integrity), or about replies that overlap (linearizable), where one thing happens at a time. Nobody here judges what
// is stored beside the status (stored-as-sent, degraded-as-reported), whether a refused launch was refused for good, what intruders
// get (keeps-out), or whether declared policies are kept (as-declared): generated plans do. Policies excuse here what they excuse there.
func Judged() []string {
	return []string{
		"converges", "stays-online", "detects-silence", "gives-up", "removed-is-terminal", "operator-intent-holds",
		"unasked", "loser-cannot-overwrite-winner", "legal-edges", "one-machine", "current-incarnation", "reply-is-state",
		"event-iff-transition", "cause-kept", "no-phantom-rows", "bounded-churn", "no-panic",
	}
}

// moved takes over what a call to the store did, and judges it.
func (w *world) moved(c *state, t *task, a *written) *Violation {
	before := c.rows
	c.rows = a.rows
	if o := t.node.op; t.who == anAgent && a.result.err == nil && (o.name == "heartbeat" || o.name == "register") {
		if r := w.row(a.rows, int(t.space)); r != nil && r.Incarnation == int(t.inc) {
			c.memo[t.space-1].proved = max(c.memo[t.space-1].proved, t.sent)
		}
	}
	if a.rows == before && len(a.log) == 0 {
		return nil
	}
	w.trace.logged(a.log)
	for i := range a.rows.all {
		r := &a.rows.all[i]
		space := w.probe.numbers[r.ID]
		if space == 0 {
			return violated("no-phantom-rows", 0, "%s made a row for an id that nobody created", t.node.program.call)
		}
		if r.Status == lifecycle.Failed && r.Cause == "" {
			return violated("cause-kept", space, "%s left it failed, without a cause", t.node.program.call)
		}
		if v := w.judgeMove(c, t, space, w.row(before, space), r, a.log); v != nil {
			return v
		}
	}
	return nil
}

// judgeMove judges what a call did to one workspace.
func (w *world) judgeMove(c *state, t *task, space int, was, is *store.Workspace, log []store.Transition) *Violation {
	from, inc := lifecycle.None, is.Incarnation
	if was != nil {
		from, inc = was.Status, was.Incarnation
	}
	var entry *store.Transition
	entries := 0
	for i := range log {
		if log[i].WorkspaceID == is.ID {
			entry = &log[i]
			entries++
		}
	}
	by := t.node.program.call
	if from == is.Status && inc == is.Incarnation {
		if entries > 0 {
			return violated("event-iff-transition", space, "the log has %s from %s to %s by %s, and the row did not move",
				entry.Event, entry.From, entry.To, by)
		}
		return nil
	}
	w.trace.moved(w, c, t, space, from, is)
	memo := &c.memo[space-1]
	if was == nil || inc != is.Incarnation {
		memo.began, memo.proved = t.sent, -1
	}
	for i := range c.tasks {
		if o := &c.tasks[i]; o.who == anOperator && int(o.space) == space {
			o.seen |= 1 << is.Status
		}
	}
	event := lifecycle.NoEvent
	if entry != nil {
		event = entry.Event
	}
	to, legal := w.table.Next(event, from)
	legal = legal && to == is.Status
	switch {
	case from == lifecycle.Removed:
		return violated("removed-is-terminal", space, "it was removed, and %s made it %s", by, is.Status)
	case w.table.Outcome(event) && !legal:
		return violated("loser-cannot-overwrite-winner", space, "it was %s, and a late %s made it %s", from, event, is.Status)
	case w.table.Held(from) && t.who != anOperator && event != lifecycle.MachineStopped:
		return violated("operator-intent-holds", space, "it was %s, and %s made it %s", from, by, is.Status)
	case entries != 1 || entry.From != from || entry.To != is.Status:
		return violated("event-iff-transition", space, "%s moved it from %s to %s, and the log has %d entries of that", by, from, is.Status, entries)
	case !legal:
		return violated("legal-edges", space, "%s moved it from %s to %s by %s, which no edge allows", by, from, is.Status, event)
	case !w.licensed(t, event, from, by):
		return violated("unasked", space, "%s moved it from %s to %s by %s, and nobody had asked for that", by, from, is.Status, event)
	case w.table.Converged(is.Status) && t.who == anAgent && int(t.inc) != is.Incarnation:
		return violated("current-incarnation", space, "the %s of incarnation %d made incarnation %d %s", by, t.inc, is.Incarnation, is.Status)
	case event == lifecycle.ProvisionTimeout && c.now-memo.began < budget && !w.noticed(c, is):
		return violated("gives-up", space, "its boot was given up after %s of a budget of %s", c.now-memo.began, budget)
	case w.table.Converged(from) && (is.Status == lifecycle.Offline || is.Status == lifecycle.Failed) && t.who == aTick &&
		memo.proved >= 0 && c.now-memo.proved < ttl && !w.noticed(c, is):
		return violated("stays-online", space, "%s made it %s %s after its agent's last call", by, is.Status, c.now-memo.proved)
	}
	return nil
}

// noticed reports whether the target says that it notices the end of a machine at once, and none of the workspace's lives.
func (w *world) noticed(c *state, row *store.Workspace) bool {
	return w.table.Policies().NoticesDeath && !slices.ContainsFunc(c.fleet.all, func(m cloud.Machine) bool {
		return m.WorkspaceID == row.ID.String() && m.Incarnation == row.Incarnation && m.State.Live()
	})
}

// led reports whether the workspace was, at some moment of the task, where the call that was granted leads.
func (w *world) led(t *task, call string) bool {
	leads := false
	for _, e := range w.table.Edges() {
		for _, l := range w.table.Licences(e.Event) {
			if l.Call != call || call == "bootstrap-failed" || call == "create" {
				continue
			}
			if leads = true; t.seen&(1<<e.To) != 0 {
				return true
			}
		}
	}
	return !leads
}

// licensed reports whether the contract lets the task move a workspace by the event. What a rule licenses, ticks do, and calls
// that wait for it.
func (w *world) licensed(t *task, event lifecycle.Event, from lifecycle.Status, by string) bool {
	return slices.ContainsFunc(w.table.Licences(event), func(l contract.Licence) bool {
		return (l.From == "" || l.From == from.String()) && (l.Call == by && t.who != aTick || l.Rule != "" && t.who != anAgent)
	})
}

// replied judges the reply that a task ends with.
func (w *world) replied(c *state, t *task) *Violation {
	reply := t.node.end.response
	call := t.node.program.call
	switch {
	case t.who == aStray && reply.Code/100 == 2:
		return violated("no-phantom-rows", 0, "the %s of an id that nobody created got %d", call, reply.Code)
	case t.who == anAgent && t.late && reply.Code/100 == 2:
		return violated("removed-is-terminal", int(t.space), "it was removed, and its agent's %s got %d", call, reply.Code)
	case t.who != anOperator || reply.Code/100 != 2:
		return nil
	}
	if call == "delete" {
		c.memo[t.space-1].removed = true
	}
	if !w.led(t, call) {
		return violated("reply-is-state", int(t.space), "the %s was granted with %d and did nothing: the row says %s", call, reply.Code,
			w.row(c.rows, int(t.space)).Status)
	}
	says, _ := operator.ReadReply(call, reply)
	if says == "" {
		return nil
	}
	for status := lifecycle.None; status <= lifecycle.Removed; status++ {
		if t.seen&(1<<status) != 0 && status.String() == says {
			return nil
		}
	}
	row := w.row(c.rows, int(t.space))
	return violated("reply-is-state", int(t.space), "the reply to %s says %s, and the row says %s", call, says, row.Status)
}

// unmet returns the promises that are not met in a state in which nothing is under way and nothing goes wrong, each with
// what is the matter.
func (w *world) unmet(s *state) map[Violation]bool {
	open := map[Violation]bool{}
	add := func(v *Violation) { open[*v] = true }
	for n := range w.ids {
		space := n + 1
		row := w.row(s.rows, space)
		if row == nil {
			continue
		}
		current, some := false, false
		for i := range s.lives {
			l := &s.lives[i]
			if int(l.space) != space || !l.lives() || l.booting {
				continue
			}
			some = true
			current = current || int(l.inc) == row.Incarnation
		}
		switch {
		case current && !w.table.Held(row.Status) && !w.table.Converged(row.Status):
			add(violated("converges", space, "its agent is up and calls again and again, and it is %s for ever", row.Status))
		case !some && w.table.Converged(row.Status):
			add(violated("detects-silence", space, "no agent of it lives, and it is %s for ever", row.Status))
		case !some && row.Status == lifecycle.Provisioning:
			add(violated("gives-up", space, "no boot of it will ever end, and it is %s for ever", row.Status))
		case row.Status == lifecycle.Hibernating:
			add(violated("operator-intent-holds", space, "it is %s for ever", row.Status))
		}
		live := 0
		for i := range s.fleet.all {
			m := &s.fleet.all[i]
			if m.WorkspaceID != row.ID.String() || !m.State.Live() {
				continue
			}
			live++
			if !w.table.KeepsMachine(row.Status) || m.Incarnation != row.Incarnation {
				add(violated("one-machine", space, "it is %s, and machine %s of incarnation %d runs for ever", row.Status, m.ID, m.Incarnation))
			}
		}
		if live > 1 {
			add(violated("one-machine", space, "%d machines of it run for ever", live))
		}
	}
	return open
}

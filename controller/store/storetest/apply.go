package storetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

var applyTests = []subtest{
	{"moves where the table has an edge, and nowhere else", func(f *fixture) { f.applyAll() }},
	{"an outcome of another incarnation never moves", applyGuardsIncarnation},
	{"an unknown id is ErrNotFound", applyUnknown},
	{"a new incarnation has a new boot, and nothing of the old one's life", applyBeginsIncarnation},
	{"a new incarnation's token counts as confirmed, if there is one", applyBootToken},
	{"an event that begins an incarnation needs a boot", applyNeedsBoot},
	{"no other call moves the boot's start and deadline", applyKeepsDeadline},
	{"a cause stays while the workspace is failed, and in the log", applyCause},
	{"removed revokes the token", applyRemovedRevokes},
	{"one that awaits its agent has not been seen", applyAwaitingUnseen},
	{"Childless refuses while a child lives", applyChildless},
}

// lived is a workspace that has been through something: every field that a new incarnation resets is set.
func lived(w *store.Workspace) {
	w.Token, w.TokenConfirmed = token("t"), true
	w.LastSeenAt, w.ErrorRate, w.SampleError, w.ActiveTasks = epoch, 0.5, "oops", 2
	w.UptimeSeconds, w.CurrentTask, w.RuntimeState = 99, "thinking", "wedged"
	w.MachineID, w.MachineIncarnation = "i-1", 1
	w.LaunchAfter, w.LaunchAttempts, w.LaunchError = epoch, 3, "throttled"
	w.URL, w.Card = "http://agent", []byte(`{}`)
}

// moved is the row after a transition that changes nothing but where it is.
func moved(w store.Workspace, to lifecycle.Status, cause string, now time.Time) store.Workspace {
	w.Status, w.UpdatedAt, w.Cause = to, now, ""
	if to == lifecycle.Failed {
		w.Cause = cause
	}
	return w
}

// applied is the row that a change leads to by the table, and where it leads to.
func applied(table *lifecycle.Table, w store.Workspace, c store.Change) (store.Workspace, bool) {
	to, ok := table.Next(c.Event, w.Status)
	if !ok || c.Incarnation != 0 && c.Incarnation != w.Incarnation {
		return w, false
	}
	w = moved(w, to, c.Cause, c.Now)
	switch {
	case c.Event.BeginsIncarnation():
		w.Incarnation++
		w.BootStartedAt, w.BootDeadline = c.Now, c.Boot.Deadline
		w.Token, w.TokenConfirmed = c.Boot.Token, !c.Boot.Token.IsZero()
		w.LastSeenAt = time.Time{}
		w.ErrorRate, w.SampleError, w.ActiveTasks = 0, "", 0
		w.UptimeSeconds, w.CurrentTask, w.RuntimeState = 0, "", ""
		w.LaunchAfter, w.LaunchAttempts, w.LaunchError = time.Time{}, 0, ""
	case to == lifecycle.AwaitingAgent:
		w.LastSeenAt = time.Time{}
	case to == lifecycle.Removed:
		w.Token, w.TokenConfirmed = store.TokenHash{}, false
	}
	return w, true
}

// wantChange applies the change and holds the store to what it must do.
func (f *fixture) wantChange(before store.Workspace, c store.Change) {
	f.Helper()
	what := fmt.Sprintf("%s of a %s workspace", c.Event, before.Status)
	want, moves := applied(f.table, before, c)
	m := f.mark()
	m.begins = c.Event.BeginsIncarnation()
	out, err := f.Apply(f.ctx, c)
	f.ok(err)
	wantOut := store.Outcome{Status: want.Status, Incarnation: want.Incarnation, Moved: moves}
	var entries []store.Transition
	if moves {
		wantOut.Transition = store.Transition{
			Seq: m.last.Seq + 1, WorkspaceID: c.ID, Incarnation: want.Incarnation,
			Event: c.Event, From: before.Status, To: want.Status, Cause: c.Cause, At: c.Now,
		}
		entries = append(entries, wantOut.Transition)
	}
	f.same(what+": outcome", out, wantOut)
	f.same(what+": row", f.get(c.ID), want)
	f.wantSince(m, what, entries...)
}

// applyAll applies every event to a workspace in every status that can be reached.
func (f *fixture) applyAll() {
	f.Helper()
	for _, status := range lifecycle.Statuses() {
		if _, ok := pathTo(f.table, lifecycle.Create, status); !ok {
			continue
		}
		for _, event := range append(lifecycle.Events(), lifecycle.NoEvent, lifecycle.Event(200)) {
			w := f.reach(status, lived)
			f.wantChange(w, f.change(w.ID, event))
			if f.Failed() {
				return
			}
		}
	}
}

func applyGuardsIncarnation(f *fixture) {
	for _, edge := range f.table.Edges() {
		if edge.From == lifecycle.None {
			continue
		}
		// Incarnation 3 at least, so that there is an older one which is not 0.
		w := f.reach(edge.From, func(w *store.Workspace) { w.Incarnation = 3 })
		for _, other := range []int{w.Incarnation - 1, w.Incarnation + 1, -1, 1} {
			c := f.change(w.ID, edge.Event)
			c.Incarnation = other
			f.wantChange(w, c)
		}
		c := f.change(w.ID, edge.Event)
		c.Incarnation = w.Incarnation
		f.wantChange(w, c)
	}
}

func applyUnknown(f *fixture) {
	parent := f.create()
	f.create(func(w *store.Workspace) { w.ParentID = uuid.NullUUID{UUID: parent.ID, Valid: true} })
	f.unmoved(parent, "unknown", func() {
		for _, event := range append(lifecycle.Events(), lifecycle.NoEvent) {
			for _, childless := range []bool{false, true} {
				c := f.change(idOf(999), event)
				c.Childless = childless
				out, err := f.Apply(f.ctx, c)
				if !errors.Is(err, store.ErrNotFound) {
					f.Errorf("%s of an unknown id = %v", event, err)
				}
				f.same("outcome", out, store.Outcome{})
			}
		}
	})
}

// begins returns the edges that begin an incarnation.
func (f *fixture) begins() (edges []lifecycle.Edge) {
	for _, e := range f.table.Edges() {
		if e.Event.BeginsIncarnation() {
			edges = append(edges, e)
		}
	}
	return edges
}

func applyBeginsIncarnation(f *fixture) {
	for _, e := range f.begins() {
		w := f.reach(e.From, lived)
		before := w.Incarnation
		out := f.apply(w.ID, e.Event)
		f.same("incarnation of the outcome", out.Incarnation, before+1)
		f.same("incarnation of the transition", out.Transition.Incarnation, before+1)
		got := f.get(w.ID)
		f.same("boot", []time.Time{got.BootStartedAt, got.BootDeadline}, []time.Time{f.now, f.now.Add(budget)})
		// What is not of one boot stays: who it is, what it last said it is, and the machine, which somebody has to stop.
		f.same("kept", []any{got.ID, got.URL, string(got.Card), got.MachineID, got.MachineIncarnation, got.CreatedAt},
			[]any{w.ID, w.URL, string(w.Card), w.MachineID, w.MachineIncarnation, w.CreatedAt})
		f.same("last seen", got.LastSeenAt, time.Time{})
		f.same("launch", []any{got.LaunchAfter, got.LaunchAttempts, got.LaunchError}, []any{time.Time{}, 0, ""})
	}
}

func applyBootToken(f *fixture) {
	for _, e := range f.begins() {
		for _, given := range []store.TokenHash{{}, token("given")} {
			w := f.reach(e.From, lived)
			c := f.change(w.ID, e.Event)
			c.Boot.Token = given
			f.wantChange(w, c)
			got := f.get(w.ID)
			f.same("token", got.Token, given)
			f.same("confirmed", got.TokenConfirmed, !given.IsZero())
		}
	}
}

func applyNeedsBoot(f *fixture) {
	for _, e := range f.begins() {
		w := f.reach(e.From, lived)
		f.unmoved(w, "no boot", func() {
			c := f.change(w.ID, e.Event)
			c.Boot = nil
			if _, err := f.Apply(f.ctx, c); err == nil {
				f.Errorf("%s without a boot is no error", e.Event)
			}
		})
		// Elsewhere a boot is ignored.
	}
	for _, e := range f.table.Edges() {
		if e.From != lifecycle.None && !e.Event.BeginsIncarnation() {
			w := f.reach(e.From, lived)
			c := f.change(w.ID, e.Event)
			c.Boot = &store.Boot{Deadline: epoch, Token: token("ignored")}
			f.wantChange(w, c)
		}
	}
}

func applyKeepsDeadline(f *fixture) {
	for _, status := range lifecycle.Statuses() {
		w := f.reach(status, func(w *store.Workspace) { w.Token = token("t") })
		check := func(what string) {
			f.Helper()
			got := f.get(w.ID)
			f.same("boot after "+what, []time.Time{got.BootStartedAt, got.BootDeadline}, []time.Time{w.BootStartedAt, w.BootDeadline})
		}
		now := f.tickOn()
		for _, e := range lifecycle.Events() {
			if !e.BeginsIncarnation() && e != lifecycle.Remove {
				_, err := f.Apply(f.ctx, f.change(w.ID, e))
				f.ok(err)
				check("apply " + e.String())
				_, _ = f.Heartbeat(f.ctx, store.Beat{ID: w.ID, Token: token("t"), Event: e, Now: now})
				check("heartbeat " + e.String())
			}
		}
		_, _ = f.Register(f.ctx, store.Registration{ID: w.ID, Token: token("t"), Now: now})
		check("register")
		_ = f.UpdateCard(f.ctx, w.ID, token("t"), []byte(`{}`))
		check("update card")
		_, err := f.ExpireBoots(f.ctx, now.Add(time.Hour), "", 100)
		f.ok(err)
		check("expire boots")
		_, err = f.ExpireSilent(f.ctx, store.Silence{Now: now.Add(time.Hour), Limit: 100}, "")
		f.ok(err)
		check("expire silent")
		_, err = f.ClaimLaunches(f.ctx, now, now.Add(time.Minute), 100)
		f.ok(err)
		check("claim")
		f.ok(f.DeferLaunch(f.ctx, w.ID, w.Incarnation, "x", now))
		check("defer")
		_, err = f.AttachMachine(f.ctx, w.ID, w.Incarnation, "i-1")
		f.ok(err)
		check("attach")
		f.ok(f.ReleaseMachine(f.ctx, w.ID, "i-1"))
		check("release")
	}
}

func applyCause(f *fixture) {
	for _, e := range f.table.Edges() {
		if e.To != lifecycle.Failed || e.From == lifecycle.None {
			continue
		}
		for _, out := range f.table.Edges() {
			if out.From != lifecycle.Failed {
				continue
			}
			w := f.reach(e.From)
			cause := f.apply(w.ID, e.Event).Transition.Cause
			f.same("cause while failed", f.get(w.ID).Cause, cause)
			// What does not move it leaves it.
			_, err := f.Apply(f.ctx, f.change(w.ID, lifecycle.NoEvent))
			f.ok(err)
			f.ok(f.UpdateCard(f.ctx, w.ID, store.TokenHash{}, []byte(`{}`)))
			f.same("cause while failed", f.get(w.ID).Cause, cause)
			f.apply(w.ID, out.Event)
			if f.get(w.ID).Status != lifecycle.Failed {
				f.same("cause after "+out.Event.String(), f.get(w.ID).Cause, "")
			}
			log := f.history(w.ID)
			f.same("cause in the log", log[len(log)-2].Cause, cause)
		}
	}
}

func applyRemovedRevokes(f *fixture) {
	for _, e := range f.table.Edges() {
		if e.To != lifecycle.Removed {
			continue
		}
		w := f.reach(e.From, lived)
		f.apply(w.ID, e.Event)
		got := f.get(w.ID)
		f.same("token", got.Token, store.TokenHash{})
		f.same("confirmed", got.TokenConfirmed, false)
	}
}

func applyAwaitingUnseen(f *fixture) {
	for _, e := range f.table.Edges() {
		if e.To == lifecycle.AwaitingAgent && e.From != lifecycle.None {
			w := f.reach(e.From, lived)
			f.apply(w.ID, e.Event)
			f.same("last seen", f.get(w.ID).LastSeenAt, time.Time{})
		}
	}
}

func applyChildless(f *fixture) {
	childOf := func(p store.Workspace) func(*store.Workspace) {
		return func(w *store.Workspace) { w.ParentID = uuid.NullUUID{UUID: p.ID, Valid: true} }
	}
	for _, status := range lifecycle.Statuses() {
		path, _ := pathTo(f.table, lifecycle.Create, status)
		for _, event := range append(lifecycle.Events(), lifecycle.NoEvent) {
			parent := f.create()
			child := f.insert(lifecycle.Create, childOf(parent))
			for _, e := range path {
				f.apply(parent.ID, e)
			}
			parent = f.get(parent.ID)
			c := f.change(parent.ID, event)
			c.Childless = true
			f.unmoved(parent, "with a child", func() {
				out, err := f.Apply(f.ctx, c)
				if !errors.Is(err, store.ErrHasChildren) {
					f.Errorf("%s of a %s workspace with a child = %v", event, status, err)
				}
				f.same("outcome", out, store.Outcome{})
			})
			f.apply(child, lifecycle.Remove)
			f.wantChange(parent, c)
			if f.Failed() {
				return
			}
		}
	}
	// One removed child does not make it childless, a grandchild does not make it a parent, and the incarnation still counts.
	parent := f.create()
	first, second := f.create(childOf(parent)), f.create(childOf(parent))
	f.create(childOf(second))
	c := f.change(parent.ID, lifecycle.Remove)
	c.Childless = true
	f.apply(first.ID, lifecycle.Remove)
	f.unmoved(parent, "with another child", func() {
		if err := errOf(f.Apply(f.ctx, c)); !errors.Is(err, store.ErrHasChildren) {
			f.Errorf("remove of a workspace with another child = %v", err)
		}
	})
	f.apply(second.ID, lifecycle.Remove)
	c.Incarnation = parent.Incarnation + 1
	f.wantChange(parent, c)
	c.Incarnation = parent.Incarnation
	f.wantChange(parent, c)
}

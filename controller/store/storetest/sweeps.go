package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

var sweepTests = []subtest{
	{"ExpireBoots moves by the table, in every status", func(f *fixture) { f.expireAllBoots() }},
	{"ExpireBoots moves at the deadline, not before, and once", expireBootsWhen},
	{"ExpireBoots takes the oldest deadlines first, then ids, at most limit", expireBootsOrder},
	{"ExpireBoots names the last launch error of the incarnation", expireBootsCause},
	{"ExpireSilent moves by the table, in every status", func(f *fixture) { f.expireAllSilent() }},
	{"ExpireSilent moves at the TTL, ours and external, not before, and once", expireSilentWhen},
	{"ExpireSilent takes the longest silent first, then ids, at most limit", expireSilentOrder},
}

// wantSweep holds one sweep to moving exactly these workspaces, in this order.
func (f *fixture) wantSweep(
	what string, event lifecycle.Event, now time.Time, due []store.Workspace, causes []string,
	sweep func() ([]store.Transition, error),
) {
	f.Helper()
	m := f.mark()
	var want []store.Transition
	rows := make([]store.Workspace, len(due))
	for i, w := range due {
		to, ok := f.table.Next(event, w.Status)
		if !ok {
			f.Fatalf("%s: the table has no %s out of %s", what, event, w.Status)
		}
		want = append(want, store.Transition{
			Seq: m.last.Seq + int64(i) + 1, WorkspaceID: w.ID, Incarnation: w.Incarnation,
			Event: event, From: w.Status, To: to, Cause: causes[i%len(causes)], At: now,
		})
		rows[i] = moved(w, to, causes[i%len(causes)], now)
	}
	got, err := sweep()
	f.ok(err)
	f.same(what+": transitions", got, want)
	f.wantSince(m, what, want...)
	for i := range rows {
		f.same(what+": row", f.get(rows[i].ID), rows[i])
	}
}

func (f *fixture) wantBoots(what string, now time.Time, limit int, due ...store.Workspace) {
	f.Helper()
	f.wantSweep(what, lifecycle.ProvisionTimeout, now, due, []string{"too late"}, func() ([]store.Transition, error) {
		return f.ExpireBoots(f.ctx, now, "too late", limit)
	})
}

func (f *fixture) wantSilent(what string, now time.Time, limit int, due ...store.Workspace) {
	f.Helper()
	f.wantSweep(what, lifecycle.Silence, now, due, []string{"silent"}, func() ([]store.Transition, error) {
		return f.ExpireSilent(f.ctx, store.Silence{Now: now, TTL: ttl, ExternalTTL: extTTL, Limit: limit}, "silent")
	})
}

// oneInEach makes a workspace in every status that can be reached, and returns those that the event moves.
func (f *fixture) oneInEach(event lifecycle.Event, finish func(w store.Workspace) store.Workspace) (due []store.Workspace) {
	f.Helper()
	for _, status := range lifecycle.Statuses() {
		if _, ok := pathTo(f.table, lifecycle.Create, status); !ok {
			continue
		}
		w := finish(f.reach(status))
		if _, moves := f.table.Next(event, status); moves {
			due = append(due, w)
		}
	}
	return due
}

func (f *fixture) expireAllBoots() {
	f.Helper()
	due := f.oneInEach(lifecycle.ProvisionTimeout, func(w store.Workspace) store.Workspace { return w })
	slices.SortStableFunc(due, func(a, b store.Workspace) int { return a.BootDeadline.Compare(b.BootDeadline) })
	f.wantBoots("all statuses", f.tickOn().Add(time.Hour), 100, due...)
}

func (f *fixture) expireAllSilent() {
	f.Helper()
	due := f.oneInEach(lifecycle.Silence, func(w store.Workspace) store.Workspace {
		if w.Status == lifecycle.Removed {
			return w
		}
		beat := store.Beat{ID: w.ID, Token: w.Token, Now: f.tickOn()} // no event: it proves life and moves nothing
		f.ok(errOf(f.Heartbeat(f.ctx, beat)))
		return f.get(w.ID)
	})
	due = slices.DeleteFunc(due, func(w store.Workspace) bool { return w.LastSeenAt.IsZero() })
	slices.SortStableFunc(due, func(a, b store.Workspace) int { return a.LastSeenAt.Compare(b.LastSeenAt) })
	f.wantSilent("all statuses", f.tickOn().Add(time.Hour), 100, due...)
}

func expireBootsWhen(f *fixture) {
	w := f.create()
	f.create(func(w *store.Workspace) { w.BootDeadline = time.Time{} }) // has none, and never expires
	f.wantBoots("before", w.BootDeadline.Add(-tick), 10)
	f.wantBoots("at", w.BootDeadline, 10, w)
	f.wantBoots("again", w.BootDeadline, 10)
	f.wantBoots("later", w.BootDeadline.Add(time.Hour), 10)

	// The deadline is that of the incarnation.
	w = f.reach(lifecycle.Failed)
	f.apply(w.ID, lifecycle.Restart)
	w = f.get(w.ID)
	f.wantBoots("before the restarted boot's", w.BootDeadline.Add(-tick), 10)
	f.wantBoots("at the restarted boot's", w.BootDeadline, 10, w)
}

func expireBootsOrder(f *fixture) {
	all := f.spread(lifecycle.Provisioning, func(w *store.Workspace, at time.Time) { w.BootDeadline = at })
	now := epoch.Add(time.Hour)
	f.wantBoots("limit 0", now, 0)
	f.wantBoots("limit 5", now, 5, all[:5]...)
	f.wantBoots("limit 1", now, 1, all[5:6]...)
	f.wantBoots("the rest", now, 100, all[6:]...)
}

// spread makes workspaces with one of a few times, and returns them in order of it, then id.
func (f *fixture) spread(status lifecycle.Status, set func(w *store.Workspace, at time.Time)) (all []store.Workspace) {
	f.Helper()
	type entry struct {
		at time.Time
		id uuid.UUID
	}
	var order []entry
	for i := range 15 {
		at := epoch.Add(time.Duration(i*4%5) * tick)
		w := f.createBy(lifecycle.Create, func(w *store.Workspace) { set(w, at) })
		order = append(order, entry{at, w.ID})
		path, _ := pathTo(f.table, lifecycle.Create, status)
		for _, e := range path {
			f.apply(w.ID, e)
		}
	}
	slices.SortFunc(order, func(a, b entry) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		return slices.Compare(a.id[:], b.id[:])
	})
	for _, e := range order {
		all = append(all, f.get(e.id))
	}
	return all
}

func expireBootsCause(f *fixture) {
	w := f.create()
	f.ok(f.DeferLaunch(f.ctx, w.ID, 1, "no capacity", f.tickOn()))
	plain := f.create()
	cleared := f.create()
	f.ok(f.DeferLaunch(f.ctx, cleared.ID, 1, "no capacity", f.tickOn()))
	f.ok(errOf(f.AttachMachine(f.ctx, cleared.ID, 1, "i-1")))
	older := f.create()
	f.ok(f.DeferLaunch(f.ctx, older.ID, 1, "no capacity", f.tickOn()))
	f.apply(older.ID, lifecycle.Restart)
	now := f.tickOn().Add(time.Hour)
	f.wantSweep("causes", lifecycle.ProvisionTimeout, now,
		[]store.Workspace{f.get(w.ID), f.get(plain.ID), f.get(cleared.ID), f.get(older.ID)},
		[]string{"too late; last launch error: no capacity", "too late", "too late", "too late"},
		func() ([]store.Transition, error) { return f.ExpireBoots(f.ctx, now, "too late", 10) })
}

func expireSilentWhen(f *fixture) {
	for _, event := range []lifecycle.Event{lifecycle.Create, lifecycle.CreateExternal} {
		limit := ttl
		if event == lifecycle.CreateExternal {
			limit = extTTL
		}
		w := f.createBy(event)
		f.ok(errOf(f.Heartbeat(f.ctx, f.beat(w, lifecycle.Beat))))
		w = f.get(w.ID)
		what := func(when string) string { return fmt.Sprintf("%s, %s", event, when) }
		f.wantSilent(what("before"), w.LastSeenAt.Add(limit-tick), 10)
		f.wantSilent(what("at"), w.LastSeenAt.Add(limit), 10, w)
		f.wantSilent(what("again"), w.LastSeenAt.Add(limit), 10)
		// A TTL may be finer than a store's times: then what counts is whether it has passed.
		f.ok(errOf(f.Heartbeat(f.ctx, f.beat(w, lifecycle.Beat))))
		w = f.get(w.ID)
		fine := store.Silence{Now: w.LastSeenAt.Add(2 * tick), TTL: tick + 1, ExternalTTL: tick + 1, Limit: 10}
		early := fine
		early.Now = w.LastSeenAt.Add(tick)
		f.wantSweep(what("before a fine TTL"), lifecycle.Silence, early.Now, nil, nil,
			func() ([]store.Transition, error) { return f.ExpireSilent(f.ctx, early, "") })
		f.wantSweep(what("after a fine TTL"), lifecycle.Silence, fine.Now, []store.Workspace{w}, []string{""},
			func() ([]store.Transition, error) { return f.ExpireSilent(f.ctx, fine, "") })
	}
	// One that was never seen is not silent.
	f.reach(lifecycle.Online)
	f.wantSilent("never seen", f.tickOn().Add(24*time.Hour), 10)
}

func expireSilentOrder(f *fixture) {
	all := f.spread(lifecycle.Online, func(w *store.Workspace, at time.Time) { w.LastSeenAt = at })
	now := epoch.Add(time.Hour)
	f.wantSilent("limit 0", now, 0)
	f.wantSilent("limit 5", now, 5, all[:5]...)
	f.wantSilent("limit 1", now, 1, all[5:6]...)
	f.wantSilent("the rest", now, 100, all[6:]...)
}

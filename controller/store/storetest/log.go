package storetest

import (
	"slices"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

var logTests = []subtest{
	{"Transitions are newest first, of one or of all, at most limit", logOrder},
	{"an entry exists if and only if the workspace moved", logIffMoved},
	{"the log outlives the workspace", logOutlives},
}

func logOrder(f *fixture) {
	none, err := f.Transitions(f.ctx, uuid.NullUUID{}, 0)
	f.ok(err)
	f.same("log of none", none, []store.Transition(nil))
	a, b := f.create(), f.create()
	for range 4 {
		f.apply(a.ID, lifecycle.Restart)
		f.apply(b.ID, lifecycle.Restart)
		f.apply(b.ID, lifecycle.Beat)
	}
	all := f.history()
	if len(all) != 14 {
		f.Fatalf("the log has %d entries, want 14", len(all))
	}
	for i, t := range all {
		f.same("number", t.Seq, int64(i+1))
	}
	slices.Reverse(all)
	of := func(id uuid.UUID) (own []store.Transition) {
		for _, t := range all {
			if t.WorkspaceID == id {
				own = append(own, t)
			}
		}
		return own
	}
	for _, c := range []struct {
		id   uuid.NullUUID
		want []store.Transition
	}{
		{uuid.NullUUID{}, all},
		{uuid.NullUUID{UUID: a.ID}, all}, // not valid, so all
		{uuid.NullUUID{UUID: a.ID, Valid: true}, of(a.ID)},
		{uuid.NullUUID{UUID: b.ID, Valid: true}, of(b.ID)},
		{uuid.NullUUID{UUID: idOf(999), Valid: true}, nil},
	} {
		for _, limit := range []int{0, 1, 3, 100} {
			want := c.want
			if limit > 0 {
				want = want[:min(limit, len(want))]
			}
			got, err := f.Transitions(f.ctx, c.id, limit)
			f.ok(err)
			f.same("log", got, want)
		}
	}
}

// logIffMoved makes every kind of call that moves nothing. That moves are logged, every other subtest checks.
func logIffMoved(f *fixture) {
	for _, status := range lifecycle.Statuses() {
		w := f.reach(status, lived)
		w.Token = store.TokenHash{}
		m := f.mark()
		now := f.tickOn()
		for _, event := range append(lifecycle.Events(), lifecycle.NoEvent) {
			stale := f.change(w.ID, event)
			stale.Incarnation = w.Incarnation + 1
			f.ok(errOf(f.Apply(f.ctx, stale)))
			if _, moves := f.table.Next(event, status); !moves {
				f.ok(errOf(f.Apply(f.ctx, f.change(w.ID, event))))
			}
			wrong := store.Beat{ID: w.ID, Token: token("wrong"), Event: event, Now: now}
			if _, err := f.Heartbeat(f.ctx, wrong); err == nil {
				f.Error("a heartbeat with a wrong token was accepted")
			}
		}
		f.ok(errOf(f.ExpireBoots(f.ctx, epoch, "too late", 100)))
		f.ok(errOf(f.ExpireSilent(f.ctx, store.Silence{Now: epoch, TTL: ttl, ExternalTTL: extTTL, Limit: 100}, "")))
		f.ok(errOf(f.ClaimLaunches(f.ctx, now, now, 100)))
		f.ok(errOf(f.AttachMachine(f.ctx, w.ID, w.Incarnation, "i-1")))
		f.ok(f.DeferLaunch(f.ctx, w.ID, w.Incarnation, "x", now))
		f.ok(f.ReleaseMachine(f.ctx, w.ID, "i-1"))
		f.ok(errOf(f.List(f.ctx)))
		f.wantSince(m, "calls that do not move a "+status.String()+" workspace")
		f.same("updated at", f.get(w.ID).UpdatedAt, m.last.At)
	}
}

func logOutlives(f *fixture) {
	w := f.create()
	f.apply(w.ID, lifecycle.Beat)
	f.apply(w.ID, lifecycle.Remove)
	var events []lifecycle.Event
	for _, t := range f.history(w.ID) {
		events = append(events, t.Event)
	}
	f.same("events", events, []lifecycle.Event{lifecycle.Create, lifecycle.Beat, lifecycle.Remove})
}

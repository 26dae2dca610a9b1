package storetest

import (
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

var unguardedTests = []subtest{
	{"SetStatus writes any status over any, and logs the event", setStatusAny},
	{"Edit writes any field, and logs nothing", editAny},
	{"an unknown id is ErrNotFound", unguardedUnknown},
}

// unguarded returns the store's door past its guards, or skips the test where it has none.
func (f *fixture) unguarded() store.Unguarded {
	f.Helper()
	u, ok := f.Store.(store.Unguarded)
	if !ok {
		f.Skip("the store has no such door")
	}
	f.loose = true
	return u
}

func setStatusAny(f *fixture) {
	u := f.unguarded()
	for _, from := range lifecycle.Statuses() {
		for _, to := range lifecycle.Statuses() {
			w := f.reach(from, lived)
			m := f.mark()
			now := f.tickOn()
			f.ok(u.SetStatus(f.ctx, w.ID, to, lifecycle.Register, "because", now.Add(999)))
			f.same("row", f.get(w.ID), moved(w, to, "because", now))
			// Where the row was there already, the log says that it moved, and the observer that it did not.
			f.wantSince(m, "set status", store.Transition{
				WorkspaceID: w.ID, Incarnation: w.Incarnation,
				Event: lifecycle.Register, From: from, To: to, Cause: "because", At: now,
			})
		}
	}
}

func editAny(f *fixture) {
	u := f.unguarded()
	w, other := f.create(), f.create()
	want := f.full()
	want.ID, want.CreatedAt = w.ID, other.CreatedAt.Add(time.Hour)
	want.Status, want.Cause, want.UpdatedAt = lifecycle.Degraded, "edited", epoch
	log := f.history()
	f.seen.take()
	f.ok(u.Edit(f.ctx, w.ID, func(row *store.Workspace) {
		f.same("row that Edit was given", *row, w)
		*row = want
		row.CreatedAt = row.CreatedAt.Add(999) // cut like any time
		row.ID = uuid.New()                    // its own it keeps
	}))
	f.same("row", f.get(w.ID), want)
	f.same("log", f.history(), log)
	f.same("observed", f.seen.take(), []store.RowChange{
		{WorkspaceID: w.ID, Incarnation: want.Incarnation, From: lifecycle.Provisioning, To: lifecycle.Degraded},
	})
	list, err := f.List(f.ctx)
	f.ok(err)
	f.same("last of the list", list[len(list)-1].ID, w.ID)

	// The incarnation alone is a move to an observer, anything else is none.
	f.ok(u.Edit(f.ctx, w.ID, func(row *store.Workspace) { row.Incarnation++ }))
	f.same("observed", f.seen.take(), []store.RowChange{
		{WorkspaceID: w.ID, Incarnation: want.Incarnation + 1, From: lifecycle.Degraded, To: lifecycle.Degraded},
	})
	f.ok(u.Edit(f.ctx, w.ID, func(row *store.Workspace) { row.Name, row.Card = "other", nil }))
	f.same("observed", f.seen.take(), []store.RowChange(nil))
	var kept *store.Workspace
	f.ok(u.Edit(f.ctx, w.ID, func(row *store.Workspace) { kept = row; row.Card = []byte(`{}`) }))
	kept.Name = "scribble"
	copy(kept.Card, "XX")
	f.same("name and card", []string{f.get(w.ID).Name, string(f.get(w.ID).Card)}, []string{"other", "{}"})
}

func unguardedUnknown(f *fixture) {
	u := f.unguarded()
	if err := u.SetStatus(f.ctx, idOf(999), lifecycle.Online, lifecycle.Beat, "", epoch); !errors.Is(err, store.ErrNotFound) {
		f.Errorf("SetStatus = %v", err)
	}
	err := u.Edit(f.ctx, idOf(999), func(*store.Workspace) { f.Error("Edit was called for a row that is not there") })
	if !errors.Is(err, store.ErrNotFound) {
		f.Errorf("Edit = %v", err)
	}
	f.same("log", f.history(), []store.Transition(nil))
	f.same("observed", f.seen.all(), []store.RowChange(nil))
}

package storetest

import (
	"errors"
	"reflect"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

var createTests = []subtest{
	{"stores the workspace as given", createStoresAsGiven},
	{"moves from none by the event, and by no other", createMovesFromNone},
	{"takes one that starts online as just seen", createOnlineIsSeen},
	{"wants a parent that exists and is not removed", createWantsParent},
	{"refuses an id that exists", createRefusesKnownID},
}

// full is a workspace with every field set, each to something else.
func (f *fixture) full() store.Workspace {
	w := f.blank()
	at := func(n int) time.Time { return epoch.Add(time.Duration(n) * time.Hour) }
	w = store.Workspace{
		ID: w.ID, Name: "näme", Runtime: "hermes", Model: "kimi-k2", Template: "base", Tier: 3, External: true,
		URL: "http://localhost:1", Card: []byte(`{ "a" : "\u0041" , "a":1 }`),
		Incarnation: 4, BootStartedAt: at(1), BootDeadline: at(2), Token: token("t"), TokenConfirmed: true,
		LastSeenAt: at(3), ErrorRate: 0.25, SampleError: "oops", ActiveTasks: 5, UptimeSeconds: 1 << 40,
		CurrentTask: "thinking", RuntimeState: "wedged", MachineID: "i-1", MachineIncarnation: 3,
		LaunchAfter: at(4), LaunchAttempts: 6, LaunchError: "throttled", CreatedAt: at(5),
	}
	w.ParentID = uuid.NullUUID{UUID: f.create().ID, Valid: true}
	return w
}

func createStoresAsGiven(f *fixture) {
	w := f.full()
	// These are the store's to set. All others must be set here, so that a field added later is not forgotten.
	theStores := []string{"Status", "UpdatedAt", "Cause"}
	v := reflect.ValueOf(w)
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; v.Field(i).IsZero() != slices.Contains(theStores, name) {
			f.Errorf("field %s is zero: %v", name, v.Field(i).IsZero())
		}
	}
	given := w
	given.Status, given.UpdatedAt, given.Cause = lifecycle.Removed, epoch, "ignored"
	_, err := f.Create(f.ctx, given, lifecycle.Create)
	f.ok(err)
	w.Status, w.UpdatedAt = lifecycle.Provisioning, w.CreatedAt
	f.same("row", f.get(w.ID), w)

	// And one with nothing but an id.
	f.created++
	bare := store.Workspace{ID: idOf(f.created)}
	_, err = f.Create(f.ctx, bare, lifecycle.Create)
	f.ok(err)
	bare.Status = lifecycle.Provisioning
	f.same("bare row", f.get(bare.ID), bare)
}

func createMovesFromNone(f *fixture) {
	for _, event := range append(lifecycle.Events(), lifecycle.NoEvent, lifecycle.Event(200)) {
		w := f.blank()
		w.Incarnation = 7
		to, ok := f.table.Next(event, lifecycle.None)
		m := f.mark()
		got, err := f.Create(f.ctx, w, event)
		if !ok {
			if err == nil {
				f.Errorf("%s created a workspace", event)
			}
			if _, err := f.Get(f.ctx, w.ID); !errors.Is(err, store.ErrNotFound) {
				f.Errorf("%s left a row: Get says %v", event, err)
			}
			f.wantSince(m, "no create")
			continue
		}
		f.ok(err)
		want := store.Transition{Seq: m.last.Seq + 1, WorkspaceID: w.ID, Incarnation: 7, Event: event, To: to, At: w.CreatedAt}
		f.same("transition", got, want)
		f.wantSince(m, "create", want)
		row := f.get(w.ID)
		f.same("status", row.Status, to)
		f.same("updated at", row.UpdatedAt, w.CreatedAt)
	}
}

func createOnlineIsSeen(f *fixture) {
	for _, event := range lifecycle.Events() {
		to, ok := f.table.Next(event, lifecycle.None)
		if !ok {
			continue
		}
		w := f.createBy(event)
		want := time.Time{}
		if to == lifecycle.Online {
			want = w.CreatedAt
		}
		f.same("last seen after "+event.String(), w.LastSeenAt, want)
	}
}

func createWantsParent(f *fixture) {
	for _, status := range lifecycle.Statuses() {
		parent := f.reach(status)
		w := f.blank()
		w.ParentID = uuid.NullUUID{UUID: parent.ID, Valid: true}
		f.wantParent(w, status == lifecycle.Removed)
	}
	orphan := f.blank()
	orphan.ParentID = uuid.NullUUID{UUID: idOf(999), Valid: true}
	f.wantParent(orphan, true)
	own := f.blank() // nobody is there yet when it is created
	own.ParentID = uuid.NullUUID{UUID: own.ID, Valid: true}
	f.wantParent(own, true)
}

func (f *fixture) wantParent(w store.Workspace, refused bool) {
	f.Helper()
	m := f.mark()
	tr, err := f.Create(f.ctx, w, lifecycle.Create)
	if !refused {
		f.ok(err)
		return
	}
	if !errors.Is(err, store.ErrParent) {
		f.Errorf("Create = %v, want %v", err, store.ErrParent)
	}
	f.same("transition", tr, store.Transition{})
	if _, err := f.Get(f.ctx, w.ID); !errors.Is(err, store.ErrNotFound) {
		f.Errorf("a refused workspace is there: Get says %v", err)
	}
	f.wantSince(m, "refused")
}

func createRefusesKnownID(f *fixture) {
	for _, status := range lifecycle.Statuses() {
		w := f.reach(status)
		f.unmoved(w, "created again", func() {
			again := f.blank()
			again.ID = w.ID
			if _, err := f.Create(f.ctx, again, lifecycle.CreateExternal); err == nil {
				f.Errorf("a %s workspace was created again", status)
			}
		})
	}
}

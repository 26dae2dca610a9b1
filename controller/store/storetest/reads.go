package storetest

import (
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

var readTests = []subtest{
	{"Get returns removed ones, and ErrNotFound for others", getFinds},
	{"List is in order of creation, then id, without removed ones", listOrder},
	{"Lookup returns those that exist, removed ones too, in the same order", lookupOrder},
	{"Children returns those of List with the parent", childrenOfParent},
	{"Ping reaches the store", ping},
}

func getFinds(f *fixture) {
	for _, status := range lifecycle.Statuses() {
		w := f.reach(status)
		f.same("id", f.get(w.ID).ID, w.ID)
	}
	w, err := f.Get(f.ctx, idOf(999))
	if !errors.Is(err, store.ErrNotFound) {
		f.Errorf("Get of an unknown id = %v", err)
	}
	f.same("unknown workspace", w, store.Workspace{})
}

// scatter creates workspaces at three times, in an order that is neither that of creation nor of ids, with every fourth
// removed, and returns them in order of creation, then id.
func (f *fixture) scatter(alter ...func(*store.Workspace)) (all []store.Workspace) {
	f.Helper()
	for i := range 24 {
		at := epoch.Add(time.Duration(i*7%3) * tick)
		w := f.create(append(alter, func(w *store.Workspace) { w.CreatedAt = at })...)
		if i%4 == 3 {
			f.apply(w.ID, lifecycle.Remove)
		}
		all = append(all, f.get(w.ID))
	}
	slices.SortFunc(all, func(a, b store.Workspace) int {
		if c := a.CreatedAt.Compare(b.CreatedAt); c != 0 {
			return c
		}
		return slices.Compare(a.ID[:], b.ID[:])
	})
	return all
}

func living(all []store.Workspace) (kept []store.Workspace) {
	for _, w := range all {
		if w.Status != lifecycle.Removed {
			kept = append(kept, w)
		}
	}
	return kept
}

func listOrder(f *fixture) {
	none, err := f.List(f.ctx)
	f.ok(err)
	f.same("list of none", none, []store.Workspace(nil))
	all := f.scatter()
	got, err := f.List(f.ctx)
	f.ok(err)
	f.same("list", got, living(all))

	// One that has no creation time comes first.
	f.created++
	timeless := store.Workspace{ID: idOf(f.created)}
	_, err = f.Create(f.ctx, timeless, lifecycle.Create)
	f.ok(err)
	got, err = f.List(f.ctx)
	f.ok(err)
	f.same("list", got, append([]store.Workspace{f.get(timeless.ID)}, living(all)...))
}

func lookupOrder(f *fixture) {
	all := f.scatter()
	var ids []uuid.UUID
	var want []store.Workspace
	for i, w := range all {
		if i%3 != 0 {
			ids, want = append(ids, w.ID), append(want, w)
		}
	}
	slices.Reverse(ids)
	ids = append(ids, idOf(999), ids[0]) // an unknown one, and one twice
	got, err := f.Lookup(f.ctx, ids)
	f.ok(err)
	f.same("lookup", got, want)
	for _, ids := range [][]uuid.UUID{nil, {}, {idOf(999)}} {
		got, err = f.Lookup(f.ctx, ids)
		f.ok(err)
		f.same("lookup of none", got, []store.Workspace(nil))
	}
}

func childrenOfParent(f *fixture) {
	parent, other := f.create(), f.create()
	of := func(p store.Workspace) func(*store.Workspace) {
		return func(w *store.Workspace) { w.ParentID = uuid.NullUUID{UUID: p.ID, Valid: true} }
	}
	all := f.scatter(of(parent))
	grandchild := f.create(of(living(all)[0]))
	f.create(of(other))
	for _, p := range []struct {
		id   uuid.UUID
		want []store.Workspace
	}{
		{parent.ID, living(all)},
		{living(all)[0].ID, []store.Workspace{grandchild}},
		{grandchild.ID, nil},
		{idOf(999), nil},
		{uuid.Nil, nil}, // which is not "no parent"
	} {
		got, err := f.Children(f.ctx, p.id)
		f.ok(err)
		f.same("children", got, p.want)
	}
}

func ping(f *fixture) { f.ok(f.Ping(f.ctx)) }

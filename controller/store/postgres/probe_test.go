package postgres_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/controller/store/postgres"
)

// witness is an observer that a test asks what it was told since the last time.
type witness struct{ told []store.RowChange }

func (w *witness) observe(c store.RowChange) { w.told = append(w.told, c) }

func (w *witness) wants(t *testing.T, what string, want ...store.RowChange) {
	t.Helper()
	if d := cmp.Diff(want, w.told); d != "" {
		t.Errorf("%s: the observer was told (-want +got):\n%s", what, d)
	}
	w.told = nil
}

func TestProbeSeesWhatHappenedToRows(t *testing.T) {
	ctx := context.Background()
	var w witness
	url := database(t, probed)
	if err := postgres.InstallProbe(ctx, url); err != nil {
		t.Errorf("installing it again: %v", err)
	}
	s := connect(t, url, lifecycle.Standard(), postgres.Observe(w.observe), postgres.MaxConns(1))
	id := fleet(t, s, 1)[0]
	change := func(incarnation int, from, to lifecycle.Status) store.RowChange {
		return store.RowChange{WorkspaceID: id, Incarnation: incarnation, From: from, To: to}
	}
	exec := func(sql string, arguments ...any) error { return s.Exec(ctx, sql, arguments...) }
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	w.wants(t, "create", change(1, lifecycle.None, lifecycle.Provisioning))

	ok(exec(`UPDATE workspaces SET status = 'online' WHERE id = $1`, id))
	w.wants(t, "hand-written SQL", change(1, lifecycle.Provisioning, lifecycle.Online))
	ok(exec(`UPDATE workspaces SET status = 'online', updated_at = $2 WHERE id = $1`, id, start))
	w.wants(t, "a write of the status that was there")
	ok(exec(`UPDATE workspaces SET incarnation = incarnation + 1 WHERE id = $1`, id))
	w.wants(t, "a new incarnation", change(2, lifecycle.Online, lifecycle.Online))
	ok(exec(`UPDATE workspaces SET status = 'offline'; UPDATE workspaces SET status = 'failed'`))
	w.wants(t, "two statements", change(2, lifecycle.Online, lifecycle.Offline), change(2, lifecycle.Offline, lifecycle.Failed))

	if exec(`UPDATE workspaces SET status = 'online'; SELECT 1/0`) == nil {
		t.Error("a division by zero is no error")
	}
	w.wants(t, "a statement that failed")
	ok(exec(`SELECT 1`))
	w.wants(t, "the call after it")
	ok(exec(`BEGIN; UPDATE workspaces SET status = 'online'`)) // the pool throws such a connection away
	w.wants(t, "a transaction that was left open")
	ok(exec(`SELECT 1`))
	if err := s.Edit(ctx, id, func(row *store.Workspace) { row.Tier++ }); err != nil {
		t.Fatal(err)
	}
	w.wants(t, "an edit of something else")
	if _, err := s.Apply(ctx, store.Change{ID: uuid.New(), Event: lifecycle.Pause}); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
	ok(exec(`DO $$ BEGIN RAISE NOTICE 'something else'; END $$`))
	w.wants(t, "nothing")
	ok(exec(`UPDATE workspaces SET status = 'degraded'`))
	w.wants(t, "afterwards", change(2, lifecycle.Failed, lifecycle.Degraded))
	if log, err := s.Transitions(ctx, uuid.NullUUID{}, 0); err != nil || len(log) != 1 {
		t.Errorf("the log has %d entries, %v", len(log), err)
	}
}

// A controller's database says nothing.
func TestProbeIsAskedFor(t *testing.T) {
	var w witness
	s := connect(t, database(t, migrated), lifecycle.Standard(), postgres.Observe(w.observe))
	fleet(t, s, 3)
	w.wants(t, "a database without the probe")
}

func TestObserverIsToldOneCallAtATime(t *testing.T) {
	ctx := context.Background()
	var inside, told atomic.Int64
	s := connect(t, database(t, probed), lifecycle.Standard(), postgres.MaxConns(8), postgres.Observe(func(store.RowChange) {
		if inside.Add(1) != 1 {
			t.Error("the observer was called by two at once")
		}
		told.Add(1)
		inside.Add(-1)
	}))
	ids := fleet(t, s, 8)
	done := make(chan error)
	for _, id := range ids {
		go func() {
			for range 20 {
				if _, err := s.Apply(ctx, store.Change{ID: id, Event: lifecycle.Restart, Boot: &store.Boot{}}); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range ids {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if want := int64(len(ids) * 21); told.Load() != want {
		t.Errorf("the observer was told of %d moves, want %d", told.Load(), want)
	}
}

// The order in which a sweep moves rows is promised, and is that of the log and of what the observer is told, however the
// rows lie in the table and however large that is.
func TestSweepOrderOnALargeTable(t *testing.T) {
	ctx := context.Background()
	var w witness
	s := connect(t, database(t, probed), lifecycle.Standard(), postgres.Observe(w.observe), postgres.MaxConns(1))
	ids := fleet(t, s, 500)
	for i, id := range ids {
		at := start.Add(time.Duration(i*7919%503) * time.Second)
		if _, err := s.Heartbeat(ctx, store.Beat{ID: id, Token: token, Event: lifecycle.Beat, Now: at}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Exec(ctx, `ANALYZE workspaces`); err != nil {
		t.Fatal(err)
	}
	w.told = nil
	seen := map[uuid.UUID]time.Time{}
	all, err := s.List(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range all {
		seen[row.ID] = row.LastSeenAt
	}
	moved, err := s.ExpireSilent(ctx, store.Silence{Now: start.Add(time.Hour), Limit: 400}, "silent")
	if err != nil || len(moved) != 400 {
		t.Fatalf("%d were moved, %v", len(moved), err)
	}
	if !slices.IsSortedFunc(moved, func(a, b store.Transition) int { return seen[a.WorkspaceID].Compare(seen[b.WorkspaceID]) }) {
		t.Error("the transitions are not oldest first")
	}
	if !slices.IsSortedFunc(moved, func(a, b store.Transition) int { return int(a.Seq - b.Seq) }) {
		t.Error("the log is not in the order of the transitions")
	}
	for i, tr := range moved {
		if w.told[i].WorkspaceID != tr.WorkspaceID {
			t.Fatalf("the observer was told of another workspace as number %d", i)
		}
	}
}

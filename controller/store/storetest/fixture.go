package storetest

import (
	"context"
	"encoding/binary"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

// Times of the suite. Nothing in it depends on the wall clock.
var (
	epoch  = time.Date(2026, 4, 1, 12, 0, 0, 123_456_000, time.UTC)
	budget = 10 * time.Minute
	ttl    = 180 * time.Second
	extTTL = 90 * time.Second
)

const tick = time.Microsecond // the finest difference that a store keeps

// fixture is one store with the means to bring workspaces where a test wants them.
type fixture struct {
	*testing.T
	store.Store
	ctx   context.Context //nolint:containedctx // a test has one
	table *lifecycle.Table
	open  Open
	seen  *recorder

	now     time.Time // later at each call of tickOn
	created uint64
	// bootToken is what an incarnation gets that change begins.
	bootToken store.TokenHash
	loose     bool // the log and the observer need not agree: the test goes past the guards, or is concurrent
}

// recorder is an observer.
type recorder struct {
	mu      sync.Mutex
	changes []store.RowChange
}

func (r *recorder) observe(c store.RowChange) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changes = append(r.changes, c)
}

// take returns what was seen since the last call.
func (r *recorder) take() []store.RowChange {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.changes
	r.changes = nil
	return taken
}

// since returns what was seen after the first n.
func (r *recorder) since(n int) []store.RowChange {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]store.RowChange(nil), r.changes[n:]...) // nil for none
}

func (r *recorder) all() []store.RowChange {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]store.RowChange(nil), r.changes...)
}

func newFixture(t *testing.T, open Open, table *lifecycle.Table) *fixture {
	t.Helper()
	f := &fixture{T: t, ctx: context.Background(), table: table, open: open, seen: &recorder{}, now: epoch}
	f.Store = open(t, table, f.seen.observe)
	t.Cleanup(f.checkLog)
	return f
}

// tickOn returns a time later than any before.
func (f *fixture) tickOn() time.Time {
	f.now = f.now.Add(time.Second)
	return f.now
}

// ok fails the test where a call that must work did not.
func (f *fixture) ok(err error) {
	f.Helper()
	if err != nil {
		f.Fatalf("unexpected error: %v", err)
	}
}

// same compares two values.
func (f *fixture) same(what string, got, want any) {
	f.Helper()
	if reflect.DeepEqual(got, want) {
		return // cmp is slow, and this is nearly always so
	}
	if d := cmp.Diff(want, got); d != "" {
		f.Errorf("%s differs (-want +got):\n%s", what, d)
	}
}

// token returns a token's hash; the same for the same name.
func token(name string) store.TokenHash { return store.HashToken(name) }

// idOf returns the n-th id. Its order among others is not that of n.
func idOf(n uint64) uuid.UUID {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:], n*0x9E3779B97F4A7C15)
	binary.BigEndian.PutUint64(id[8:], n)
	return id
}

// blank is a workspace as an HTTP handler would create it, with an id of its own.
func (f *fixture) blank() store.Workspace {
	f.created++
	now := f.tickOn()
	return store.Workspace{
		ID: idOf(f.created), Name: "w", Runtime: "claude-code", Incarnation: 1,
		CreatedAt: now, BootStartedAt: now, BootDeadline: now.Add(budget),
	}
}

// create makes a workspace that boots, as altered by the functions.
func (f *fixture) create(alter ...func(*store.Workspace)) store.Workspace {
	f.Helper()
	return f.createBy(lifecycle.Create, alter...)
}

func (f *fixture) createBy(event lifecycle.Event, alter ...func(*store.Workspace)) store.Workspace {
	f.Helper()
	return f.get(f.insert(event, alter...))
}

func (f *fixture) insert(event lifecycle.Event, alter ...func(*store.Workspace)) uuid.UUID {
	f.Helper()
	w := f.blank()
	w.External = event != lifecycle.Create
	for _, a := range alter {
		a(&w)
	}
	_, err := f.Create(f.ctx, w, event)
	f.ok(err)
	return w.ID
}

func (f *fixture) get(id uuid.UUID) store.Workspace {
	f.Helper()
	w, err := f.Get(f.ctx, id)
	f.ok(err)
	return w
}

// change is one that applies to the workspace as it is.
func (f *fixture) change(id uuid.UUID, event lifecycle.Event) store.Change {
	c := store.Change{ID: id, Event: event, Now: f.tickOn(), Cause: "cause of " + event.String()}
	if event.BeginsIncarnation() {
		c.Boot = &store.Boot{Deadline: c.Now.Add(budget), Token: f.bootToken}
	}
	return c
}

// apply applies an event that must move the workspace.
func (f *fixture) apply(id uuid.UUID, event lifecycle.Event) store.Outcome {
	f.Helper()
	out, err := f.Apply(f.ctx, f.change(id, event))
	f.ok(err)
	if !out.Moved {
		f.Fatalf("%s did not move the workspace, which is %s", event, out.Status)
	}
	return out
}

// reach makes a workspace of ours in the status, by a shortest way through the table.
func (f *fixture) reach(status lifecycle.Status, alter ...func(*store.Workspace)) store.Workspace {
	f.Helper()
	path, ok := pathTo(f.table, lifecycle.Create, status)
	if !ok {
		f.Fatalf("the table has no way from create to %s", status)
	}
	id := f.insert(lifecycle.Create, alter...)
	for _, event := range path {
		f.apply(id, event)
	}
	w := f.get(id)
	if w.Status != status {
		f.Fatalf("the workspace is %s, want %s", w.Status, status)
	}
	return w
}

// pathTo returns the events that lead from where the first one leads to the status, as few as can be.
func pathTo(table *lifecycle.Table, first lifecycle.Event, to lifecycle.Status) ([]lifecycle.Event, bool) {
	start, ok := table.Next(first, lifecycle.None)
	if !ok {
		return nil, false
	}
	paths := map[lifecycle.Status][]lifecycle.Event{start: {}}
	for queue := []lifecycle.Status{start}; len(queue) > 0; queue = queue[1:] {
		from := queue[0]
		if from == to {
			return paths[from], true
		}
		for _, event := range lifecycle.Events() {
			next, ok := table.Next(event, from)
			if _, known := paths[next]; ok && !known {
				paths[next] = append(slices.Clone(paths[from]), event)
				queue = append(queue, next)
			}
		}
	}
	return nil, false
}

// history returns the log of one workspace, or of all, oldest first.
func (f *fixture) history(ids ...uuid.UUID) []store.Transition {
	f.Helper()
	var of uuid.NullUUID
	if len(ids) == 1 {
		of = uuid.NullUUID{UUID: ids[0], Valid: true}
	}
	log, err := f.Transitions(f.ctx, of, 0)
	f.ok(err)
	slices.Reverse(log)
	return log
}

// mark is how far the log and the observer have come.
type mark struct {
	last   store.Transition // zero where there is none
	seen   int
	begins bool // what is to be moved begins an incarnation, so that the row changes even where the status does not
}

func (f *fixture) mark() mark {
	f.Helper()
	newest, err := f.Transitions(f.ctx, uuid.NullUUID{}, 1)
	f.ok(err)
	m := mark{seen: len(f.seen.all())}
	if len(newest) == 1 {
		m.last = newest[0]
	}
	return m
}

// wantSince wants exactly these entries in the log since the mark, whose numbers it sets, and that the observer saw those
// of them that changed the row.
func (f *fixture) wantSince(m mark, what string, moves ...store.Transition) {
	f.Helper()
	var want []store.Transition
	var seen []store.RowChange
	if m.last.Seq != 0 {
		want = append(want, m.last)
	}
	for i := range moves {
		moves[i].Seq = m.last.Seq + int64(i) + 1
		want = append(want, moves[i])
		if t := moves[i]; t.From != t.To || m.begins {
			seen = append(seen, store.RowChange{WorkspaceID: t.WorkspaceID, Incarnation: t.Incarnation, From: t.From, To: t.To})
		}
	}
	// One more than there should be is enough to see that there are more.
	got, err := f.Transitions(f.ctx, uuid.NullUUID{}, len(moves)+1)
	f.ok(err)
	slices.Reverse(got)
	f.same(what+": log", got, want)
	f.same(what+": observed", f.seen.since(m.seen), seen)
}

// unmoved fails the test where anything about the workspace, or the log, or what the observer saw is not as before.
func (f *fixture) unmoved(before store.Workspace, what string, call func()) {
	f.Helper()
	m := f.mark()
	call()
	f.same(what+": row", f.get(before.ID), before)
	f.wantSince(m, what)
}

// checkLog holds the log to what the observer saw, which it must repeat move by move, and to the rows.
func (f *fixture) checkLog() {
	f.Helper()
	if f.Failed() || f.loose {
		return
	}
	var logged []store.RowChange
	last := map[uuid.UUID]store.Transition{}
	seq := int64(0)
	for _, t := range f.history() {
		before := last[t.WorkspaceID]
		if t.From != before.To {
			f.Errorf("entry %d leaves %q, but the one before of that workspace led to %q", t.Seq, t.From, before.To)
		}
		if t.Seq <= seq {
			f.Errorf("entry %d comes after %d", t.Seq, seq)
		}
		last[t.WorkspaceID], seq = t, t.Seq
		// An edge back to its own status, with no new incarnation, changes no row.
		if t.From != t.To || t.Incarnation != before.Incarnation {
			logged = append(logged, store.RowChange{WorkspaceID: t.WorkspaceID, Incarnation: t.Incarnation, From: t.From, To: t.To})
		}
	}
	f.same("what the observer saw, next to the log,", f.seen.all(), logged)
	for id, t := range last {
		w := f.get(id)
		if w.Status != t.To || w.Incarnation != t.Incarnation {
			f.Errorf("workspace %s is %s in incarnation %d; its log ends with %s in %d", id, w.Status, w.Incarnation, t.To, t.Incarnation)
		}
	}
}

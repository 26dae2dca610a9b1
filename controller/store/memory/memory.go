package memory

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

// Store keeps workspaces in maps. Create one with New.
type Store struct {
	table   *lifecycle.Table
	observe func(store.RowChange)

	mu    sync.Mutex
	rows  map[uuid.UUID]*store.Workspace
	order []*store.Workspace // by creation, then id
	log   []store.Transition
}

var (
	_ store.Store     = (*Store)(nil)
	_ store.Unguarded = (*Store)(nil)
)

// New returns an empty store that moves workspaces by the table. The observer, where not nil, is told of every row's move
// before the call that made it returns; it must not call the store.
func New(table *lifecycle.Table, observe func(store.RowChange)) *Store {
	return &Store{table: table, observe: observe, rows: map[uuid.UUID]*store.Workspace{}}
}

// Clone returns a store with the same rows, an empty log and another observer. It shares nothing with the original that
// either could change.
func (s *Store) Clone(observe func(store.RowChange)) *Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &Store{
		table: s.table, observe: observe, rows: make(map[uuid.UUID]*store.Workspace, len(s.rows)),
		order: make([]*store.Workspace, len(s.order)),
	}
	rows := make([]store.Workspace, len(s.order))
	for i, w := range s.order {
		rows[i] = copyOf(w)
		c.order[i] = &rows[i]
		c.rows[w.ID] = &rows[i]
	}
	return c
}

// Rows returns every row, removed ones too, in order of creation, then id.
func (s *Store) Rows() []store.Workspace {
	return s.pick(func(*store.Workspace) bool { return true })
}

// cut brings a time to what every store keeps: UTC, microseconds.
func cut(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

// clean brings a text to what every store keeps: UTF-8 without NUL.
func clean(s string) string {
	if strings.IndexByte(s, 0) < 0 && utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "\uFFFD"), "\uFFFD")
}

// normalize brings a row that was given from outside to what every store keeps.
func normalize(w *store.Workspace) {
	for _, t := range []*time.Time{
		&w.BootStartedAt, &w.BootDeadline, &w.LastSeenAt, &w.LaunchAfter, &w.CreatedAt, &w.UpdatedAt,
	} {
		*t = cut(*t)
	}
	for _, s := range []*string{
		&w.Name, &w.Runtime, &w.Model, &w.Template, &w.URL, &w.SampleError, &w.CurrentTask, &w.RuntimeState, &w.Cause,
		&w.MachineID, &w.LaunchError,
	} {
		*s = clean(*s)
	}
	w.Card = slices.Clone(w.Card)
}

func byCreation(a, b *store.Workspace) int {
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), slices.Compare(a.ID[:], b.ID[:]))
}

func copyOf(w *store.Workspace) store.Workspace {
	c := *w
	c.Card = slices.Clone(w.Card)
	return c
}

// Create implements store.Store.
func (s *Store) Create(_ context.Context, w store.Workspace, event lifecycle.Event) (store.Transition, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	to, ok := s.table.Next(event, lifecycle.None)
	if !ok {
		return store.Transition{}, fmt.Errorf("memory: create: the lifecycle table does not begin with %s", event)
	}
	if w.ParentID.Valid {
		if p := s.rows[w.ParentID.UUID]; p == nil || p.Status == lifecycle.Removed {
			return store.Transition{}, store.ErrParent
		}
	}
	if s.rows[w.ID] != nil {
		return store.Transition{}, fmt.Errorf("memory: create: workspace %s exists", w.ID)
	}
	row := w
	row.Status = lifecycle.None
	normalize(&row)
	if to == lifecycle.Online {
		row.LastSeenAt = row.CreatedAt
	}
	s.rows[row.ID] = &row
	s.enqueue(&row)
	return s.move(&row, event, to, row.Incarnation, "", row.CreatedAt), nil
}

// enqueue puts the row where it belongs in the order of creation.
func (s *Store) enqueue(w *store.Workspace) {
	at, _ := slices.BinarySearchFunc(s.order, w, byCreation)
	s.order = slices.Insert(s.order, at, w)
}

// move is the one place where a status changes: it keeps the log and the observer in step with the row.
func (s *Store) move(
	w *store.Workspace, event lifecycle.Event, to lifecycle.Status, incarnation int, cause string, now time.Time,
) store.Transition {
	t := store.Transition{
		Seq: int64(len(s.log) + 1), WorkspaceID: w.ID, Incarnation: incarnation,
		Event: event, From: w.Status, To: to, Cause: cause, At: now,
	}
	was := w.Incarnation
	w.Status, w.Incarnation, w.UpdatedAt = to, incarnation, now
	w.Cause = ""
	if to == lifecycle.Failed {
		w.Cause = cause
	}
	s.log = append(s.log, t)
	s.report(w, t.From, was)
	return t
}

// report tells the observer of the row's move since it was as given, if it did move: an observer sees rows, and a row that
// an edge leads back to where it was has not changed.
func (s *Store) report(w *store.Workspace, from lifecycle.Status, incarnation int) {
	if s.observe != nil && (w.Status != from || w.Incarnation != incarnation) {
		s.observe(store.RowChange{WorkspaceID: w.ID, Incarnation: w.Incarnation, From: from, To: w.Status})
	}
}

// Get implements store.Store.
func (s *Store) Get(_ context.Context, id uuid.UUID) (store.Workspace, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.rows[id]
	if w == nil {
		return store.Workspace{}, store.ErrNotFound
	}
	return copyOf(w), nil
}

// Lookup implements store.Store.
func (s *Store) Lookup(_ context.Context, ids []uuid.UUID) ([]store.Workspace, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*store.Workspace
	for _, id := range ids {
		if w := s.rows[id]; w != nil {
			found = append(found, w)
		}
	}
	slices.SortFunc(found, byCreation)
	found = slices.Compact(found) // the same id may be asked for twice
	if len(found) == 0 {
		return nil, nil
	}
	picked := make([]store.Workspace, len(found))
	for i, w := range found {
		picked[i] = copyOf(w)
	}
	return picked, nil
}

// List implements store.Store.
func (s *Store) List(context.Context) ([]store.Workspace, error) {
	return s.pick(func(w *store.Workspace) bool { return w.Status != lifecycle.Removed }), nil
}

// Children implements store.Store.
func (s *Store) Children(_ context.Context, parent uuid.UUID) ([]store.Workspace, error) {
	return s.pick(func(w *store.Workspace) bool {
		return w.Status != lifecycle.Removed && w.ParentID.Valid && w.ParentID.UUID == parent
	}), nil
}

// pick copies the rows that are wanted, in order of creation, then id.
func (s *Store) pick(want func(*store.Workspace) bool) []store.Workspace {
	s.mu.Lock()
	defer s.mu.Unlock()
	var picked []store.Workspace
	for _, w := range s.order {
		if want(w) {
			picked = append(picked, copyOf(w))
		}
	}
	return picked
}

// Apply implements store.Store.
func (s *Store) Apply(_ context.Context, c store.Change) (store.Outcome, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.rows[c.ID]
	if w == nil {
		return store.Outcome{}, store.ErrNotFound
	}
	if c.Childless && s.hasChildren(c.ID) {
		return store.Outcome{}, store.ErrHasChildren
	}
	to, ok := s.table.Next(c.Event, w.Status)
	if !ok || c.Incarnation != 0 && c.Incarnation != w.Incarnation {
		return store.Outcome{Status: w.Status, Incarnation: w.Incarnation}, nil
	}
	if c.Event.BeginsIncarnation() && c.Boot == nil {
		return store.Outcome{}, fmt.Errorf("memory: apply: %s begins an incarnation, and the change has no boot", c.Event)
	}
	now, incarnation := cut(c.Now), w.Incarnation
	switch {
	case c.Event.BeginsIncarnation():
		incarnation++
		w.BootStartedAt, w.BootDeadline = now, cut(c.Boot.Deadline)
		w.Token, w.TokenConfirmed = c.Boot.Token, !c.Boot.Token.IsZero()
		w.LaunchAfter, w.LaunchAttempts, w.LaunchError = time.Time{}, 0, ""
		w.LastSeenAt = time.Time{}
		w.ErrorRate, w.SampleError, w.ActiveTasks, w.UptimeSeconds = 0, "", 0, 0
		w.CurrentTask, w.RuntimeState = "", ""
	case to == lifecycle.AwaitingAgent:
		w.LastSeenAt = time.Time{}
	case to == lifecycle.Removed:
		w.Token, w.TokenConfirmed = store.TokenHash{}, false
	}
	return s.moved(w, s.move(w, c.Event, to, incarnation, clean(c.Cause), now)), nil
}

func (s *Store) moved(w *store.Workspace, t store.Transition) store.Outcome {
	return store.Outcome{Moved: true, Transition: t, Status: w.Status, Incarnation: w.Incarnation}
}

func (s *Store) hasChildren(id uuid.UUID) bool {
	return slices.ContainsFunc(s.order, func(w *store.Workspace) bool {
		return w.Status != lifecycle.Removed && w.ParentID.Valid && w.ParentID.UUID == id
	})
}

// admit finds the row that an agent speaks for and checks its token.
func (s *Store) admit(id uuid.UUID, token store.TokenHash) (*store.Workspace, error) {
	w := s.rows[id]
	switch {
	case w == nil:
		return nil, store.ErrNotFound
	case w.Status == lifecycle.Removed:
		return nil, store.ErrRemoved
	case !w.Token.Matches(token):
		return w, store.ErrUnauthorized
	}
	return w, nil
}

// prove records proof of life and moves the row by the event.
func (s *Store) prove(w *store.Workspace, event lifecycle.Event, now time.Time) store.Outcome {
	now = cut(now)
	w.LastSeenAt = store.LastSeen(w.LastSeenAt, now)
	if to, ok := s.table.Next(event, w.Status); ok {
		return s.moved(w, s.move(w, event, to, w.Incarnation, "", now))
	}
	return store.Outcome{Status: w.Status, Incarnation: w.Incarnation}
}

// Heartbeat implements store.Store.
func (s *Store) Heartbeat(_ context.Context, b store.Beat) (store.Outcome, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, err := s.admit(b.ID, b.Token)
	if err != nil {
		return store.Outcome{}, err
	}
	w.TokenConfirmed = !w.Token.IsZero()
	w.ErrorRate, w.SampleError, w.ActiveTasks = b.ErrorRate, clean(b.SampleError), b.ActiveTasks
	w.UptimeSeconds, w.CurrentTask, w.RuntimeState = b.UptimeSeconds, clean(b.CurrentTask), clean(b.RuntimeState)
	return s.prove(w, b.Event, b.Now), nil
}

// Register implements store.Store.
func (s *Store) Register(_ context.Context, r store.Registration) (store.Outcome, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, err := s.admit(r.ID, r.Token)
	mint := w != nil && r.Token.IsZero() && !w.TokenConfirmed
	if err != nil && !mint {
		return store.Outcome{}, err
	}
	if mint {
		w.Token, w.TokenConfirmed = r.NewToken, false
	} else {
		w.TokenConfirmed = true
	}
	w.URL, w.Card = clean(r.URL), slices.Clone(r.Card)
	out := s.prove(w, lifecycle.Register, r.Now)
	out.Minted = mint
	return out, nil
}

// UpdateCard implements store.Store.
func (s *Store) UpdateCard(_ context.Context, id uuid.UUID, token store.TokenHash, card json.RawMessage) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, err := s.admit(id, token)
	if err != nil {
		return err
	}
	w.Card = slices.Clone(card)
	return nil
}

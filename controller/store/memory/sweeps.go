package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

// due collects the rows that a sweep acts on, oldest first by the given time, then by id, at most limit.
// It keeps a slice only when something is due, since most sweeps find nothing.
func (s *Store) due(limit int, want func(*store.Workspace) bool, when func(*store.Workspace) time.Time) []*store.Workspace {
	var found []*store.Workspace
	for _, w := range s.order {
		if want(w) {
			found = append(found, w)
		}
	}
	slices.SortFunc(found, func(a, b *store.Workspace) int {
		return cmp.Or(when(a).Compare(when(b)), slices.Compare(a.ID[:], b.ID[:]))
	})
	return found[:min(len(found), limit)]
}

// ExpireBoots implements store.Store.
func (s *Store) ExpireBoots(_ context.Context, now time.Time, cause string, limit int) ([]store.Transition, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, cause = cut(now), clean(cause)
	var moved []store.Transition
	for _, w := range s.due(limit, func(w *store.Workspace) bool {
		_, ok := s.table.Next(lifecycle.ProvisionTimeout, w.Status)
		return ok && !w.BootDeadline.IsZero() && !w.BootDeadline.After(now)
	}, func(w *store.Workspace) time.Time { return w.BootDeadline }) {
		to, _ := s.table.Next(lifecycle.ProvisionTimeout, w.Status)
		moved = append(moved, s.move(w, lifecycle.ProvisionTimeout, to, w.Incarnation, store.BootCause(cause, w), now))
	}
	return moved, nil
}

// ExpireSilent implements store.Store.
func (s *Store) ExpireSilent(_ context.Context, q store.Silence, cause string) ([]store.Transition, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, cause := cut(q.Now), clean(cause)
	var moved []store.Transition
	for _, w := range s.due(q.Limit, func(w *store.Workspace) bool {
		ttl := q.TTL
		if w.External {
			ttl = q.ExternalTTL
		}
		_, ok := s.table.Next(lifecycle.Silence, w.Status)
		return ok && !w.LastSeenAt.IsZero() && !w.LastSeenAt.Add(ttl).After(now)
	}, func(w *store.Workspace) time.Time { return w.LastSeenAt }) {
		to, _ := s.table.Next(lifecycle.Silence, w.Status)
		moved = append(moved, s.move(w, lifecycle.Silence, to, w.Incarnation, cause, now))
	}
	return moved, nil
}

// ClaimLaunches implements store.Store.
func (s *Store) ClaimLaunches(_ context.Context, now, until time.Time, limit int) (store.Launches, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now = cut(now)
	var found store.Launches
	for _, w := range s.due(limit, func(w *store.Workspace) bool {
		return w.Status == lifecycle.Provisioning && !w.External && w.MachineID == "" && !w.LaunchAfter.After(now)
	}, func(w *store.Workspace) time.Time { return w.BootStartedAt }) {
		w.LaunchAfter = cut(until)
		w.LaunchAttempts++
		found.Claimed = append(found.Claimed, copyOf(w))
	}
	for _, w := range s.due(limit, func(w *store.Workspace) bool {
		return w.Status == lifecycle.Hibernating ||
			w.MachineID != "" && (!w.Status.KeepsMachine() || w.MachineIncarnation != w.Incarnation)
	}, func(*store.Workspace) time.Time { return time.Time{} }) {
		found.Unwanted = append(found.Unwanted, copyOf(w))
	}
	return found, nil
}

// AttachMachine implements store.Store.
func (s *Store) AttachMachine(_ context.Context, id uuid.UUID, incarnation int, machineID string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	machineID = clean(machineID)
	w := s.rows[id]
	if w == nil || w.Incarnation != incarnation || !w.Status.KeepsMachine() || w.MachineID != "" && w.MachineID != machineID {
		return false, nil
	}
	w.MachineID, w.MachineIncarnation, w.LaunchError = machineID, incarnation, ""
	return true, nil
}

// DeferLaunch implements store.Store.
func (s *Store) DeferLaunch(_ context.Context, id uuid.UUID, incarnation int, launchError string, next time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.rows[id]; w != nil && w.Incarnation == incarnation && w.Status == lifecycle.Provisioning && w.MachineID == "" {
		w.LaunchError, w.LaunchAfter = clean(launchError), cut(next)
	}
	return nil
}

// ReleaseMachine implements store.Store.
func (s *Store) ReleaseMachine(_ context.Context, id uuid.UUID, machineID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.rows[id]; w != nil && w.MachineID == clean(machineID) {
		w.MachineID, w.MachineIncarnation = "", 0
	}
	return nil
}

// Transitions implements store.Store.
func (s *Store) Transitions(_ context.Context, id uuid.NullUUID, limit int) ([]store.Transition, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var newest []store.Transition
	for i := len(s.log) - 1; i >= 0 && (limit == 0 || len(newest) < limit); i-- {
		if !id.Valid || s.log[i].WorkspaceID == id.UUID {
			newest = append(newest, s.log[i])
		}
	}
	return newest, nil
}

// Ping implements store.Store.
func (s *Store) Ping(context.Context) error { return nil }

// SetStatus implements store.Unguarded.
func (s *Store) SetStatus(_ context.Context, id uuid.UUID, to lifecycle.Status, event lifecycle.Event, cause string, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.rows[id]
	if w == nil {
		return store.ErrNotFound
	}
	s.move(w, event, to, w.Incarnation, clean(cause), cut(now))
	return nil
}

// Edit implements store.Unguarded.
func (s *Store) Edit(_ context.Context, id uuid.UUID, alter func(*store.Workspace)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.rows[id]
	if w == nil {
		return store.ErrNotFound
	}
	before := *w
	after := copyOf(w)
	alter(&after)
	after.ID = id
	normalize(&after)
	*w = copyOf(&after)
	s.order = slices.DeleteFunc(s.order, func(o *store.Workspace) bool { return o == w })
	s.enqueue(w)
	s.report(w, before.Status, before.Incarnation)
	return nil
}

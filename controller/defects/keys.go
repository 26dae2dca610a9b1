package defects

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

// Shared is what the replicas of one deployment have in common beside the database: a server of keys that expire, as the
// original controller keeps its liveness in.
type Shared struct {
	mu   sync.Mutex
	keys map[uuid.UUID]time.Time // when each expires

	tokens map[uuid.UUID][]store.TokenHash // those of older incarnations
}

// NewShared returns an empty one.
func NewShared() *Shared { return &Shared{keys: map[uuid.UUID]time.Time{}} }

// keyStore judges liveness by keys that expire, instead of by the rows.
type keyStore struct {
	store.Store
	*Shared
	ttl     time.Duration
	started time.Time

	refreshOnly     bool // a heartbeat refreshes a key, but never sets one
	missedWhileDown bool // an expiry is told once, and this server was not there to hear those before its start
}

func newKeyStore(c *controller.Config, shared *Shared, s keyStore) *keyStore {
	s.Store, s.Shared, s.ttl, s.started = c.Store, shared, c.Settings.LivenessTTL, c.Clock.Now()
	return &s
}

func (s *keyStore) Register(ctx context.Context, r store.Registration) (store.Outcome, error) {
	out, err := s.Store.Register(ctx, r)
	if err == nil {
		s.set(r.ID, r.Now, true)
	}
	return out, err
}

func (s *keyStore) Heartbeat(ctx context.Context, b store.Beat) (store.Outcome, error) {
	out, err := s.Store.Heartbeat(ctx, b)
	if err == nil {
		s.set(b.ID, b.Now, !s.refreshOnly)
	}
	return out, err
}

func (s *keyStore) set(id uuid.UUID, now time.Time, absent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.keys[id]; there || absent {
		s.keys[id] = now.Add(s.ttl)
	}
}

// expired takes the keys that have expired, in order of their ids.
func (s *keyStore) expired(now time.Time) []uuid.UUID {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []uuid.UUID
	for id, at := range s.keys {
		if at.After(now) {
			continue
		}
		delete(s.keys, id)
		if !s.missedWhileDown || at.After(s.started) {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	return ids
}

func (s *keyStore) ExpireSilent(ctx context.Context, q store.Silence, cause string) ([]store.Transition, error) {
	var moved []store.Transition
	for _, id := range s.expired(q.Now) {
		out, err := s.Apply(ctx, store.Change{ID: id, Event: lifecycle.Silence, Cause: cause, Now: q.Now})
		if err != nil {
			return moved, err
		}
		if out.Moved {
			moved = append(moved, out.Transition)
		}
	}
	return moved, nil
}

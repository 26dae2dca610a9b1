package defects

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

// keyStore judges liveness by keys that expire, instead of by the rows.
type keyStore struct {
	store.Store
	memory Memory
	ttl    time.Duration

	refreshOnly     bool // a heartbeat refreshes a key, but never sets one
	missedWhileDown bool // an expiry is told once, and this server was not there to hear those before its start
}

func newKeyStore(c *controller.Config, m Memory, s keyStore) *keyStore {
	s.Store, s.memory, s.ttl = c.Store, m, c.Settings.LivenessTTL
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
	s.memory.Do("set_key", id, func(k Kept) Recalled {
		if _, there := k.Keys[id]; there || absent {
			k.Keys[id] = now.Add(s.ttl)
		}
		return Recalled{}
	})
}

// expired takes the keys that have expired, in order of their ids.
func (s *keyStore) expired(now time.Time) []uuid.UUID {
	return s.memory.Do("expired_keys", uuid.Nil, func(k Kept) Recalled {
		var ids []uuid.UUID
		for id, at := range k.Keys {
			if at.After(now) {
				continue
			}
			delete(k.Keys, id)
			if !s.missedWhileDown || at.After(k.Started) {
				ids = append(ids, id)
			}
		}
		slices.SortFunc(ids, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
		return Recalled{IDs: ids}
	}).IDs
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

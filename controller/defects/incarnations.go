package defects

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

// forgivingTokens accepts the tokens of a workspace's older incarnations, too.
type forgivingTokens struct {
	door
	memory Memory
}

func (s forgivingTokens) Apply(ctx context.Context, c store.Change) (store.Outcome, error) {
	if c.Boot != nil {
		if w, err := s.Get(ctx, c.ID); err == nil {
			s.remember(c.ID, w.Token)
		}
	}
	return s.Store.Apply(ctx, c)
}

func (s forgivingTokens) Heartbeat(ctx context.Context, b store.Beat) (store.Outcome, error) {
	if s.knew(b.ID, b.Token) {
		w, err := s.Get(ctx, b.ID)
		if err != nil {
			return store.Outcome{}, err
		}
		b.Token = w.Token
	}
	return s.Store.Heartbeat(ctx, b)
}

// stickyToken keeps a workspace's token over a restart, while the new machine is booted with another.
type stickyToken struct{ store.Store }

func (s stickyToken) Apply(ctx context.Context, c store.Change) (store.Outcome, error) {
	if c.Boot != nil {
		w, err := s.Get(ctx, c.ID)
		if err != nil {
			return store.Outcome{}, err
		}
		boot := *c.Boot
		boot.Token = w.Token
		c.Boot = &boot
	}
	return s.Store.Apply(ctx, c)
}

// freshBudgets counts every budget from the start of the controller, where that is later than the boot's.
type freshBudgets struct {
	store.Store
	memory Memory
	budget func(runtime string) time.Duration
}

func (s freshBudgets) ExpireBoots(ctx context.Context, now time.Time, cause string, _ int) ([]store.Transition, error) {
	return expireEach(ctx, s.Store, now, cause, func(w store.Workspace) bool {
		return s.memory.Do("started", w.ID, func(k Kept) Recalled {
			return Recalled{OK: !k.Started.Add(s.budget(w.Runtime)).After(now)}
		}).OK
	})
}

// expireEach gives boots up one by one: those whose deadline has passed and that are wanted so.
func expireEach(ctx context.Context, s store.Store, now time.Time, cause string, wanted func(store.Workspace) bool) ([]store.Transition, error) {
	rows, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	var moved []store.Transition
	for _, w := range rows {
		if w.Status != lifecycle.Provisioning || w.BootDeadline.IsZero() || w.BootDeadline.After(now) || !wanted(w) {
			continue
		}
		out, err := s.Apply(ctx, store.Change{ID: w.ID, Event: lifecycle.ProvisionTimeout, Cause: store.BootCause(cause, &w), Incarnation: w.Incarnation, Now: now})
		if err != nil {
			return moved, err
		}
		if out.Moved {
			moved = append(moved, out.Transition)
		}
	}
	return moved, nil
}

// remember notes a token that a workspace had.
func (s forgivingTokens) remember(id uuid.UUID, token store.TokenHash) {
	s.memory.Do("remember_token", id, func(k Kept) Recalled {
		k.Tokens[id] = append(k.Tokens[id], token)
		return Recalled{}
	})
}

// knew reports whether the workspace had the token once.
func (s forgivingTokens) knew(id uuid.UUID, token store.TokenHash) bool {
	return s.memory.Do("knew_token", id, func(k Kept) Recalled {
		return Recalled{OK: slices.Contains(k.Tokens[id], token)}
	}).OK
}

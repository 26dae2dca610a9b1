package intercept

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

// Store is a store with somebody on the way to it.
type Store struct {
	Inner store.Store
	// Before is the way there. The operation, named as scenarios do, runs with the context that it returns; with an error it
	// does not take place.
	Before func(ctx context.Context, op string) (context.Context, error)
	// After is the way back, with the context that Before returned and the operation's error; what it returns is the
	// caller's.
	After func(ctx context.Context, op string, err error) error
	// Saw is told of every workspace that an operation has read, with the operation's name, before After; nil where nobody needs
	// to know. A change that moved nothing has read the status and incarnation that it was told.
	Saw func(op string, ws *store.Workspace)
	// Creating is told of every workspace that is about to be created; nil where nobody needs to know.
	Creating func(store.Workspace)
}

var (
	_ store.Store     = (*Store)(nil)
	_ store.Unguarded = (*Store)(nil)
)

// Create implements store.Store.
func (s *Store) Create(ctx context.Context, ws store.Workspace, event lifecycle.Event) (t store.Transition, err error) {
	if ctx, err = s.Before(ctx, "create"); err != nil {
		return t, err
	}
	if s.Creating != nil {
		s.Creating(ws)
	}
	t, err = s.Inner.Create(ctx, ws, event)
	return t, s.After(ctx, "create", err)
}

// Get implements store.Store.
func (s *Store) Get(ctx context.Context, id uuid.UUID) (ws store.Workspace, err error) {
	if ctx, err = s.Before(ctx, "get"); err != nil {
		return ws, err
	}
	if ws, err = s.Inner.Get(ctx, id); err == nil && s.Saw != nil {
		s.Saw("get", &ws)
	}
	return ws, s.After(ctx, "get", err)
}

// Lookup implements store.Store.
func (s *Store) Lookup(ctx context.Context, ids []uuid.UUID) (all []store.Workspace, err error) {
	if ctx, err = s.Before(ctx, "lookup"); err != nil {
		return nil, err
	}
	all, err = s.Inner.Lookup(ctx, ids)
	s.saw("lookup", all)
	return all, s.After(ctx, "lookup", err)
}

// List implements store.Store.
func (s *Store) List(ctx context.Context) (all []store.Workspace, err error) {
	if ctx, err = s.Before(ctx, "list"); err != nil {
		return nil, err
	}
	all, err = s.Inner.List(ctx)
	s.saw("list", all)
	return all, s.After(ctx, "list", err)
}

// Children implements store.Store.
func (s *Store) Children(ctx context.Context, parent uuid.UUID) (all []store.Workspace, err error) {
	if ctx, err = s.Before(ctx, "children"); err != nil {
		return nil, err
	}
	all, err = s.Inner.Children(ctx, parent)
	s.saw("children", all)
	return all, s.After(ctx, "children", err)
}

// Apply implements store.Store.
func (s *Store) Apply(ctx context.Context, c store.Change) (o store.Outcome, err error) {
	if ctx, err = s.Before(ctx, "apply"); err != nil {
		return o, err
	}
	o, err = s.Inner.Apply(ctx, c)
	if err == nil && !o.Moved && s.Saw != nil {
		s.Saw("apply", &store.Workspace{ID: c.ID, Status: o.Status, Incarnation: o.Incarnation})
	}
	return o, s.After(ctx, "apply", err)
}

func (s *Store) saw(op string, all []store.Workspace) {
	if s.Saw == nil {
		return
	}
	for i := range all {
		s.Saw(op, &all[i])
	}
}

// Heartbeat implements store.Store.
func (s *Store) Heartbeat(ctx context.Context, b store.Beat) (o store.Outcome, err error) {
	if ctx, err = s.Before(ctx, "heartbeat"); err != nil {
		return o, err
	}
	o, err = s.Inner.Heartbeat(ctx, b)
	return o, s.After(ctx, "heartbeat", err)
}

// Register implements store.Store.
func (s *Store) Register(ctx context.Context, r store.Registration) (o store.Outcome, err error) {
	if ctx, err = s.Before(ctx, "register"); err != nil {
		return o, err
	}
	o, err = s.Inner.Register(ctx, r)
	return o, s.After(ctx, "register", err)
}

// UpdateCard implements store.Store.
func (s *Store) UpdateCard(ctx context.Context, id uuid.UUID, token store.TokenHash, card json.RawMessage) error {
	ctx, err := s.Before(ctx, "update_card")
	if err != nil {
		return err
	}
	return s.After(ctx, "update_card", s.Inner.UpdateCard(ctx, id, token, card))
}

// ExpireBoots implements store.Store.
func (s *Store) ExpireBoots(ctx context.Context, now time.Time, cause string, limit int) (moved []store.Transition, err error) {
	if ctx, err = s.Before(ctx, "expire_boots"); err != nil {
		return nil, err
	}
	moved, err = s.Inner.ExpireBoots(ctx, now, cause, limit)
	return moved, s.After(ctx, "expire_boots", err)
}

// ExpireSilent implements store.Store.
func (s *Store) ExpireSilent(ctx context.Context, q store.Silence, cause string) (moved []store.Transition, err error) {
	if ctx, err = s.Before(ctx, "expire_silent"); err != nil {
		return nil, err
	}
	moved, err = s.Inner.ExpireSilent(ctx, q, cause)
	return moved, s.After(ctx, "expire_silent", err)
}

// ClaimLaunches implements store.Store.
func (s *Store) ClaimLaunches(ctx context.Context, now, until time.Time, limit int) (found store.Launches, err error) {
	if ctx, err = s.Before(ctx, "claim_launches"); err != nil {
		return found, err
	}
	found, err = s.Inner.ClaimLaunches(ctx, now, until, limit)
	s.saw("claim_launches", found.Claimed)
	s.saw("claim_launches", found.Unwanted)
	return found, s.After(ctx, "claim_launches", err)
}

// AttachMachine implements store.Store.
func (s *Store) AttachMachine(ctx context.Context, id uuid.UUID, incarnation int, machineID string) (ok bool, err error) {
	if ctx, err = s.Before(ctx, "attach_machine"); err != nil {
		return false, err
	}
	ok, err = s.Inner.AttachMachine(ctx, id, incarnation, machineID)
	return ok, s.After(ctx, "attach_machine", err)
}

// DeferLaunch implements store.Store.
func (s *Store) DeferLaunch(ctx context.Context, id uuid.UUID, incarnation int, launchError string, next time.Time) error {
	ctx, err := s.Before(ctx, "defer_launch")
	if err != nil {
		return err
	}
	return s.After(ctx, "defer_launch", s.Inner.DeferLaunch(ctx, id, incarnation, launchError, next))
}

// ReleaseMachine implements store.Store.
func (s *Store) ReleaseMachine(ctx context.Context, id uuid.UUID, machineID string) error {
	ctx, err := s.Before(ctx, "release_machine")
	if err != nil {
		return err
	}
	return s.After(ctx, "release_machine", s.Inner.ReleaseMachine(ctx, id, machineID))
}

// Transitions implements store.Store.
func (s *Store) Transitions(ctx context.Context, id uuid.NullUUID, limit int) (all []store.Transition, err error) {
	if ctx, err = s.Before(ctx, "transitions"); err != nil {
		return nil, err
	}
	all, err = s.Inner.Transitions(ctx, id, limit)
	return all, s.After(ctx, "transitions", err)
}

// Ping implements store.Store.
func (s *Store) Ping(ctx context.Context) error {
	ctx, err := s.Before(ctx, "ping")
	if err != nil {
		return err
	}
	return s.After(ctx, "ping", s.Inner.Ping(ctx))
}

func (s *Store) unguarded() store.Unguarded {
	u, ok := s.Inner.(store.Unguarded)
	if !ok {
		panic("intercept: the store has no Unguarded door, which the defect needs")
	}
	return u
}

// SetStatus implements store.Unguarded.
func (s *Store) SetStatus(ctx context.Context, id uuid.UUID, to lifecycle.Status, event lifecycle.Event, cause string, now time.Time) error {
	ctx, err := s.Before(ctx, "set_status")
	if err != nil {
		return err
	}
	return s.After(ctx, "set_status", s.unguarded().SetStatus(ctx, id, to, event, cause, now))
}

// Edit implements store.Unguarded.
func (s *Store) Edit(ctx context.Context, id uuid.UUID, alter func(*store.Workspace)) error {
	ctx, err := s.Before(ctx, "edit")
	if err != nil {
		return err
	}
	return s.After(ctx, "edit", s.unguarded().Edit(ctx, id, alter))
}

package defects

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

// door is a store with its unguarded door.
type door struct {
	store.Store
	store.Unguarded
}

func openDoor(s store.Store) door {
	u, ok := s.(store.Unguarded)
	if !ok {
		panic(fmt.Sprintf("defects: %T has no unguarded door", s))
	}
	return door{s, u}
}

// staleSweep sweeps in two steps: read who is silent, then write, whatever happened in between.
type staleSweep struct{ door }

func (s staleSweep) ExpireSilent(ctx context.Context, q store.Silence, cause string) ([]store.Transition, error) {
	rows, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	for _, w := range rows {
		ttl := q.TTL
		if w.External {
			ttl = q.ExternalTTL
		}
		if !w.Status.Converged() || w.LastSeenAt.Add(ttl).After(q.Now) {
			continue
		}
		if err := s.SetStatus(ctx, w.ID, lifecycle.Offline, lifecycle.Silence, cause, q.Now); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// unguardedRecovery brings a degraded workspace back in two steps.
type unguardedRecovery struct{ door }

func (s unguardedRecovery) Heartbeat(ctx context.Context, b store.Beat) (store.Outcome, error) {
	w, err := s.Get(ctx, b.ID)
	if err != nil {
		return store.Outcome{}, err
	}
	if w.Status != lifecycle.Degraded || b.Event != lifecycle.Beat || !w.Token.Matches(b.Token) {
		return s.Store.Heartbeat(ctx, b)
	}
	if err := s.SetStatus(ctx, b.ID, lifecycle.Online, b.Event, "", b.Now); err != nil {
		return store.Outcome{}, err
	}
	err = s.Edit(ctx, b.ID, func(w *store.Workspace) {
		w.LastSeenAt, w.ErrorRate, w.SampleError, w.ActiveTasks = b.Now, b.ErrorRate, b.SampleError, b.ActiveTasks
		w.UptimeSeconds, w.CurrentTask, w.RuntimeState = b.UptimeSeconds, b.CurrentTask, b.RuntimeState
	})
	return store.Outcome{Status: lifecycle.Online, Incarnation: w.Incarnation}, err
}

// unguardedLaunchError writes failed where the cloud's error comes after the workspace has moved on.
type unguardedLaunchError struct {
	door
	clock controller.Clock
}

func (s unguardedLaunchError) DeferLaunch(ctx context.Context, id uuid.UUID, incarnation int, launchError string, next time.Time) error {
	w, err := s.Get(ctx, id)
	if err != nil {
		return err
	}
	if w.Status == lifecycle.Provisioning && w.Incarnation == incarnation {
		return s.Store.DeferLaunch(ctx, id, incarnation, launchError, next)
	}
	return s.SetStatus(ctx, id, lifecycle.Failed, lifecycle.LaunchFailed, launchError, s.clock.Now())
}

// carelessAttach takes every machine for wanted.
type carelessAttach struct{ door }

func (s carelessAttach) AttachMachine(ctx context.Context, id uuid.UUID, incarnation int, machineID string) (bool, error) {
	_, err := s.Store.AttachMachine(ctx, id, incarnation, machineID)
	return true, err
}

// lookBeforeDelete deletes in two steps: look for children, then write, whoever was created in between.
type lookBeforeDelete struct{ store.Store }

func (s lookBeforeDelete) Apply(ctx context.Context, c store.Change) (store.Outcome, error) {
	if !c.Childless {
		return s.Store.Apply(ctx, c)
	}
	children, err := s.Children(ctx, c.ID)
	if err != nil {
		return store.Outcome{}, err
	}
	if len(children) > 0 {
		return store.Outcome{}, store.ErrHasChildren
	}
	c.Childless = false
	return s.Store.Apply(ctx, c)
}

// busyList lists only workspaces that are not put aside.
type busyList struct{ store.Store }

func (s busyList) List(ctx context.Context) ([]store.Workspace, error) {
	rows, err := s.Store.List(ctx)
	return slices.DeleteFunc(rows, func(w store.Workspace) bool { return w.Status == lifecycle.Paused }), err
}

// politeDelete says of a workspace that is still starting that it was removed.
type politeDelete struct{ store.Store }

func (s politeDelete) Apply(ctx context.Context, c store.Change) (store.Outcome, error) {
	if c.Event == lifecycle.Remove {
		w, err := s.Get(ctx, c.ID)
		if err != nil {
			return store.Outcome{}, err
		}
		if w.Status == lifecycle.Provisioning {
			return store.Outcome{Status: w.Status, Incarnation: w.Incarnation}, nil
		}
	}
	return s.Store.Apply(ctx, c)
}

// firstAddress keeps the first URL that an agent registered.
type firstAddress struct{ store.Store }

func (s firstAddress) Register(ctx context.Context, r store.Registration) (store.Outcome, error) {
	if w, err := s.Get(ctx, r.ID); err == nil && w.URL != "" {
		r.URL = w.URL
	}
	return s.Store.Register(ctx, r)
}

// fixedCause gives every failure of a boot the same cause.
type fixedCause struct{ store.Store }

func (s fixedCause) Apply(ctx context.Context, c store.Change) (store.Outcome, error) {
	if c.Cause != "" {
		c.Cause = "the boot failed"
	}
	return s.Store.Apply(ctx, c)
}

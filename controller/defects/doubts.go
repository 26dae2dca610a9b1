package defects

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

// What a cloud or a name is believed to say, and does not.

// health restarts every workspace whose machine the look calls dead.
func health(name string, dead func(context.Context, cloud.Cloud) (func(machine string) bool, error)) func(http.Handler, controller.Config) controller.Tick {
	return func(h http.Handler, c controller.Config) controller.Tick {
		return controller.Tick{Name: name, Every: c.Settings.OrphanSweepEvery, Run: func(ctx context.Context) error {
			rows, err := c.Store.List(ctx)
			if err != nil {
				return err
			}
			rows = slices.DeleteFunc(rows, func(w store.Workspace) bool { return w.MachineID == "" || !w.Status.KeepsMachine() })
			if len(rows) == 0 {
				return nil
			}
			isDead, err := dead(ctx, c.Cloud)
			if err != nil {
				return err
			}
			for i := range rows {
				if w := &rows[i]; isDead(w.MachineID) {
					if err := callOwn(ctx, h, c, w.ID, "/restart"); err != nil {
						return fmt.Errorf("%s: %w", name, err)
					}
				}
			}
			return nil
		}}
	}
}

// undescribed takes a machine for dead that cannot be described, for whatever reason.
func undescribed(ctx context.Context, c cloud.Cloud) (func(string) bool, error) {
	return func(id string) bool {
		_, err := c.Describe(ctx, id)
		return err != nil
	}, nil
}

// unlisted takes a machine for dead that is not in the list.
func unlisted(ctx context.Context, c cloud.Cloud) (func(string) bool, error) {
	all, err := c.List(ctx)
	return func(id string) bool {
		return !slices.ContainsFunc(all, func(m cloud.Machine) bool { return m.ID == id })
	}, err
}

// oneToken launches with a client token of the workspace's, whichever its incarnation: the cloud gives back the machine of the
// first, which has ended.
type oneToken struct{ cloud.Cloud }

func (c oneToken) Launch(ctx context.Context, spec cloud.Spec) (cloud.Machine, error) {
	spec.Incarnation = 1
	return c.Cloud.Launch(ctx, spec)
}

// freshToken launches with a client token that goes by the attempt, too. The workspace's id is what the cloud goes by, and says the
// same in either case.
type freshToken struct {
	cloud.Cloud
	store store.Store
}

func (c freshToken) Launch(ctx context.Context, spec cloud.Spec) (cloud.Machine, error) {
	id, err := uuid.Parse(spec.WorkspaceID)
	if err != nil {
		return cloud.Machine{}, err
	}
	if w, err := c.store.Get(ctx, id); err == nil && w.LaunchAttempts%2 == 0 {
		spec.WorkspaceID = strings.ToUpper(spec.WorkspaceID)
	}
	return c.Cloud.Launch(ctx, spec)
}

// trusted takes a launch for begun that the cloud has not taken.
type trusted struct{ cloud.Cloud }

func (c trusted) Launch(ctx context.Context, spec cloud.Spec) (cloud.Machine, error) {
	m, err := c.Cloud.Launch(ctx, spec)
	if err != nil && cloud.Classify(err) == cloud.Transient {
		return cloud.Machine{ID: "pending-" + spec.WorkspaceID, WorkspaceID: spec.WorkspaceID, Incarnation: spec.Incarnation}, nil
	}
	return m, err
}

// firstPage sweeps what is silent among the first rows of the table, as many as a batch has.
type firstPage struct{ door }

func (s firstPage) ExpireSilent(ctx context.Context, q store.Silence, cause string) ([]store.Transition, error) {
	rows, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	return staleSweep{door{firstRows{s.Store, rows[:min(len(rows), q.Limit)]}, s.Unguarded}}.ExpireSilent(ctx, q, cause)
}

// firstRows is a store whose list has only these.
type firstRows struct {
	store.Store
	rows []store.Workspace
}

func (s firstRows) List(context.Context) ([]store.Workspace, error) { return s.rows, nil }

// loudDelete removes what is removed already, and says so in the log.
type loudDelete struct {
	door
	clock controller.Clock
}

func (s loudDelete) Apply(ctx context.Context, c store.Change) (store.Outcome, error) {
	out, err := s.Store.Apply(ctx, c)
	if err == nil && c.Event == lifecycle.Remove && !out.Moved && out.Status == lifecycle.Removed {
		err = s.SetStatus(ctx, c.ID, lifecycle.Removed, lifecycle.Remove, "", s.clock.Now())
	}
	return out, err
}

// oneName has a unique index on names that counts those of removed workspaces: the second insert does nothing, and nobody looks.
type oneName struct {
	store.Store
	memory Memory
}

func (s oneName) Create(ctx context.Context, w store.Workspace, event lifecycle.Event) (store.Transition, error) {
	taken := s.memory.Do("insert_name", w.ID, func(k Kept) Recalled {
		_, taken := k.Names[w.Name]
		if !taken {
			k.Names[w.Name] = w.ID
		}
		return Recalled{OK: taken}
	})
	if !taken.OK {
		return s.Store.Create(ctx, w, event)
	}
	to, _ := lifecycle.Standard().Next(event, lifecycle.None)
	return store.Transition{WorkspaceID: w.ID, Incarnation: w.Incarnation, Event: event, To: to, At: w.CreatedAt}, nil
}

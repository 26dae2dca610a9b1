package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/controller/wire"
)

// reconcileMachines is the launcher: it stops what no workspace wants, and launches what is wanted and missing. One call of
// the store says what there is of both. A workspace is launched anew only when its former machine is gone: so where
// something was stopped, the store is asked again in the same turn, or a restart would wait for another.
func (c *Controller) reconcileMachines(ctx context.Context) error {
	found, err := c.claimLaunches(ctx)
	if err != nil {
		return err
	}
	stops := len(found.Unwanted)
	n := stops + len(found.Claimed)
	if n == 0 {
		return nil
	}
	problems := make([]error, n)
	stopped := make([]bool, stops)
	// All at once, since a claim is a lease, which slow stops would eat up.
	c.Each(ctx, n, func(ctx context.Context, i int) {
		if i < stops {
			_, problems[i] = c.stopUnwanted(ctx, found.Unwanted[i])
			stopped[i] = problems[i] == nil
		} else {
			problems[i] = c.launch(ctx, found.Claimed[i-stops])
		}
	})
	if !slices.Contains(stopped, true) {
		return errors.Join(problems...)
	}
	again, err := c.claimLaunches(ctx)
	if err != nil {
		return errors.Join(append(problems, err)...)
	}
	if len(again.Claimed) > 0 {
		launches := make([]error, len(again.Claimed))
		c.Each(ctx, len(launches), func(ctx context.Context, i int) { launches[i] = c.launch(ctx, again.Claimed[i]) })
		problems = append(problems, launches...)
	}
	return errors.Join(problems...) // what has become unwanted meanwhile is the next turn's
}

// claimLaunches asks the store what there is to be done. The lease outlasts the launch and what follows it, so that no
// other replica launches the same meanwhile; if it does all the same, the cloud's idempotency makes it the same machine.
func (c *Controller) claimLaunches(ctx context.Context) (store.Launches, error) {
	now := c.Clock.Now()
	found, err := c.Store.ClaimLaunches(ctx, now, now.Add(2*c.Settings.LaunchTimeout), c.Settings.LaunchBatch)
	if err != nil {
		return found, fmt.Errorf("claiming launches: %w", err)
	}
	return found, nil
}

// stopUnwanted stops the machine of a workspace that should have none, and returns the workspace's status afterwards. Each
// step can be repeated: a crash between two of them leaves a row that the launcher finds again.
func (c *Controller) stopUnwanted(ctx context.Context, ws store.Workspace) (lifecycle.Status, error) {
	if ws.MachineID != "" {
		if err := c.terminate(ctx, ws.MachineID); err != nil {
			return ws.Status, err
		}
	}
	status := ws.Status
	if ws.Status == lifecycle.Hibernating {
		out, err := c.Store.Apply(ctx, store.Change{
			ID: ws.ID, Event: lifecycle.MachineStopped, Incarnation: ws.Incarnation, Now: c.Clock.Now(),
		})
		if err != nil {
			return status, fmt.Errorf("recording that %s hibernates: %w", ws.ID, err)
		}
		c.metrics.count(out)
		status = out.Status
	}
	if ws.MachineID != "" {
		if err := c.Store.ReleaseMachine(ctx, ws.ID, ws.MachineID); err != nil {
			return status, fmt.Errorf("releasing machine %s of %s: %w", ws.MachineID, ws.ID, err)
		}
	}
	return status, nil
}

func (c *Controller) terminate(ctx context.Context, machineID string) error {
	if c.Cloud == nil {
		return nil
	}
	ctx, cancel := c.Clock.WithTimeout(ctx, c.Settings.LaunchTimeout)
	defer cancel()
	if err := c.Cloud.Terminate(ctx, machineID); err != nil {
		return fmt.Errorf("stopping machine %s: %w", machineID, err)
	}
	return nil
}

// launch launches the machine of a claimed workspace and records what came of it. Whatever it records is guarded by the
// incarnation, since the operator may have moved on while the cloud took its time.
func (c *Controller) launch(ctx context.Context, ws store.Workspace) error {
	m, err := c.callLaunch(ctx, ws)
	switch cloud.Classify(err) {
	case cloud.OK:
		attached, err := c.Store.AttachMachine(ctx, ws.ID, ws.Incarnation, m.ID)
		if err != nil {
			return fmt.Errorf("recording machine %s of %s: %w", m.ID, ws.ID, err)
		}
		if !attached {
			return c.terminate(ctx, m.ID)
		}
		return nil
	case cloud.Permanent:
		out, storeErr := c.Store.Apply(ctx, store.Change{
			ID: ws.ID, Event: lifecycle.LaunchFailed, Incarnation: ws.Incarnation, Cause: err.Error(), Now: c.Clock.Now(),
		})
		if storeErr != nil {
			return fmt.Errorf("recording that the launch of %s was refused: %w", ws.ID, storeErr)
		}
		c.metrics.count(out)
		return nil
	default:
		next := c.Clock.Now().Add(c.Settings.LaunchBackoff(ws.LaunchAttempts))
		if storeErr := c.Store.DeferLaunch(ctx, ws.ID, ws.Incarnation, err.Error(), next); storeErr != nil {
			return fmt.Errorf("recording that the launch of %s has to be tried again: %w", ws.ID, storeErr)
		}
		return nil
	}
}

// callLaunch calls the cloud under a deadline of its own, so that what is recorded afterwards does not run into it.
func (c *Controller) callLaunch(ctx context.Context, ws store.Workspace) (cloud.Machine, error) {
	ctx, cancel := c.Clock.WithTimeout(ctx, c.Settings.LaunchTimeout)
	defer cancel()
	return c.Cloud.Launch(ctx, cloud.Spec{
		WorkspaceID: ws.ID.String(), Incarnation: ws.Incarnation, Name: ws.Name, Runtime: ws.Runtime, Model: ws.Model,
		Template: ws.Template, Tier: ws.Tier,
		Env: map[string]string{
			wire.EnvWorkspaceID: ws.ID.String(),
			wire.EnvPlatformURL: c.PublicURL,
			wire.EnvToken:       c.bootToken(ws.ID, ws.Incarnation),
		},
	})
}

// sweepOrphans stops machines that no current incarnation owns: those of launches whose outcome nobody recorded. It lists
// the cloud before it reads the rows, so that a machine it sees was launched for an incarnation that the rows, read later,
// know or have left behind; a machine whose launch is still being recorded is never taken for an orphan.
func (c *Controller) sweepOrphans(ctx context.Context) error {
	machines, err := c.Cloud.List(ctx)
	if err != nil {
		return fmt.Errorf("listing machines: %w", err)
	}
	if len(machines) == 0 {
		return nil
	}
	ids := make([]uuid.UUID, len(machines)) // the nil id, which no workspace has, where a machine's tag is none
	for i, m := range machines {
		if id, err := uuid.Parse(m.WorkspaceID); err == nil {
			ids[i] = id
		}
	}
	rows, err := c.Store.Lookup(ctx, ids)
	if err != nil {
		return fmt.Errorf("looking up the machines' workspaces: %w", err)
	}
	owners := make(map[uuid.UUID]*store.Workspace, len(rows))
	for i := range rows {
		owners[rows[i].ID] = &rows[i]
	}
	var orphans []cloud.Machine
	for i, m := range machines {
		if w := owners[ids[i]]; w == nil || !owns(w, m) {
			orphans = append(orphans, m)
		}
	}
	if len(orphans) == 0 {
		return nil
	}
	problems := make([]error, len(orphans))
	c.Each(ctx, len(orphans), func(ctx context.Context, i int) {
		c.Logger.InfoContext(ctx, "stopping an orphan", "machine", orphans[i].ID, "workspace", orphans[i].WorkspaceID)
		problems[i] = c.terminate(ctx, orphans[i].ID)
	})
	return errors.Join(problems...)
}

// owns reports whether the machine may belong to the workspace as it is now.
func owns(w *store.Workspace, m cloud.Machine) bool {
	return w.Status.KeepsMachine() && m.Incarnation == w.Incarnation && (w.MachineID == "" || w.MachineID == m.ID)
}

package controller

import (
	"context"

	"github.com/bootrace/bootrace/controller/store"
)

// The sweeps judge and move rows in one statement of the store, so that a proof of life that lands first wins.

// Causes that the sweeps give.
const (
	CauseProvisionTimeout = "provision timeout: no proof of life within the budget"
	CauseSilence          = "no proof of life within the liveness TTL"
)

func (c *Controller) sweepProvisioning(ctx context.Context) error {
	return c.sweep(func() ([]store.Transition, error) {
		return c.Store.ExpireBoots(ctx, c.Clock.Now(), CauseProvisionTimeout, c.Settings.SweepBatch)
	})
}

func (c *Controller) sweepSilent(ctx context.Context) error {
	return c.sweep(func() ([]store.Transition, error) {
		return c.Store.ExpireSilent(ctx, store.Silence{
			Now: c.Clock.Now(), TTL: c.Settings.LivenessTTL, ExternalTTL: c.Settings.ExternalTTL, Limit: c.Settings.SweepBatch,
		}, CauseSilence)
	})
}

// sweep repeats the step until it moves less than a batch.
func (c *Controller) sweep(step func() ([]store.Transition, error)) error {
	for {
		moved, err := step()
		if err != nil {
			return err
		}
		for _, t := range moved {
			c.metrics.moved[t.Event].Inc()
			c.Logger.Info("swept", "workspace", t.WorkspaceID, "event", t.Event, "from", t.From, "to", t.To)
		}
		if len(moved) < c.Settings.SweepBatch {
			return nil
		}
	}
}

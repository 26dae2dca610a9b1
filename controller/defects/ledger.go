package defects

import (
	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/lifecycle"
)

// ledger is every defect, in the order in which they were found. The facts are those of the public molecule-core server
// (its issue 2414 is the first) and of its history.
var ledger = []*Defect{
	{
		Name: "sticky-failed",
		Mechanism: "The provision-timeout sweeper moves a slow boot to failed. The boot ends, its heartbeats get 200, and " +
			"no proof of life has a transition out of failed.",
		Breaks:   "converges",
		Evidence: "seen",
		table: func(t *lifecycle.Table) *lifecycle.Table {
			return deaf(t, lifecycle.Failed)
		},
	},
	{
		Name: "fix-regressed",
		Mechanism: "A later, narrower guard lets a proof of life recover only a provisioning workspace: one that was " +
			"offline or failed for a moment never comes back.",
		Breaks:   "converges",
		Evidence: "history",
		table: func(t *lifecycle.Table) *lifecycle.Table {
			return deaf(t, lifecycle.Failed, lifecycle.Offline, lifecycle.AwaitingAgent)
		},
	},
	{
		Name: "zombie-online",
		Mechanism: "Liveness is a key that expires. A heartbeat refreshes the key only where it is still there, so a " +
			"workspace that came back from offline has none, and its next silence is never noticed.",
		Breaks:   "detects-silence",
		Evidence: "seen",
		config: func(c *controller.Config, shared *Shared) {
			c.Store = newKeyStore(c, shared, keyStore{refreshOnly: true})
		},
	},
	{
		Name: "lost-expiry",
		Mechanism: "Liveness is a key whose expiry is told once. If the server is down at that moment, nobody hears it, " +
			"and the workspace stays online for ever.",
		Breaks:   "detects-silence",
		Evidence: "seen",
		config: func(c *controller.Config, shared *Shared) {
			c.Store = newKeyStore(c, shared, keyStore{missedWhileDown: true})
		},
	},
	{
		Name: "fresh-row-offline",
		Mechanism: "The liveness sweep reads who is silent, and then writes offline without looking again: a heartbeat " +
			"that landed in between is overruled.",
		Breaks:   "stays-online",
		Evidence: "read",
		config: func(c *controller.Config, _ *Shared) {
			c.Store = staleSweep{openDoor(c.Store)}
		},
	},
	{
		Name: "degraded-resurrect",
		Mechanism: "A heartbeat reads that the workspace is degraded, and then writes online without a guard: a DELETE " +
			"that committed in between is undone.",
		Breaks:   "removed-is-terminal",
		Evidence: "seen",
		config: func(c *controller.Config, _ *Shared) {
			c.Store = unguardedRecovery{openDoor(c.Store)}
		},
	},
	{
		Name: "late-start-error",
		Mechanism: "The cloud's error arrives after the workspace moved on (its agent registered, the operator paused or " +
			"deleted it), and is written as failed without a guard.",
		Breaks:   "loser-cannot-overwrite-winner",
		Evidence: "seen",
		config: func(c *controller.Config, _ *Shared) {
			c.Store = unguardedLaunchError{openDoor(c.Store), c.Clock}
		},
	},
	{
		Name: "delete-during-start",
		Mechanism: "The machine's id arrives after DELETE. Nobody notices that nobody wants it, and nothing looks for " +
			"machines without an owner.",
		Breaks:   "one-machine",
		Evidence: "seen",
		config: func(c *controller.Config, _ *Shared) {
			c.Store = carelessAttach{openDoor(c.Store)}
		},
		ticks: func(ticks []controller.Tick, _ controller.Config) []controller.Tick {
			return without(ticks, controller.TickOrphanSweep)
		},
	},
}

package defects

import (
	"net/http"
	"slices"
	"time"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/lifecycle"
)

// ledger is every defect, in the order in which they were found.
var ledger = slices.Concat(known, reported)

// known are those that began it. The facts are those of the public molecule-core server
// (its issue 2414 is the first) and of its history.
var known = []*Defect{
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
		Breaks:    "detects-silence",
		Also:      []string{"stays-online"}, // it looks, and then writes without looking again
		Evidence:  "seen",
		Remembers: true,
		config: func(c *controller.Config, m Memory) {
			c.Store = newKeyStore(c, m, keyStore{refreshOnly: true})
		},
	},
	{
		Name: "lost-expiry",
		Mechanism: "Liveness is a key whose expiry is told once. If the server is down at that moment, nobody hears it, " +
			"and the workspace stays online for ever.",
		Breaks:    "detects-silence",
		Also:      []string{"stays-online"}, // it looks, and then writes without looking again
		Evidence:  "seen",
		Remembers: true,
		config: func(c *controller.Config, m Memory) {
			c.Store = newKeyStore(c, m, keyStore{missedWhileDown: true})
		},
	},
	{
		Name: "fresh-row-offline",
		Mechanism: "The liveness sweep reads who is silent, and then writes offline without looking again: a heartbeat " +
			"that landed in between is overruled.",
		Breaks:   "stays-online",
		Also:     []string{"loser-cannot-overwrite-winner", "event-iff-transition", "removed-is-terminal", "operator-intent-holds"},
		Evidence: "read",
		config: func(c *controller.Config, _ Memory) {
			c.Store = staleSweep{openDoor(c.Store)}
		},
	},
	{
		Name: "degraded-resurrect",
		Mechanism: "A heartbeat reads that the workspace is degraded, and then writes online without a guard: a DELETE " +
			"that committed in between is undone.",
		Breaks:   "removed-is-terminal",
		Also:     []string{"event-iff-transition", "operator-intent-holds", "legal-edges", "current-incarnation"},
		Evidence: "seen",
		config: func(c *controller.Config, _ Memory) {
			c.Store = unguardedRecovery{openDoor(c.Store)}
		},
	},
	{
		Name: "late-start-error",
		Mechanism: "The cloud's error arrives after the workspace moved on (its agent registered, the operator paused or " +
			"deleted it), and is written as failed without a guard.",
		Breaks:   "loser-cannot-overwrite-winner",
		Also:     []string{"removed-is-terminal"},
		Evidence: "seen",
		config: func(c *controller.Config, _ Memory) {
			c.Store = unguardedLaunchError{openDoor(c.Store), c.Clock}
		},
	},
	{
		Name: "delete-during-start",
		Mechanism: "The machine's id arrives after DELETE. Nobody notices that nobody wants it, and nothing looks for " +
			"machines without an owner.",
		Breaks:   "one-machine",
		Evidence: "seen",
		config: func(c *controller.Config, _ Memory) {
			c.Store = carelessAttach{openDoor(c.Store)}
		},
		ticks: func(ticks []controller.Tick, _ controller.Config) []controller.Tick {
			return without(ticks, controller.TickOrphanSweep)
		},
	},
	{
		Name:      "pause-leaks-machine",
		Mechanism: "Pause and hibernate change the row, and stop nothing in the cloud: the machine runs on.",
		Breaks:    "one-machine",
		Evidence:  "seen",
		config: func(c *controller.Config, _ Memory) {
			c.Cloud = leakyPause{c.Cloud, c.Store}
		},
	},
	{
		Name:      "stop-ignores-5xx",
		Mechanism: "A stop that the cloud refuses is taken for one that worked, and nothing looks for machines without an owner.",
		Breaks:    "one-machine",
		Evidence:  "read",
		config: func(c *controller.Config, _ Memory) {
			c.Cloud = hopefulStop{c.Cloud}
		},
		ticks: func(ticks []controller.Tick, _ controller.Config) []controller.Tick {
			return without(ticks, controller.TickOrphanSweep)
		},
	},
	{
		Name:      "old-incarnation-online",
		Mechanism: "A restart revokes nothing: a heartbeat of the old machine, on its way or not stopped yet, makes the new boot online.",
		Breaks:    "current-incarnation",
		Also:      []string{"keeps-out"}, // whoever has an old token gets in
		Evidence:  "seen",
		Remembers: true,
		config: func(c *controller.Config, m Memory) {
			c.Store = forgivingTokens{openDoor(c.Store), m}
		},
	},
	{
		Name:      "restart-token-lockout",
		Mechanism: "A restart keeps the old token live, so that the register of the new machine gets 401, for ever.",
		Breaks:    "converges",
		Evidence:  "seen",
		config: func(c *controller.Config, _ Memory) {
			c.Store = stickyToken{c.Store}
		},
	},
	{
		Name:      "unpause-by-register",
		Mechanism: "A register moves a paused workspace to online.",
		Breaks:    "operator-intent-holds",
		Evidence:  "seen",
		table: func(t *lifecycle.Table) *lifecycle.Table {
			return t.With(lifecycle.Edge{Event: lifecycle.Register, From: lifecycle.Paused, To: lifecycle.Online, Why: "the defect"})
		},
	},
	{
		Name:      "register-after-delete",
		Mechanism: "A removed workspace's register gets 200 and a live token.",
		Breaks:    "removed-is-terminal",
		Also:      []string{"stored-as-sent", "keeps-out"}, // what it registered is told nobody; and anybody may register for it
		Evidence:  "seen",
		config: func(c *controller.Config, _ Memory) {
			c.Store = welcoming{openDoor(c.Store)}
		},
	},
	{
		Name:      "unknown-id-accepted",
		Mechanism: "A heartbeat for an id that nobody created gets 200, and a register makes an online row of it.",
		Breaks:    "no-phantom-rows",
		Evidence:  "seen",
		config: func(c *controller.Config, _ Memory) {
			c.Store = credulous{c.Store}
		},
	},
	{
		Name:      "enum-drift",
		Mechanism: "The reply says awaiting_agent, the row says provisioning, and the sweep then fails it.",
		Breaks:    "reply-is-state",
		Evidence:  "seen",
		config: func(c *controller.Config, _ Memory) {
			c.Store = drifted{c.Store, c.Settings.Budget}
		},
	},
	{
		Name:      "lying-hibernate",
		Mechanism: "The reply says hibernated, and the row is still online.",
		Breaks:    "reply-is-state",
		Also:      []string{"one-machine"}, // it stops the machine of one that is online
		Evidence:  "seen",
		config: func(c *controller.Config, _ Memory) {
			c.Store = lying{c.Store}
		},
	},
	{
		Name:      "swallowed-4xx",
		Mechanism: "The agent takes a 401 or 429 for success: it never registers again, beats without a token, and is refused for ever.",
		Breaks:    "converges",
		Also:      []string{"detects-silence"},
		Evidence:  "read",
		swallows:  true,
	},
	{
		Name:      "nat-throttle",
		Mechanism: "Agents behind one address share one rate limit: beats that keep coming get 429, and their workspaces go offline.",
		Breaks:    "stays-online",
		Also:      []string{"bounded-churn"},
		Evidence:  "read",
		Remembers: true,
		handler: func(h http.Handler, c controller.Config, m Memory) http.Handler {
			return &throttled{Handler: h, memory: m, clock: c.Clock, limit: 3, interval: inTimeOf(c.Settings, 5*time.Minute)}
		},
	},
	{
		Name:      "timer-disagreement",
		Mechanism: "Two timers have different budgets for one runtime, and the shorter one gives a healthy boot up.",
		Breaks:    "gives-up",
		Evidence:  "history",
		ticks: func(ticks []controller.Tick, c controller.Config) []controller.Tick {
			return append(append([]controller.Tick{}, ticks...), watchdog(c))
		},
	},
	{
		Name:      "dead-context-fail",
		Mechanism: "A launch runs out of its deadline, and what records the failure runs under the same context: nothing is recorded, and the sweep leaves the boot to the launch.",
		Breaks:    "gives-up",
		Also:      []string{"launches"}, // the launch that ran out is not tried again
		Evidence:  "read",
		config: func(c *controller.Config, _ Memory) {
			c.Store, c.Cloud = selfReporting{openDoor(c.Store)}, oneShot{c.Cloud}
		},
	},
	{
		Name:      "flap",
		Mechanism: "The liveness TTL is about the heartbeat interval, so that every beat that is a little late makes the workspace offline for a moment.",
		Breaks:    "bounded-churn",
		Also:      []string{"stays-online"},
		Evidence:  "peer",
		config: func(c *controller.Config, _ Memory) {
			c.Settings.LivenessTTL = inTimeOf(c.Settings, 25*time.Second)
		},
	},
	{
		Name:      "double-sweep",
		Mechanism: "Two replicas sweep at once, and each emits the transition: reading and writing are two steps.",
		Breaks:    "event-iff-transition",
		Also:      []string{"loser-cannot-overwrite-winner", "operator-intent-holds", "removed-is-terminal", "stays-online", "gives-up", "current-incarnation"}, // what it writes late, it writes over anything
		Evidence:  "design",
		config: func(c *controller.Config, _ Memory) {
			c.Store = doubleSweep{openDoor(c.Store)}
		},
	},
	{
		Name:      "budget-from-restart",
		Mechanism: "Every start of the controller counts all budgets anew, so that a dead boot is provisioning for ever where restarts are frequent.",
		Breaks:    "gives-up",
		Evidence:  "design",
		Remembers: true,
		config: func(c *controller.Config, m Memory) {
			c.Store = freshBudgets{c.Store, m, c.Settings.Budget}
		},
	},
	{
		Name: "orphaned-child",
		Mechanism: "A DELETE looks for children, finds none, and removes the workspace in another step: a child that is created in " +
			"between is left below a removed parent.",
		Breaks:   "referential-integrity",
		Evidence: "design",
		config: func(c *controller.Config, _ Memory) {
			c.Store = lookBeforeDelete{c.Store}
		},
	},
	{
		Name:      "list-hides-paused",
		Mechanism: "The list of all workspaces is made of those at work: who is paused is not in it, and its operator takes it for deleted.",
		Breaks:    "reply-is-state",
		Evidence:  "design",
		config: func(c *controller.Config, _ Memory) {
			c.Store = busyList{c.Store}
		},
	},
	{
		Name: "unasked-restart",
		Mechanism: "A policy loop restarts every workspace some minutes after its boot began, healthy or still booting: slow boots never " +
			"come to their end, and what serves is interrupted. Nobody asked.",
		Breaks:   "unasked",
		Also:     []string{"bounded-churn"},
		Evidence: "peer",
		loop:     loop("restart-loop", impatience),
	},
	{
		Name:      "scale-down-active",
		Mechanism: "A scale-down picks a workspace by its age and hibernates it, whether it is at work or not.",
		Breaks:    "unasked",
		Evidence:  "peer",
		loop:      loop("scale-down", thrift),
	},
	{
		Name:      "refused-delete",
		Mechanism: "A DELETE of a workspace that is still starting is answered 200, and nothing is done: it boots, and serves.",
		Breaks:    "reply-is-state",
		Evidence:  "peer",
		config: func(c *controller.Config, _ Memory) {
			c.Store = politeDelete{c.Store}
		},
	},
	{
		Name: "dead-address",
		Mechanism: "A register's URL is stored only where there is none yet: an agent that comes back at another address is called at " +
			"the old one, where nobody is.",
		Breaks:   "stored-as-sent",
		Evidence: "design",
		config: func(c *controller.Config, _ Memory) {
			c.Store = firstAddress{c.Store}
		},
	},
	{
		Name:      "throttled-is-refused",
		Mechanism: "Every error of a launch is taken for a refusal for good: a cloud that throttles for a moment fails the boot.",
		Breaks:    "gives-up",
		Also:      []string{"launches"},
		Evidence:  "design",
		config: func(c *controller.Config, _ Memory) {
			c.Cloud = oneTry{c.Cloud}
		},
	},
	{
		Name:      "blank-cause",
		Mechanism: "Whatever fails a boot, the cause is the same fixed text: what the cloud said, or who watched the boot, is lost.",
		Breaks:    "cause-kept",
		Evidence:  "design",
		config: func(c *controller.Config, _ Memory) {
			c.Store = fixedCause{c.Store}
		},
	},
}

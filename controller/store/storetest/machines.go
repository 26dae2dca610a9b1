package storetest

import (
	"slices"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

var machineTests = []subtest{
	{"ClaimLaunches returns what wants a machine and has none", claimWants},
	{"ClaimLaunches takes the oldest boots first, then ids, at most limit", claimOrder},
	{"a claim is a lease, and counts an attempt", claimLease},
	{"AttachMachine records the machine of the current incarnation", attachRules},
	{"DeferLaunch records the error and when to try next", deferRules},
	{"ClaimLaunches returns what should not run, and what hibernates", unwantedRules},
	{"ClaimLaunches returns the unwanted in order of id, at most limit", unwantedOrder},
	{"a workspace is claimed only when its former machine is released", claimAfterRelease},
	{"ReleaseMachine forgets the machine that is recorded, and no other", releaseRules},
}

// wantClaims holds a claim to returning exactly these workspaces, as they are afterwards.
func (f *fixture) wantClaims(what string, now, until time.Time, limit int, want ...store.Workspace) {
	f.Helper()
	m := f.mark()
	for i := range want {
		want[i].LaunchAfter = until
		want[i].LaunchAttempts++
	}
	got, err := f.ClaimLaunches(f.ctx, now, until, limit)
	f.ok(err)
	f.same(what+": claimed", got.Claimed, want)
	for _, w := range want {
		f.same(what+": row", f.get(w.ID), w)
	}
	f.wantSince(m, what)
}

func claimWants(f *fixture) {
	var want []store.Workspace
	for _, status := range lifecycle.Statuses() {
		w := f.reach(status)
		if status == lifecycle.Provisioning {
			want = append(want, w)
		}
	}
	f.create(func(w *store.Workspace) { w.External = true })
	f.create(func(w *store.Workspace) { w.MachineID, w.MachineIncarnation = "i", 1 })
	restarted := f.create(func(w *store.Workspace) { w.MachineID, w.MachineIncarnation = "i", 1 })
	f.apply(restarted.ID, lifecycle.Restart) // its old machine has to go first
	now := f.tickOn()
	f.create(func(w *store.Workspace) { w.LaunchAfter = now.Add(tick) })
	want = append(want, f.create(func(w *store.Workspace) { w.LaunchAfter = now }))
	f.wantClaims("all", now, now.Add(time.Minute), 100, want...)
}

func claimOrder(f *fixture) {
	all := f.spread(lifecycle.Provisioning, func(w *store.Workspace, at time.Time) { w.BootStartedAt = at })
	timeless := f.create(func(w *store.Workspace) { w.BootStartedAt = time.Time{} })
	all = append([]store.Workspace{timeless}, all...)
	now := epoch.Add(time.Hour)
	until := now.Add(time.Minute)
	f.wantClaims("limit 0", now, until, 0)
	f.wantClaims("limit 5", now, until, 5, all[:5]...)
	f.wantClaims("limit 1", now, until, 1, all[5])
	f.wantClaims("the rest", now, until, 100, all[6:]...)
	for i := range all {
		all[i] = f.get(all[i].ID)
	}
	f.wantClaims("again", until, until.Add(time.Minute), 100, all...)
}

func claimLease(f *fixture) {
	w := f.create()
	now := f.tickOn()
	until := now.Add(time.Minute)
	f.wantClaims("first", now, until, 10, w)
	f.wantClaims("while leased", until.Add(-tick), until.Add(time.Hour), 10)
	w = f.get(w.ID)
	f.same("attempts", w.LaunchAttempts, 1)
	f.wantClaims("when the lease is over", until, until.Add(time.Hour), 10, w)
	f.same("attempts", f.get(w.ID).LaunchAttempts, 2)
}

// wantAttach attaches and holds the store to what it must do.
func (f *fixture) wantAttach(w store.Workspace, incarnation int, machine string, want bool) {
	f.Helper()
	m := f.mark()
	got, err := f.AttachMachine(f.ctx, w.ID, incarnation, machine)
	f.ok(err)
	if got != want {
		f.Errorf("attaching %q for incarnation %d to a %s workspace in %d with machine %q = %v",
			machine, incarnation, w.Status, w.Incarnation, w.MachineID, got)
	}
	if want {
		w.MachineID, w.MachineIncarnation, w.LaunchError = machine, incarnation, ""
	}
	f.same("row", f.get(w.ID), w)
	f.wantSince(m, "attach")
}

func attachRules(f *fixture) {
	for _, status := range lifecycle.Statuses() {
		boots := func(w *store.Workspace) { w.Incarnation, w.LaunchError, w.LaunchAttempts = 3, "throttled", 2 }
		w := f.reach(status, boots)
		for _, other := range []int{w.Incarnation - 1, w.Incarnation + 1, 0} {
			f.wantAttach(w, other, "i-1", false)
		}
		keeps := status.KeepsMachine()
		f.wantAttach(w, w.Incarnation, "i-1", keeps)
		w = f.get(w.ID)
		f.wantAttach(w, w.Incarnation, "i-1", keeps) // again
		f.wantAttach(f.get(w.ID), w.Incarnation, "i-2", keeps && w.MachineID == "")
	}
	got, err := f.AttachMachine(f.ctx, idOf(999), 1, "i-1")
	f.ok(err)
	f.same("attached to an unknown id", got, false)

	// While the old incarnation's machine is recorded, the new one's cannot be.
	w := f.create(func(w *store.Workspace) { w.MachineID, w.MachineIncarnation = "old", 1 })
	f.apply(w.ID, lifecycle.Restart)
	f.wantAttach(f.get(w.ID), 2, "new", false)
	f.ok(f.ReleaseMachine(f.ctx, w.ID, "old"))
	f.wantAttach(f.get(w.ID), 2, "new", true)
}

func deferRules(f *fixture) {
	next := epoch.Add(time.Hour)
	for _, status := range lifecycle.Statuses() {
		w := f.reach(status, func(w *store.Workspace) { w.Incarnation = 3 })
		for _, other := range []int{w.Incarnation - 1, w.Incarnation + 1, 0} {
			f.unmoved(w, "another incarnation", func() { f.ok(f.DeferLaunch(f.ctx, w.ID, other, "throttled", next)) })
		}
		want := w
		if status == lifecycle.Provisioning {
			want.LaunchError, want.LaunchAfter = "throttled", next
		}
		f.ok(f.DeferLaunch(f.ctx, w.ID, w.Incarnation, "throttled", next))
		f.same("deferred", f.get(w.ID), want)
	}
	w := f.create(func(w *store.Workspace) { w.MachineID, w.MachineIncarnation = "i-1", 1 })
	f.unmoved(w, "it has a machine", func() { f.ok(f.DeferLaunch(f.ctx, w.ID, 1, "throttled", next)) })
	f.ok(f.DeferLaunch(f.ctx, idOf(999), 1, "throttled", next))
}

func byID(a, b store.Workspace) int { return slices.Compare(a.ID[:], b.ID[:]) }

func unwantedRules(f *fixture) {
	var want []store.Workspace
	for _, status := range lifecycle.Statuses() {
		for _, machine := range []string{"", "i-1"} {
			w := f.create()
			if machine != "" { // attached while it was kept, whatever came of the workspace since
				f.ok(errOf(f.AttachMachine(f.ctx, w.ID, 1, machine)))
			}
			path, _ := pathTo(f.table, lifecycle.Create, status)
			for _, e := range path {
				f.apply(w.ID, e)
			}
			w = f.get(w.ID)
			older := w.MachineIncarnation != w.Incarnation
			if machine != "" && (!status.KeepsMachine() || older) || status == lifecycle.Hibernating {
				want = append(want, w)
			}
		}
	}
	restarted := f.create()
	f.ok(errOf(f.AttachMachine(f.ctx, restarted.ID, 1, "i-1")))
	f.apply(restarted.ID, lifecycle.Restart)
	want = append(want, f.get(restarted.ID))
	slices.SortFunc(want, byID)
	f.same("unwanted", f.unwanted(100), want)
}

// unwanted asks for what should not run. What is claimed besides is none of it.
func (f *fixture) unwanted(limit int) []store.Workspace {
	f.Helper()
	got, err := f.ClaimLaunches(f.ctx, epoch, epoch, limit)
	f.ok(err)
	return got.Unwanted
}

func unwantedOrder(f *fixture) {
	f.same("unwanted of none", f.unwanted(10), []store.Workspace(nil))
	var all []store.Workspace
	for range 12 {
		w := f.create(func(w *store.Workspace) { w.MachineID, w.MachineIncarnation = "i", 1 })
		f.apply(w.ID, lifecycle.Remove)
		all = append(all, f.get(w.ID))
	}
	slices.SortFunc(all, byID)
	for _, limit := range []int{1, 5, 12, 100} {
		f.same("unwanted", f.unwanted(limit), all[:min(limit, len(all))])
	}
	f.same("unwanted, limit 0", f.unwanted(0), []store.Workspace(nil))
}

// claimAfterRelease has one call find both kinds, each with its own limit, and a restart wait for its old machine.
func claimAfterRelease(f *fixture) {
	restarted := f.create(func(w *store.Workspace) { w.MachineID, w.MachineIncarnation = "old", 1 })
	f.apply(restarted.ID, lifecycle.Restart)
	fresh := f.create()
	now := f.tickOn()
	until := now.Add(time.Minute)
	got, err := f.ClaimLaunches(f.ctx, now, until, 1)
	f.ok(err)
	fresh.LaunchAfter, fresh.LaunchAttempts = until, 1
	f.same("at first", got, store.Launches{Claimed: []store.Workspace{fresh}, Unwanted: []store.Workspace{f.get(restarted.ID)}})
	f.ok(f.ReleaseMachine(f.ctx, restarted.ID, "old"))
	want := f.get(restarted.ID)
	want.LaunchAfter, want.LaunchAttempts = until, 1
	got, err = f.ClaimLaunches(f.ctx, now, until, 1)
	f.ok(err)
	f.same("once released", got, store.Launches{Claimed: []store.Workspace{want}})
}

func releaseRules(f *fixture) {
	for _, status := range lifecycle.Statuses() {
		w := f.reach(status, func(w *store.Workspace) { w.MachineID, w.MachineIncarnation = "i-1", 1 })
		f.unmoved(w, "another machine", func() { f.ok(f.ReleaseMachine(f.ctx, w.ID, "i-2")) })
		f.ok(f.ReleaseMachine(f.ctx, w.ID, "i-1"))
		w.MachineID, w.MachineIncarnation = "", 0
		f.same("released", f.get(w.ID), w)
		f.unmoved(w, "again", func() { f.ok(f.ReleaseMachine(f.ctx, w.ID, "i-1")) })
	}
	f.ok(f.ReleaseMachine(f.ctx, idOf(999), "i-1"))
}

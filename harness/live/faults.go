package live

import (
	"slices"
	"sync"
	"time"

	"github.com/bootrace/bootrace/harness/fault"
	"github.com/bootrace/bootrace/harness/hiccup"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/oracle"
)

// faults are the plan's faults on wall-clock time: when they begin and end, and those that strike of themselves. Whoever
// asks the set about something holds the lock.
type faults struct {
	mu     sync.Mutex
	set    *fault.Set
	world  *world
	ending tasks // faults that have ended a server, until it serves again
}

// settle waits until every server that a fault has ended serves again, which can be later than the plan says on a machine that is
// slow: the end of a run is read from it.
func (f *faults) settle() {
	f.ending.drain(f.world.ctx)
}

func newFaults(w *world) *faults {
	f := &faults{world: w}
	f.set = fault.NewSet(f, w.plan.Faults)
	for _, x := range f.set.All {
		x.Elsewhere = linked(x) || x.Kind == "controller-stall" || endsPostgres(x.Fault)
	}
	return f
}

// ask lets the function ask the set.
func (f *faults) ask(about func(*fault.Set)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	about(f.set)
}

// Now implements fault.World.
func (f *faults) Now() time.Duration { return f.world.clock.now() }

// Choose implements fault.World.
func (f *faults) Choose(p oracle.Point, n uint64) uint64 { return f.world.oracle.Choose(p, n) }

// Struck implements fault.World.
func (f *faults) Struck(x *fault.Fault, ws int) {
	f.world.add(history.Event{Kind: history.Fault, Fault: x.Number, WS: ws, Phase: history.Struck})
}

// schedule notes the starts and ends of the faults, and lets those strike that need nobody to pass by.
func (f *faults) schedule() {
	w := f.world
	for _, x := range f.set.All {
		// On a machine that is short of time a timer may be later than one that comes after it, and to crash a server can
		// take longer than it is to stay down: nothing ends before it has begun.
		if endsPostgres(x.Fault) {
			f.endPostgres(x)
			continue
		}
		begun := make(chan struct{})
		w.at(time.Duration(x.From), func() {
			defer close(begun)
			w.add(history.Event{Kind: history.Fault, Fault: x.Number, Phase: history.Started})
			f.start(x)
		})
		end := x.End()
		if linked(x) {
			// Nothing new is late any more; what was under way is, for a while.
			w.after(begun, time.Duration(x.Until), func() { f.stop(x) })
		}
		w.after(begun, end, func() {
			if !linked(x) {
				f.stop(x)
			}
			w.add(history.Event{Kind: history.Fault, Fault: x.Number, Phase: history.Ended})
		})
	}
}

// endPostgres schedules a fault that ends the server, and the server's return. Where the first has happened by the end of the run,
// the other does.
func (f *faults) endPostgres(x *fault.Fault) {
	w := f.world
	w.at(time.Duration(x.From), func() {
		f.ending.Go(func() {
			w.add(history.Event{Kind: history.Fault, Fault: x.Number, Phase: history.Started})
			f.start(x)
			w.sleep(x.End() - w.clock.now())
			f.stop(x)
			w.add(history.Event{Kind: history.Fault, Fault: x.Number, Phase: history.Ended})
		})
	})
}

func (f *faults) start(x *fault.Fault) {
	w := f.world
	switch x.Kind {
	case "store-slow", "store-error":
		if linked(x) {
			f.poison(x)
		}
	case "controller-stall":
		for _, r := range w.replicas {
			if x.On(r.number) && r.stall() {
				f.Struck(x, 0)
			}
		}
	case "postgres-crash", "postgres-restart":
		end := w.postgres.server.Crash
		if x.Kind == "postgres-restart" {
			end = w.postgres.server.ShutDown
		}
		if err := end(); err != nil {
			w.broken("ending Postgres: %w", err)
			return
		}
		f.Struck(x, 0)
	case "crash":
		if len(x.Calls) > 0 {
			return
		}
		for _, r := range w.replicas {
			if x.On(r.number) && r.kill(time.Duration(x.Delay)) {
				f.Struck(x, 0)
			}
		}
	case "stray-agent":
		f.Struck(x, 0)
		w.stray()
	case "intruder":
		w.intrude(x)
	case "partition":
		if w.site != nil && w.site.unplugs(x) {
			f.upset(x, w.site.unplug, true)
		}
	default:
		if p, ok := upsets[x.Kind]; ok {
			f.upset(x, p.begin, true)
		}
	}
}

// upsets are the faults that do something to machines, by kind, and what undoes it.
var upsets = map[string]struct{ begin, end func(*machine) bool }{
	"machine-death":   {begin: (*machine).die},
	"machine-restart": {begin: (*machine).restart},
	"machine-pause":   {(*machine).pause, (*machine).unpause},
	"agent-stall":     {(*machine).stall, (*machine).goOn},
	"agent-oom":       {(*machine).starve, (*machine).feed},
}

// upset does something to the machines that the fault is about, all at once, and returns when it is done. External workspaces
// have no machine of the cloud's, but one that can be stopped.
func (f *faults) upset(x *fault.Fault, do func(*machine) bool, strikes bool) {
	var all sync.WaitGroup
	for _, m := range f.world.members {
		b := f.world.machineOf(m)
		if b == nil || !x.Hits(m.number) || !b.live() || b.id == "" && x.Kind != "agent-stall" && x.Kind != "machine-pause" {
			continue
		}
		all.Go(func() {
			if do(b) && strikes {
				f.ask(func(s *fault.Set) { s.Strike(x, m.number) })
			}
		})
	}
	all.Wait()
}

func (f *faults) stop(x *fault.Fault) {
	w := f.world
	switch x.Kind {
	case "partition":
		if w.site != nil && w.site.unplugs(x) {
			f.upset(x, w.site.plug, false)
		}
	case "controller-stall":
		for _, r := range w.replicas {
			if x.On(r.number) {
				r.goOn()
			}
		}
	case "postgres-crash", "postgres-restart":
		if err := w.postgres.server.Restart(w.ctx); err != nil {
			w.broken("restarting Postgres: %w", err)
		}
	case "store-slow", "store-error":
		if linked(x) {
			for _, l := range w.linksOf(x) {
				l.heal(x)
			}
		}
	default:
		if p, ok := upsets[x.Kind]; ok && p.end != nil {
			f.upset(x, p.end, false)
		}
	}
}

// poison begins a fault of the connections to Postgres.
func (f *faults) poison(x *fault.Fault) {
	for _, l := range f.world.linksOf(x) {
		if err := l.poison(x, f.world.clock.real(time.Duration(x.Delay))); err != nil {
			f.world.broken("fault %d: %w", x.Number, err)
			return
		}
	}
	// The sweeps alone are at the store more often than any fault is short.
	f.Struck(x, 0)
}

// stopped reports whether a fault of one of the kinds had the process stopped at a moment of the window: that it was late then is
// no slowness of the machine's.
func (f *faults) stopped(x *hiccup.Window, hits func(*fault.Fault) bool, kinds ...string) bool {
	return x != nil && slices.ContainsFunc(f.set.All, func(one *fault.Fault) bool {
		return slices.Contains(kinds, one.Kind) && hits(one) && !x.Until.Before(f.world.clock.wall(time.Duration(one.From))) &&
			!x.From.After(f.world.clock.wall(one.End()))
	})
}
